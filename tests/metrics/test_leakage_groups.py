"""Groups in probes: a trait of speakers leaks only if it can be read from other speakers."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, cross_validate

from mibsk import CanonicalBottleneck
from mibsk.metrics import (
    Bootstrap,
    get_scorer,
    information_report,
    kept,
    leakage,
    probe_information,
    recall_at_k,
)
from mibsk.metrics.probes._factors import Classes
from mibsk.metrics.probes._outputs import _inner_split
from mibsk.metrics.probes._penalty import USUAL, choose_penalties
from mibsk.metrics.probes._splits import split_rows
from mibsk.metrics.statistics._resampling import over_rows, over_values

SPEAKER = np.repeat(np.arange(40), 10)


@pytest.fixture(scope="module")
def speakers():
    """Embeddings of 40 speakers, 10 rows each, and a random trait of each speaker."""
    rng = np.random.default_rng(0)
    trait = rng.integers(2, size=40)[SPEAKER]
    voices = rng.standard_normal((40, 16))[SPEAKER]
    return voices + 0.2 * rng.standard_normal((400, 16)), trait


def test_a_random_trait_of_speakers_does_not_leak(speakers):
    assert leakage(*speakers, probe="mlp") == pytest.approx(0.97, abs=0.02)
    assert leakage(*speakers, probe="mlp", groups=SPEAKER) < 0.02
    assert leakage(*speakers) > 0.2
    assert leakage(*speakers, groups=pd.Series(SPEAKER.astype(str))) < 0.02


def test_what_other_speakers_show_too_is_still_read(speakers):
    Z, _ = speakers
    found = kept(Z, {"sign": Z[:, 0] > 0, "value": Z[:, 1]}, groups=SPEAKER)
    assert found["sign"] > 0.7
    assert found["value"] > 0.99


@pytest.mark.parametrize("probe", ["linear", "mlp"])
def test_groups_of_one_row_change_nothing(speakers, probe):
    Z, trait = speakers
    labels = {"trait": trait, "value": Z[:, 0]}
    own = np.random.default_rng(0).permutation(400)
    assert leakage(Z, labels, probe=probe, groups=own, ci=0.9) == leakage(
        Z, labels, probe=probe, ci=0.9
    )


def test_the_interval_is_that_of_groups(speakers):
    """10 held-out speakers are not 100 independent rows."""
    rng = np.random.default_rng(1)
    trait = rng.integers(2, size=40)
    Z = (2 * trait[:, None] + rng.standard_normal((40, 3)))[SPEAKER]
    labels = trait[SPEAKER]
    of_groups = leakage(Z, labels, groups=SPEAKER, ci=0.9)
    parts = split_rows(pd.DataFrame({"trait": labels}), "auto", 0.25, 0, SPEAKER)
    train, test = parts
    of_rows = leakage(Z[train], labels[train], Z_test=Z[test], labels_test=labels[test], ci=0.9)
    assert of_groups.high - of_groups.low > 1.5 * (of_rows.high - of_rows.low)


def test_a_held_out_part_of_ones_own(speakers):
    Z, trait = speakers
    train, test = np.arange(300), np.arange(300, 400)
    parts = {"Z_test": Z[test], "labels_test": trait[test]}
    groups = {"groups": SPEAKER[train], "groups_test": SPEAKER[test]}
    found = leakage(Z[train], trait[train], **parts, **groups)
    table = probe_information(Z[train], trait[train], **parts, **groups)
    assert found == table["fraction"].item() < 0.05
    frames = {"labels": {"a": pd.DataFrame({"trait": trait[train]})}}
    report = information_report(
        {"a": Z[train]},
        **frames,
        embeddings_test={"a": Z[test]},
        labels_test={"a": pd.DataFrame({"trait": trait[test]})},
        **{name: {"a": values} for name, values in groups.items()},
    )
    assert report.loc["trait", "a"] == found
    with pytest.raises(TypeError, match="groups must map names of modalities to groups of rows"):
        information_report(
            {"a": Z[train]},
            **frames,
            embeddings_test={"a": Z[test]},
            labels_test={"a": pd.DataFrame({"trait": trait[test]})},
            groups=SPEAKER[train],
        )
    with pytest.raises(ValueError, match="29, are in groups and in groups_test"):
        leakage(
            Z[:295],
            trait[:295],
            Z_test=Z[295:],
            labels_test=trait[295:],
            groups=SPEAKER[:295],
            groups_test=SPEAKER[295:],
        )
    with pytest.raises(TypeError, match=r"groups_test must be of one type.*groups\.astype"):
        leakage(
            Z[:295],
            trait[:295],
            Z_test=Z[295:],
            labels_test=trait[295:],
            groups=SPEAKER[:295],
            groups_test=SPEAKER[295:].astype(str),
        )
    with pytest.raises(ValueError, match="groups and groups_test belong together"):
        leakage(Z[train], trait[train], **parts, groups=SPEAKER[train])
    with pytest.raises(ValueError, match="groups_test are those of Z_test"):
        leakage(Z, trait, groups=SPEAKER, groups_test=SPEAKER)


def test_the_group_itself_cannot_be_read_from_other_groups(speakers):
    Z, trait = speakers
    message = r"no split of 400 rows in 40 groups.* 40 class\(es\) of 'speaker' are in one group"
    with pytest.raises(ValueError, match=message):
        leakage(Z, {"trait": trait, "speaker": SPEAKER}, groups=SPEAKER)


def test_a_class_of_one_group_stays_in_training(speakers):
    """A third of all folds would hold it out."""
    _, trait = speakers
    labels = np.where(SPEAKER == 7, 2, trait)
    frame = pd.DataFrame({"trait": labels})
    for seed in range(8):
        train, test = split_rows(frame, "auto", 0.25, seed, SPEAKER)
        assert 7 in SPEAKER[train]
        assert not set(SPEAKER[train]) & set(SPEAKER[test])
        assert 70 <= len(test) <= 130


@pytest.mark.parametrize(
    ("test_size", "expected"), [(0.1, 40), (0.25, 100), (0.4, 160), (0.9, 360)]
)
def test_the_share_of_held_out_rows(test_size, expected):
    labels = pd.DataFrame({"trait": np.arange(40)[SPEAKER] % 2, "value": np.arange(400) / 7})
    for columns in (["trait"], ["value"], ["trait", "value"]):
        _, test = split_rows(labels[columns], "auto", test_size, 0, SPEAKER)
        assert len(test) == expected


@pytest.mark.parametrize("factor", ["classes", "numbers"])
@pytest.mark.parametrize(("n_groups", "test_size"), [(4, 0.25), (5, 0.1), (10, 0.1), (10, 0.3)])
def test_few_groups_leave_enough_for_an_interval(n_groups, test_size, factor):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(n_groups), 12)
    Z = rng.standard_normal((len(groups), 2))
    labels = Z[:, 0] + rng.standard_normal(len(groups))
    labels = labels > 0 if factor == "classes" else labels
    for seed in range(8):
        train, test = split_rows(pd.DataFrame({"label": labels}), "auto", test_size, seed, groups)
        assert len(np.unique(groups[test])) == max(2, round(test_size * n_groups))
        assert len(train) + len(test) == len(groups)
    found = leakage(Z, labels, groups=groups, test_size=test_size, ci=0.9)
    assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize("factor", ["classes", "numbers"])
def test_three_groups_have_an_interval_with_a_larger_held_out_part(factor):
    Z = np.random.default_rng(0).standard_normal((60, 2))
    labels = Z[:, 0] > 0 if factor == "classes" else Z[:, 0]
    groups = np.repeat(np.arange(3), 20)
    assert leakage(Z, labels, groups=groups) >= 0
    with pytest.raises(ValueError, match="got 1: pass more groups, a larger test_size, or ci=None"):
        leakage(Z, labels, groups=groups, ci=0.9)
    assert leakage(Z, labels, groups=groups, ci=0.9, test_size=0.6).high <= 1


def test_a_large_group_is_not_held_out_alone():
    groups = np.repeat(np.arange(5), [40, 10, 10, 10, 10])
    labels = pd.DataFrame({"class": np.arange(80) % 2, "value": np.arange(80) / 7})
    for columns in (["class"], ["value"]):
        for seed in range(8):
            train, test = split_rows(labels[columns], "auto", 0.5, seed, groups)
            assert len(np.unique(groups[test])) >= 2
            assert len(train)


def test_one_group_is_held_out_where_two_leave_no_class_to_learn():
    """Each class is in two of four groups, so that any two groups have all rows of one."""
    pairs = list(combinations(range(4), 2))
    groups = np.repeat(np.array(pairs).ravel(), 5)
    labels = pd.DataFrame({"class": np.repeat(np.arange(len(pairs)), 10)})
    train, test = split_rows(labels, "auto", 0.25, 0, groups)
    assert len(np.unique(groups[test])) == 1
    assert set(labels["class"][test]) <= set(labels["class"][train])


@settings(max_examples=40)
@given(st.lists(st.integers(0, 9), max_size=80), st.integers(0, 99))
def test_no_group_is_on_both_sides(drawn, seed):
    """Of any sizes; both classes are in at least five groups, so that there is a split."""
    groups = np.array([*np.repeat(np.arange(5), 4), *drawn])
    labels = pd.DataFrame({"class": np.arange(len(groups)) % 2})
    train, test = split_rows(labels, "auto", 0.25, seed, groups)
    assert not set(groups[train]) & set(groups[test])
    assert sorted([*train, *test]) == list(range(len(groups)))


def test_what_a_probe_chooses_is_chosen_on_whole_groups(speakers):
    Z, trait = speakers
    factor = Classes(trait, trait, 2)
    rows, groups = (choose_penalties(Z, [factor], 0, given)[0] for given in (None, SPEAKER))
    assert groups > rows
    rng = np.random.default_rng(0)
    held = _inner_split(400, [factor], rng, SPEAKER)
    assert 60 <= len(held) <= 100
    assert not set(SPEAKER[held]) & set(np.delete(SPEAKER, held))
    assert set(np.delete(trait, held)) == {0, 1}
    assert choose_penalties(Z[:10], [Classes(trait[:10], trait[:10], 2)], 0, SPEAKER[:10]) == USUAL


class TestResampling:
    def test_equal_rows_of_groups_have_the_interval_of_their_means(self):
        means = np.random.default_rng(0).standard_normal(200)
        values, groups = np.repeat(means, 5), np.repeat(np.arange(200), 5)
        expected = 2 * 1.96 * means.std() / np.sqrt(200)
        ci = Bootstrap(groups=groups)
        for found in (
            over_values(values, ci),
            over_rows(lambda X: float(X.mean()), values[:, None], ci=ci),
        ):
            assert found.high - found.low == pytest.approx(expected, rel=0.1)
            assert found.value == pytest.approx(values.mean())

    def test_groups_of_one_row_change_nothing(self):
        X, Y = np.random.default_rng(0).standard_normal((2, 60, 3))
        own = [f"row {i}" for i in range(60)]
        assert recall_at_k(X, Y, ci=Bootstrap(groups=own)) == recall_at_k(X, Y, ci=Bootstrap())

    def test_the_number_of_rows_is_checked(self):
        X, Y = np.random.default_rng(0).standard_normal((2, 60, 3))
        with pytest.raises(ValueError, match="groups of Bootstrap must have one label per row"):
            recall_at_k(X, Y, ci=Bootstrap(groups=np.arange(30) // 2))

    def test_one_held_out_group_has_no_interval(self, speakers):
        Z, trait = speakers
        parts = {"Z_test": Z[:40], "labels_test": np.arange(40) % 2}
        groups = {"groups": SPEAKER[40:], "groups_test": np.full(40, 99)}
        with pytest.raises(ValueError, match="at least 2 groups among the held-out rows"):
            leakage(Z[40:], trait[40:], **parts, **groups, ci=0.9)


def test_a_scorer_holds_out_groups(speakers):
    import sklearn

    Z, trait = speakers
    data = np.hstack([Z, Z[:, ::-1]])
    aligner = CanonicalBottleneck(modalities={"a": slice(0, 16), "b": slice(16, 32)}, weights=None)
    scorer = get_scorer("neg_leakage", probe="mlp")
    fitted = aligner.fit(data)
    expected = np.mean(
        [leakage(z, trait, probe="mlp", groups=SPEAKER) for z in fitted.embed(data).values()]
    )
    assert scorer(fitted, data, trait, groups=SPEAKER) == -expected
    assert scorer(fitted, data, trait) < -expected - 0.1
    with sklearn.config_context(enable_metadata_routing=True):
        quick = get_scorer("neg_leakage").set_score_request(groups=True)
        done = cross_validate(
            aligner.set_fit_request(groups=True),
            data,
            trait,
            scoring=quick,
            cv=GroupKFold(2),
            params={"groups": SPEAKER},
            return_estimator=True,
            return_indices=True,
            error_score="raise",
        )
        other = cross_validate(
            aligner.set_fit_request(groups=False),
            data,
            scoring=get_scorer("cka"),
            cv=GroupKFold(2),
            params={"groups": SPEAKER},
        )
    for score, model, test in zip(
        done["test_score"], done["estimator"], done["indices"]["test"], strict=True
    ):
        assert score == quick(model, data[test], trait[test], groups=SPEAKER[test])
    assert np.isfinite(other["test_score"]).all()
