"""The package as a whole: imports, accepted input, errors."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array

from mibsk._checks.blocks import TILE_SIZE, tiles
from mibsk._checks.labels import as_factors, as_labels
from mibsk.metrics import (
    alignment,
    cka,
    cknna,
    cycle_knn,
    edit_distance_knn,
    lcs_knn,
    leakage,
    modality_gap,
    mutual_knn,
    procrustes,
    pwcca,
    recall_at_k,
    relative_modality_gap,
    svcca,
)

PAIR_METRICS = [
    alignment,
    cka,
    cknna,
    cycle_knn,
    edit_distance_knn,
    lcs_knn,
    modality_gap,
    mutual_knn,
    procrustes,
    pwcca,
    recall_at_k,
    relative_modality_gap,
    svcca,
]
X = np.random.default_rng(0).standard_normal((20, 3))


def test_import_is_silent_and_needs_no_torch():
    code = "import sys, mibsk.metrics; assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("metric", PAIR_METRICS)
def test_tensors_frames_and_lists_give_the_value_of_arrays(metric):
    Y = X[::-1] + 0.5
    expected = metric(X, Y)
    tensor = torch.tensor(X, requires_grad=True)
    assert metric(tensor, torch.tensor(Y)) == expected
    assert metric(pd.DataFrame(X), Y.tolist()) == expected
    assert type(expected) is float


def test_bfloat16_tensors_are_accepted():
    assert modality_gap(torch.ones(3, 2, dtype=torch.bfloat16), np.zeros((3, 2))) == np.sqrt(2)


@pytest.mark.parametrize("metric", PAIR_METRICS)
@pytest.mark.parametrize(
    ("bad", "error", "match"),
    [
        (X[:, 0], ValueError, r"X must have shape \(n_samples, n_features\), got shape \(20,\)"),
        (X[None], ValueError, r"got shape \(1, 20, 3\): reshape"),
        (X[:1], ValueError, r"X must have at least 2 row\(s\).*\(1, 3\)"),
        (X[:, :0], ValueError, r"1 column, got shape \(20, 0\)"),
        (
            np.vstack([X[1:], [[0.0, np.nan, 0.0]]]),
            ValueError,
            r"X has NaN or infinite values in 1 of 20 rows, first in row 19",
        ),
        (csr_array(X), TypeError, r"X must be dense.*toarray"),
        (np.full((20, 3), "a"), ValueError, "X must hold real numbers"),
        (X + 1j, ValueError, "X must hold real numbers"),
    ],
)
def test_bad_matrices_are_refused(metric, bad, error, match):
    with pytest.raises(error, match=match):
        metric(bad, X)


@pytest.mark.parametrize("metric", [cka, mutual_knn, recall_at_k])
def test_rows_must_be_paired(metric):
    with pytest.raises(ValueError, match=r"partner.*\(20, 3\) and \(19, 3\)"):
        metric(X, X[1:])


@pytest.mark.parametrize("metric", [modality_gap, recall_at_k])
def test_columns_must_be_shared(metric):
    with pytest.raises(ValueError, match=r"X and Y must lie in one space.*\(20, 2\)"):
        metric(X, X[:, :2])


@pytest.mark.parametrize("n_columns", [1, 1000, 3 * TILE_SIZE])
def test_tiles_cover_every_row_once_within_the_budget(n_columns):
    cut = list(tiles(2500, n_columns))
    assert np.array_equal(np.concatenate([np.arange(2500)[t] for t in cut]), np.arange(2500))
    assert all((t.stop - t.start) * n_columns <= max(TILE_SIZE, n_columns) for t in cut)


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        ([1, 2], "one label per row, got 2 for 3 rows"),
        ([[1, 2], [2, 1], [3, 3]], r"1-D class labels, got shape \(3, 2\)"),
        ([1.0, np.nan, 2.0], r"1 missing label"),
        (["a", None, "b"], r"1 missing label"),
        ([0.5, 1.0, 2.0], "real numbers: bin them"),
    ],
)
def test_bad_labels_are_refused(labels, match):
    with pytest.raises(ValueError, match=match):
        as_labels(labels, 3, "labels")


def test_a_table_without_columns_is_refused():
    with pytest.raises(ValueError, match="labels holds no factor"):
        as_factors({}, 3, "labels")


@pytest.mark.parametrize("size", [1e-200, 1e-120, 1e120, 1e200, 1e300])
def test_neither_large_nor_small_numbers_overflow(size):
    """Alignment does not depend on scale; the gap grows with it."""
    X, Y = np.random.default_rng(0).normal(size=(2, 40, 3))
    large = size * X, size * Y
    assert mutual_knn(*large, k=3) == mutual_knn(X, Y, k=3)
    assert recall_at_k(*large, k=3) == recall_at_k(X, Y, k=3)
    assert cka(*large) == pytest.approx(cka(X, Y))
    labels = np.arange(40) % 2
    assert leakage(size * X, labels) == pytest.approx(leakage(X, labels))
    gap = modality_gap(X, Y)
    assert modality_gap(*large) / size == pytest.approx(gap)


def test_held_out_rows_far_from_the_training_rows_are_refused():
    Z = np.random.default_rng(0).normal(size=(40, 3))
    with pytest.raises(ValueError, match=r"Z_test has values up to .*far from those of Z"):
        leakage(Z, np.arange(40) % 2, Z_test=1e200 * Z, labels_test=np.arange(40) % 2)
