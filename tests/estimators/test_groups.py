"""Groups in estimators: pairs of one group are held out together wherever pairs are held out."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold
from torch.utils.data import IterableDataset

from mibsk import (
    CanonicalBottleneck,
    ClassPairs,
    IBAligner,
    IBAlignerCV,
    Modalities,
    ModalityEncoder,
    fit_together,
)
from mibsk.canonical import Canonical, FoldedMoments, GroupSums, Moments
from mibsk.data import tensor_source
from mibsk.exceptions import NothingSharedWarning
from mibsk.training import _train
from mibsk.training._selection import split_for_selection

from .common import Items, assert_same_weights

SPEAKER = np.repeat(np.arange(40), 10)


@pytest.fixture(scope="module")
def speech():
    """Two views that share three directions, and the voice of 40 speakers, unrelated, in each."""
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((400, 3))

    def view(width):
        shared = hidden @ rng.standard_normal((3, width))
        voices = rng.standard_normal((40, 6))[SPEAKER]
        noise = rng.standard_normal((400, width + 6))
        return np.hstack([shared, voices]) + np.array([0.1] * width + [0.2] * 6) * noise

    return Modalities({"a": view(6), "b": view(5)})


@pytest.fixture
def held_out(monkeypatch):
    """Return a list to which each split of a training is added, as two arrays of rows."""
    splits = []
    for name in ("split_validation", "split_for_selection"):
        split = getattr(_train, name)

        def recorded(*args, split=split):
            parts = split(*args)
            splits.append([part.pairing.rows for part in parts])
            return parts

        monkeypatch.setattr(_train, name, recorded)
    return splits


def test_directions_of_voices_are_not_shared(speech):
    """A few speakers correlate by chance, which rows of the same speakers confirm."""
    assert CanonicalBottleneck().fit(speech).n_components_ > 4
    grouped = CanonicalBottleneck().fit(speech, groups=SPEAKER)
    assert grouped.n_components_ == 3
    for encoders in ("network", "canonical", "auto"):
        params = {"encoders": encoders, "max_epochs": 8, "random_state": 0}
        by_rows = IBAligner(**params).fit(speech)
        by_groups = IBAligner(**params).fit(speech, groups=SPEAKER)
        assert by_groups.n_components_ < by_rows.n_components_


def _offsets(rng, width=3):
    """Return random offsets of the speakers."""
    return rng.standard_normal((40, width))[SPEAKER]


def _only_voices(rng):
    return [_offsets(rng) + 0.2 * rng.standard_normal((400, 3)) for _ in "ab"], 0.0


def _voices_of_one_view(rng):
    return [_offsets(rng), rng.standard_normal((400, 3))], 0.0


def _few_voices(rng):
    return [np.hstack([_offsets(rng, 1), rng.standard_normal((400, 4))]) for _ in "ab"], 0.0


def _shared_by_speakers(rng):
    shared = _offsets(rng, 1)
    views = [
        np.hstack([shared + 0.5 * _offsets(rng, 1), rng.standard_normal((400, 2))]) for _ in "ab"
    ]
    return views, -0.5 * np.log(1 - 0.8**2)


def _shared_by_rows(rng):
    shared = rng.standard_normal((400, 2))
    views = [
        np.hstack([shared + 0.5 * rng.standard_normal((400, 2)), _offsets(rng, 2)]) for _ in "ab"
    ]
    return views, -np.log(1 - 0.8**2)


@pytest.mark.filterwarnings("ignore::mibsk.exceptions.NothingSharedWarning")
@pytest.mark.parametrize(
    "draw",
    [_only_voices, _voices_of_one_view, _few_voices, _shared_by_speakers, _shared_by_rows],
)
def test_the_interval_of_the_information_counts_independent_rows(draw):
    errors, covered = [], []
    for seed in range(100):
        views, exact = draw(np.random.default_rng(seed))
        found = CanonicalBottleneck(ridge=0.0).fit(*views, groups=SPEAKER).information_
        errors.append(found.value - exact)
        covered.append(found.low <= exact <= found.high)
    assert np.mean(covered) >= 0.9
    assert abs(np.mean(errors)) < 0.03


def test_too_many_columns_for_the_independent_rows():
    """The 400 rows of 40 speakers are too few for 40 columns: held-out rows bound it."""
    rng = np.random.default_rng(0)
    views = [_offsets(rng, 20) + 0.2 * rng.standard_normal((400, 20)) for _ in "ab"]
    with pytest.warns(NothingSharedWarning):
        grouped = CanonicalBottleneck().fit(*views, groups=SPEAKER)
    assert grouped.information_.low == 0
    assert grouped.information_.value == pytest.approx(grouped.correlations_["information"][0])
    assert CanonicalBottleneck().fit(*views).information_.low > 1


def test_a_loaded_bottleneck_knows_its_independent_rows(speech, tmp_path):
    grouped = CanonicalBottleneck().fit(speech, groups=SPEAKER)
    grouped.save(tmp_path / "model")
    assert CanonicalBottleneck.load(tmp_path / "model").information_ == grouped.information_


def test_groups_of_one_row_change_nothing(speech):
    own = np.random.default_rng(0).permutation(400)
    table = CanonicalBottleneck().fit(speech).correlations_
    pd.testing.assert_frame_equal(
        table, CanonicalBottleneck().fit(speech, groups=own).correlations_
    )
    for params in (
        {},
        {"beta": "auto", "budget": 0.1},
        {"early_stopping": True, "encoders": "network"},
    ):
        one = IBAligner(max_epochs=2, random_state=0, **params).fit(speech)
        other = IBAligner(max_epochs=2, random_state=0, **params).fit(speech, groups=own)
        assert_same_weights(one, other)


@pytest.mark.parametrize(
    "params",
    [
        {"encoders": "auto"},
        {"early_stopping": True},
        {"beta": "auto", "budget": 0.1},
        {"bottleneck": Canonical(hold_out=True)},
    ],
    ids=lambda params: next(iter(params)),
)
def test_held_out_pairs_are_whole_groups(speech, quick, held_out, params):
    groups = np.random.default_rng(0).permutation(SPEAKER)
    quick(**params).fit(speech, groups=groups)
    ((rest, held),) = held_out
    assert not set(groups[rest]) & set(groups[held])
    expected = 100 if params == {"encoders": "auto"} else 40
    assert (len(held), len(rest)) == (expected, 400 - expected)


def test_groups_of_a_dataset_and_of_a_table(speech, quick, held_out):
    quick(early_stopping=True).fit(Items(speech), groups=SPEAKER)
    quick(early_stopping=True).fit(speech["a"], speech["b"], groups=pd.Series(SPEAKER.astype(str)))
    for rest, held in held_out:
        assert not set(SPEAKER[rest]) & set(SPEAKER[held])


def test_groups_of_pairs_by_class_are_those_of_their_anchors(speech, quick, held_out):
    classes = 2 * (speech["a"][:, 0] > 0) + (speech["b"][:, 0] > 0)
    pairs = ClassPairs({"a": (speech["a"], classes), "b": (speech["b"], classes)})[100:]
    quick(early_stopping=True).fit(pairs, groups=SPEAKER[100:])
    ((rest, held),) = held_out
    assert set(rest) | set(held) == set(range(100, 400))
    assert not set(SPEAKER[rest]) & set(SPEAKER[held])
    assert CanonicalBottleneck().fit(pairs, groups=SPEAKER[100:]).n_samples_ == 300


def test_aligners_together_and_one_modality(speech, quick):
    params = {"early_stopping": True, "n_iter_no_change": 1}
    alone = quick(**params).fit(speech, groups=SPEAKER)
    (together,) = fit_together([quick(**params)], speech, groups=SPEAKER)
    (listed,) = fit_together([quick(**params)], [speech], groups=[SPEAKER])
    encoder = ModalityEncoder(quick(**params), "a").fit(speech, groups=SPEAKER)
    for other in (together, listed, encoder.aligner_):
        assert_same_weights(alone, other)
    without = quick(**params).fit(speech)
    with pytest.raises(AssertionError):
        assert_same_weights(alone, without)
    with pytest.raises(ValueError, match="groups must be a list of 1"):
        fit_together([quick()], [speech], groups=SPEAKER)
    np.testing.assert_array_equal(
        alone.transform(speech), quick(**params).fit_transform(speech, groups=SPEAKER)
    )


@pytest.mark.parametrize("labelled", [False, True])
def test_cross_validation_is_over_groups(speech, quick, held_out, labelled):
    """Without a splitter of the user's own; each fold hands its groups to the aligner."""
    aligner = quick(max_epochs=1, early_stopping=True)
    y = np.where(np.arange(400) % 10 < 5, "low", "high") if labelled else None
    X = (speech["a"], y) if labelled else (speech,)
    search = IBAlignerCV(aligner, betas=[0, 1], cv=4).fit(*X, groups=SPEAKER)
    cv = (StratifiedGroupKFold if labelled else GroupKFold)(4)
    explicit = list(cv.split(np.zeros(400), y, SPEAKER))
    by_hand = IBAlignerCV(aligner, betas=[0, 1], cv=explicit).fit(*X, groups=SPEAKER)
    np.testing.assert_array_equal(search.scores_, by_hand.scores_)
    inner = [SPEAKER[train] for train, _ in explicit for _ in search.betas_]
    assert len(held_out) > len(inner)
    for groups, (rest, held) in zip(inner, held_out, strict=False):
        assert not set(groups[rest]) & set(groups[held])
    own = np.arange(400)
    rows = IBAlignerCV(aligner, betas=[0, 1], cv=4)
    np.testing.assert_array_equal(rows.fit(*X).scores_, rows.fit(*X, groups=own).scores_)


def test_a_scorer_with_groups_gets_them(speech, quick):
    seen = []

    def score(aligner, X, y, groups):
        seen.append(groups)
        return 0.0

    IBAlignerCV(quick(), betas=[0, 1], cv=2, scoring=score).fit(speech, groups=SPEAKER)
    assert sorted({*seen[0], *seen[-1]}) == list(range(40))
    assert len(seen[0]) == len(seen[-1]) == 200
    with pytest.raises(
        ValueError, match=r"cv=50 makes folds of whole groups.* 40 groups: use cv=40"
    ):
        IBAlignerCV(quick(), betas=[0, 1], cv=50).fit(speech, groups=SPEAKER)


def test_checkpoints_of_other_groups_are_not_resumed(speech, quick, tmp_path):
    params = {"checkpoint": tmp_path, "early_stopping": True, "random_state": 0}
    quick(**params).fit(speech)
    assert len(list(tmp_path.iterdir())) == 1
    quick(**params).fit(speech, groups=SPEAKER)
    assert len(list(tmp_path.iterdir())) == 2
    quick(**params).fit(speech, groups=[f"s{i}" for i in SPEAKER])
    assert len(list(tmp_path.iterdir())) == 2


def test_a_stream_has_no_groups(speech, quick):
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(Items(speech))

    for estimator in (quick(), CanonicalBottleneck()):
        with pytest.raises(ValueError, match="does not support that: pass a Dataset with a length"):
            estimator.fit(Stream(), groups=SPEAKER)


def test_groups_that_leave_too_few_pairs(speech, quick):
    arrays = {name: np.asarray(X[:20], np.float32) for name, X in speech.items()}
    source = tensor_source(arrays, torch.device("cpu"))
    groups = np.array([0] * 18 + [1, 2])
    for seed in range(8):  # two pairs cannot choose a weight
        assert split_for_selection(source, 0.1, np.random.default_rng(seed), groups) is None
    alone = [0] * 9 + [1]
    with pytest.raises(ValueError, match="10 pairs in whole groups are too few to split"):
        quick(early_stopping=True).fit(speech[:10], groups=alone)


def test_two_groups_are_enough(speech):
    halves = np.repeat([0, 1], 200)
    fitted = CanonicalBottleneck().fit(speech, groups=halves)
    assert np.isfinite(fitted.transform(speech)).all()
    with pytest.warns(NothingSharedWarning):  # one group is held out: there is no interval
        aligner = IBAligner(max_epochs=2, random_state=0).fit(speech, groups=halves)
    assert np.isfinite(aligner.transform(speech)).all()


def test_bad_groups_keep_the_fitted_model(speech, quick):
    for estimator in (quick(), CanonicalBottleneck(), IBAlignerCV(quick(), betas=[0], cv=2)):
        before = estimator.fit(speech).transform(speech)
        with pytest.raises(ValueError, match="groups must have one label per row, got 3 for 400"):
            estimator.fit(speech, groups=[0, 0, 1])
        with pytest.raises(ValueError, match="groups must be several"):
            estimator.fit(speech, groups=np.zeros(400, int))
        np.testing.assert_array_equal(before, estimator.transform(speech))


class TestMoments:
    @given(st.lists(st.integers(0, 9), min_size=12, max_size=40), st.integers(1, 40))
    def test_folds_are_of_whole_groups_in_any_chunks(self, groups, size):
        groups = np.array(groups)
        X = np.random.default_rng(0).standard_normal((len(groups), 4))
        found = FoldedMoments([2, 2], np.zeros(4), groups)
        for _ in range(2):
            found.restart()
            for start in range(0, len(X), size):
                found.add([X[start : start + size, :2], X[start : start + size, 2:]])
        for k, fold in enumerate(found.folds):
            expected = Moments.of_rows([2, 2], np.zeros(4), X[found.fold_of == k])
            assert fold.n == 2 * expected.n
            np.testing.assert_allclose(fold.products, 2 * expected.products, atol=1e-12)
        sums = [X[groups == g].sum(axis=0) for g in np.unique(groups)]
        np.testing.assert_allclose(found.group_sums.sums, sums, atol=1e-12)

    def test_a_design_effect_is_that_of_the_spread_of_correlations(self):
        """Of unrelated variates with correlations of 0.8 and 0.5 within groups of ten."""
        rng = np.random.default_rng(0)

        def variate(within, n_groups=40):
            of_group = np.repeat(rng.standard_normal(n_groups), 10)
            own = rng.standard_normal(10 * n_groups)
            return np.sqrt(within) * of_group + np.sqrt(1 - within) * own

        drawn = [(variate(0.8), variate(0.5)) for _ in range(3000)]
        spread = np.var([np.corrcoef(u, v)[0, 1] for u, v in drawn])
        expected = 1 + 9 * 0.8 * 0.5
        assert spread * 400 == pytest.approx(expected, rel=0.1)
        effects = []
        for u, v in drawn[:100]:
            sums = GroupSums(SPEAKER, 2)
            rows = np.column_stack([u, v])
            sums.add(rows[:150], 0)
            sums.add(rows[150:], 150)
            moments = Moments.of_rows([1, 1], np.zeros(2), rows)
            effects += list(sums.design_effects(moments, [np.eye(1), np.eye(1)]))
        assert np.mean(effects) == pytest.approx(expected, rel=0.05)

    def test_independent_rows_have_no_design_effect(self):
        rows = np.random.default_rng(0).standard_normal((4000, 2))
        sums = GroupSums(np.repeat(np.arange(400), 10), 2)
        sums.add(rows, 0)
        moments = Moments.of_rows([1, 1], np.zeros(2), rows)
        assert sums.design_effects(moments, [np.eye(1)] * 2) == pytest.approx(1, abs=0.02)
