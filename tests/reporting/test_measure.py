from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk import metrics
from mibsk.metrics.catalogue import CATALOGUE
from mibsk.metrics.rows import unit_rows
from mibsk.reporting import _tasks, measure
from mibsk.reporting._page import to_html
from mibsk.reporting._samples import Rows

QUICK = {"ci": None, "n_permutations": 0}


def unit(X):
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def test_all_of_the_catalogue_is_measured(report):
    expected = {entry.name for entry in CATALOGUE if entry.of != "other"}
    assert {line.metric for line in report} == expected
    assert all(line.value is not None for line in report), [line.note for line in report]
    assert len({line.key for line in report}) == len(report)


def test_values_are_those_of_the_metrics(pairs, report):
    X, Y, labels = pairs
    digits = (labels["digit"], labels["digit"])
    expected = {
        "cka": metrics.cka(X, Y),
        "cka_unbiased": metrics.cka(X, Y, unbiased=True),
        "mutual_knn": metrics.mutual_knn(unit(X), unit(Y), k=10),
        "modality_gap": metrics.modality_gap(unit(X), unit(Y)),
        "uniformity.y": metrics.uniformity(unit(Y)),
        "recall_at_5.x_to_y": metrics.recall_at_k(unit(X), unit(Y), k=5, labels=digits),
        "median_rank.y_to_x": metrics.median_rank(unit(Y), unit(X), labels=digits),
        "kept.x.digit": metrics.kept(X, labels["digit"]),
        "leakage.y.speaker": metrics.leakage(Y, labels["speaker"]),
    }
    assert {key: report[key].value for key in expected} == pytest.approx(expected, abs=1e-9)


def test_intervals_hold_the_values(report):
    for line in report:
        assert line.low <= line.value <= line.high, line.key
        assert line.n_resamples >= 100


def test_alignment_is_tested_against_chance(report):
    for line in report:
        assert (line.chance is not None) == (line.group == "alignment")
        if line.chance:
            assert line.chance.level < line.value
            assert line.chance.p_value == pytest.approx(1 / 21)


def test_calibrated_values_take_chance_as_0(report):
    for line in report:
        if line.chance is None or line.metric == "lcs_knn":
            assert line.chance is None or line.chance.calibrated is None
            continue
        found = line.chance
        expected = (found.value - found.level) / (1 - found.level)
        assert found.calibrated == pytest.approx(expected)


def test_retrieval_has_chance_levels(pairs, report):
    X, Y, _ = pairs
    plain = measure(X, Y, ci=None, n_permutations=0)
    assert plain["recall_at_5.x_to_y"].chance_level == pytest.approx(5 / 60)
    assert plain["median_rank.y_to_x"].chance_level == 30.5
    assert report["recall_at_1.x_to_y"].chance_level == pytest.approx(20 / 60)  # 20 of a digit
    for line in report:
        known = line.group == "retrieval" or line.metric == "gaussian_mutual_information"
        assert known == (line.by_chance is not None)
        if line.by_chance is not None:
            above = line.by_chance - line.value if line.better == "lower" else line.value
            assert above > (0 if line.better == "lower" else line.by_chance)


def test_independent_sides_are_not_above_chance():
    X, Y = np.random.default_rng(1).standard_normal((2, 80, 4))
    report = measure(X, Y, ci=None, n_permutations=30)
    p_values = [line.chance.p_value for line in report if line.chance]
    assert np.mean(np.array(p_values) > 0.05) > 0.7


def test_the_nuisance_leaks_from_one_side_alone(report):
    assert report["leakage.y.speaker"].value > 0.7
    assert report["leakage.x.speaker"].value < 0.3
    assert report["kept.x.digit"].value > 0.8
    assert (report["kept.x.digit"].better, report["leakage.x.speaker"].better) == (
        "higher",
        "lower",
    )


def test_factors_of_no_kind_are_read_only(pairs):
    X, Y, labels = pairs
    report = measure(X, Y, labels.assign(age=X[:, 0]), probe="mlp", **QUICK)
    assert {line.key for line in report if line.metric == "read"} == {
        f"read.{side}.{factor}" for side in "xy" for factor in ("digit", "speaker", "age")
    }
    assert report["read.x.age"].value > 0.9
    assert report["read.x.age"].better is None
    assert report.factors == {"digit": 3, "speaker": 2, "age": None}


def test_one_factor_as_an_array(pairs):
    X, Y, labels = pairs
    assert measure(X, Y, labels["digit"].to_numpy(), **QUICK)["read.x.label"].value > 0.8


def test_unequal_columns_leave_out_metrics_of_one_space(pairs):
    X, Y, _ = pairs
    report = measure(X, Y[:, :4], names=("a", "b"), **QUICK)
    assert {entry.name for entry in CATALOGUE if entry.one_space}.isdisjoint(
        line.metric for line in report
    )
    assert report["cka"].value > 0.1
    assert "a has 6 columns and b has 4" in report.notes[0]


def test_dot_products_see_lengths(pairs):
    X, Y, _ = pairs
    report = measure(X, Y, similarity="dot", **QUICK)
    assert report["modality_gap"].value == pytest.approx(metrics.modality_gap(X, Y))


def test_fewer_rows_are_drawn_once_for_all(pairs):
    X, Y, labels = pairs
    one = measure(X, Y, labels, max_rows=30, random_state=3, **QUICK)
    assert {line.n_rows for line in one} == {30}
    rows = Rows(X, Y, 3).numbers(30)
    assert one["cka"].value == pytest.approx(metrics.cka(X[rows], Y[rows]))
    assert measure(X, Y, labels, max_rows=30, random_state=3, **QUICK).to_json() == one.to_json()


def test_a_smaller_choice_of_rows_is_part_of_a_larger():
    rows = Rows(np.zeros((50, 2)), np.zeros((50, 2)), 0)
    assert set(rows.numbers(10)) < set(rows.numbers(20))
    assert list(rows.numbers(50)) == list(range(50))


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_tiny_data_gives_the_metrics_that_are_defined(n):
    X, Y = np.random.default_rng(0).standard_normal((2, n, 3))
    report = measure(X, Y, k=10, n_permutations=5)
    assert report["recall_at_1.x_to_y"].value is not None
    missing = [line for line in report if line.value is None]
    assert all(line.note for line in missing)
    assert f"k is {n - 1}, since there are {n} rows" in report.notes
    report.to_json()


def test_a_line_that_cannot_be_measured_says_why_in_the_names_of_the_sides():
    X = np.random.default_rng(0).standard_normal((30, 3))
    report = measure(X, np.ones((30, 3)), names=("image", "text"), n_permutations=0)
    line = report["cka"]
    assert line.value is None
    assert "all 30 rows of text are equal" in line.note
    assert report["recall_at_1.x_to_y"].value == 0  # ties count against the query


def test_a_value_without_interval_says_so():
    X = np.random.default_rng(0).standard_normal((6, 3))
    line = measure(X, X, n_permutations=0)["cka_unbiased"]
    assert line.value == pytest.approx(1)
    assert line.low is None
    assert line.note.startswith("no interval: ")


@settings(max_examples=15, deadline=None)
@given(
    st.integers(2, 12),
    st.integers(1, 4),
    st.integers(1, 30),
    st.sampled_from([0.0, 1.0, 1e-200, 1e200]),
    st.booleans(),
)
def test_odd_data_never_ends_in_a_traceback(n, d, k, scale, duplicates):
    rng = np.random.default_rng(n)
    X, Y = scale * rng.standard_normal((2, n, d))
    if duplicates:
        X[1:], Y[n // 2 :] = X[0], Y[-1]
    report = measure(X, Y, rng.integers(3, size=n) if n > 8 else None, k=k, **QUICK)
    report.to_json()


def test_progress_counts_to_the_end(pairs):
    X, Y, _ = pairs
    seen = []
    measure(X, Y, progress=lambda *step: seen.append(step), **QUICK)
    assert [done for done, _, _ in seen] == list(range(len(seen)))
    assert seen[-1] == (len(seen) - 1, len(seen) - 1, "")
    assert seen[0][2] == "CKA, linear, unbiased"


def test_tensors_are_measured():
    torch = pytest.importorskip("torch")
    X = np.random.default_rng(0).standard_normal((20, 3))
    assert measure(torch.tensor(X), X, **QUICK)["cka"].value == pytest.approx(1)


def test_scaled_rows_have_length_one_whatever_their_size():
    X = np.array([[3e200, 4e200], [3e-200, 4e-200], [0.0, 0.0]])
    np.testing.assert_allclose(unit_rows(X), [[0.6, 0.8], [0.6, 0.8], [0, 0]])
    assert unit_rows(np.ones((1, 2), np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ("a", "a")}, "names must differ"),
        ({"names": ("a",)}, "two names"),
        ({"k": 0}, "k must be"),
        ({"similarity": "euclid"}, "similarity must be one of"),
        ({"probe": "tree"}, "probe must be one of"),
        ({"ci": 1.0}, "ci must be"),
        ({"n_permutations": -1}, "n_permutations must be"),
        ({"max_rows": 1}, "max_rows must be"),
        ({"random_state": -1}, "random_state must be"),
        ({"match": "digit"}, "labels are needed for the factor 'digit'"),
        ({"shared": ["digit"]}, "labels are needed for the factor 'digit'"),
        (
            {"labels": pd.DataFrame({"d": [0, 1] * 10}), "shared": ["d"], "nuisances": ["d"]},
            "both shared and nuisance",
        ),
        ({"labels": pd.DataFrame({"d": [0, 1]})}, "labels of 2 rows, the embeddings have 20"),
    ],
)
def test_bad_options_are_refused(options, message):
    X = np.random.default_rng(0).standard_normal((20, 3))
    with pytest.raises(ValueError, match=message):
        measure(X, X, **options)


def test_bad_data_is_refused():
    X = np.random.default_rng(0).standard_normal((20, 3))
    with pytest.raises(ValueError, match="row i of image must be the partner of row i of text"):
        measure(X, X[:19], names=("image", "text"))
    with pytest.raises(ValueError, match="text must have shape"):
        measure(X, X[0], names=("image", "text"))


def test_a_chance_level_is_shown_only_of_as_many_rows_as_the_value(pairs, monkeypatch):
    X, Y, _ = pairs
    fewer = tuple(replace(entry, test_rows=40) for entry in CATALOGUE[:4])
    monkeypatch.setattr(_tasks, "CATALOGUE", fewer)
    line = measure(X, Y, ci=None, n_permutations=19)["mutual_knn"]
    assert (line.n_rows, line.chance.n_rows, line.chance_level) == (60, 40, None)
    assert line.chance.level > 0
    assert line.chance.value != line.value


def test_wide_sides_get_fewer_of_the_costly_resamples():
    X = np.random.default_rng(0).standard_normal((40, 129))
    report = measure(X, X, n_permutations=0)
    assert report["cka"].n_resamples == 100
    assert report["mutual_knn"].n_resamples == 400


def test_rows_that_cannot_be_told_apart_are_noted():
    rng = np.random.default_rng(0)
    Y = np.repeat(rng.standard_normal((20, 4)), 3, axis=0)
    X = Y + rng.standard_normal((60, 4))
    report = measure(X, Y, names=("image", "factors"), ci=None, n_permutations=0)
    (note,) = report.notes
    assert note.startswith("60 of 60 rows of factors equal another one: a partner among equal rows")
    labels = {"kind": np.repeat(np.arange(20), 3)}
    matched = measure(X, Y, labels, match="kind", ci=None, n_permutations=0)
    assert not any("equal another one" in note for note in matched.notes)


def test_rows_may_have_to_agree_in_several_factors(pairs):
    X, Y, labels = pairs
    options = {"ci": None, "n_permutations": 0}
    both = measure(X, Y, labels, match=["digit", "speaker"], **options)
    joined = labels.assign(both=labels["digit"].astype(str) + labels["speaker"])
    expected = measure(X, Y, joined, match="both", **options)
    one = measure(X, Y, labels, match="digit", **options)
    for key in ("recall_at_1.x_to_y", "mean_average_precision.y_to_x"):
        assert both[key].value == expected[key].value < one[key].value


class TestGroups:
    @pytest.fixture
    def speakers(self):
        """Two sides of 40 speakers with a random trait, 6 rows each, and labels."""
        rng = np.random.default_rng(0)
        speaker = np.repeat(np.arange(40), 6)
        shared, voice = rng.standard_normal((240, 6)), rng.standard_normal((40, 6))[speaker]
        X = np.hstack([shared, voice]) + 0.1 * rng.standard_normal((240, 12))
        labels = {"speaker": speaker, "trait": rng.integers(2, size=40)[speaker]}
        return X, X + 0.3 * rng.standard_normal(X.shape), pd.DataFrame(labels)

    def test_probes_hold_them_out_and_intervals_draw_them(self, speakers):
        X, Y, labels = speakers
        options = {"nuisances": ["trait"], "n_permutations": 0}
        by_rows = measure(X, Y, labels[["trait"]], **options)
        by_groups = measure(X, Y, labels, groups="speaker", **options)
        line = by_groups["leakage.x.trait"]
        assert line.value == metrics.leakage(X, labels["trait"], groups=labels["speaker"])
        assert line.value < 0.1 < by_rows["leakage.x.trait"].value
        assert by_groups.options["groups"] == 40
        assert by_groups.factors == {"trait": 2}
        found, expected = by_groups["cka"], by_rows["cka"]
        assert found.value == expected.value
        ci = metrics.Bootstrap(n_resamples=found.n_resamples, groups=labels["speaker"])
        assert (found.low, found.high) == tuple(metrics.cka(X, Y, ci=ci))[1:]
        assert (found.low, found.high) != (expected.low, expected.high)
        by_hand = measure(X, Y, labels[["trait"]], groups=labels["speaker"], **options)
        assert [*by_hand] == [*by_groups]
        assert "which are held out and drawn as a whole" in to_html(by_groups)
        assert "resamples of the groups" in to_html(by_groups)

    def test_the_groups_as_a_factor_have_a_note(self, speakers):
        X, Y, labels = speakers
        report = measure(X, Y, labels, groups="speaker", nuisances=["speaker"], **QUICK)
        line = report["leakage.x.speaker"]
        assert line.value is None
        assert "40 class(es) of 'speaker' are in one group only" in line.note

    def test_groups_of_one_row_change_nothing(self, pairs):
        X, Y, labels = pairs
        own = measure(X, Y, labels, groups=np.arange(60), n_permutations=0)
        assert own == measure(X, Y, labels, n_permutations=0)

    def test_bad_groups(self, speakers):
        X, Y, labels = speakers
        with pytest.raises(ValueError, match="Did you mean 'speaker'"):
            measure(X, Y, labels, groups="speeker")
        with pytest.raises(ValueError, match="must name a column of labels, which have no columns"):
            measure(X, Y, groups="speaker")
        with pytest.raises(ValueError, match="groups must have one label per row, got 3 for 240"):
            measure(X, Y, labels, groups=[1, 1, 2])
        constant = labels.assign(speaker=1)
        with pytest.raises(ValueError, match=r"which are labels\['speaker'\], must be several"):
            measure(X, Y, constant, groups="speaker")
