"""Input checks of metrics: matrices, labels and parameters."""

import numpy as np
import pandas as pd
import pytest
import torch

from mibsk._checks.labels import as_labels
from mibsk._checks.matrices import as_matrix
from mibsk._checks.parameters import check_positive


@pytest.mark.parametrize(
    "labels",
    [
        np.array([1, 0], ">i4"),
        np.array([1, 0], "f2"),
        np.array([1, 0], "g"),
        pd.Series([1, 0], dtype="Int64"),
        pd.Series([1, 0], dtype="category"),
        torch.tensor([1, 0]),
        [True, False],
    ],
)
def test_labels_that_can_be_counted(labels):
    codes, classes = pd.factorize(as_labels(labels, 2, "y"))
    assert codes.tolist() == [0, 1]
    assert classes.tolist() == [1, 0]


def test_numbers_of_an_array_that_also_has_strings():
    """Its columns are objects; integers stay the classes that they are."""
    table = pd.DataFrame({"word": ["a", "b"], "length": [1.5, 2.5], "count": [2.0, 3.0]})
    _, length, count = table.to_numpy().T
    assert length.dtype == object
    assert as_labels(length, 2, "y", real=True).dtype == np.float64
    assert as_labels(np.array([1, 2.5], object), 2, "y", real=True).dtype == np.float64
    assert as_labels(count, 2, "y").tolist() == [2, 3]
    with pytest.raises(ValueError, match="got real numbers: bin them"):
        as_labels(length, 2, "y")


def test_strings_that_are_no_valid_unicode_are_labels_too():
    assert as_labels(np.array(["\ud800", "a"]), 2, "y").nunique() == 2


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([1, "a", 2.5], ValueError, "one label per row, got 3 for 2"),
        (np.array([1, "a"], object), TypeError, r"classes of one type.*astype\(str\)"),
        (np.array([{}, []], object), TypeError, "classes of one type"),
        ([[1], [1, 2]], ValueError, "y must be 1-D class labels"),
        ([1j, 2j], TypeError, "y must be classes of one type, got complex128"),
        (np.zeros(2, "f4,i4"), TypeError, "y must be classes of one type"),
        ([0.5, 1.0], ValueError, "got real numbers: bin them"),
        (["a", None], ValueError, "1 missing label"),
        (torch.eye(2).to_sparse(), TypeError, "y must be a dense tensor"),
    ],
)
def test_labels_that_cannot(labels, error, message):
    with pytest.raises(error, match=message):
        as_labels(labels, 2, "y")


def test_masked_values_are_refused_and_empty_masks_accepted():
    X = np.ma.masked_less([[1.0], [-1.0], [2.0]], 0)
    assert as_matrix(X[:1], "X", min_rows=1).tolist() == [[1.0]]
    with pytest.raises(ValueError, match="X has masked values"):
        as_matrix(X, "X")


@pytest.mark.parametrize("value", [0, -1.0, np.nan, np.inf, 5e-324, 1e300])
def test_values_that_are_not_positive_or_extreme_are_refused(value):
    with pytest.raises(ValueError, match=r"l2 must be a finite number >= 1e-12 and < 1e\+12"):
        check_positive("l2", value)


@pytest.mark.parametrize("dtype", [">f8", ">f4", "<f8", "f2"])
def test_any_byte_order_and_width_is_checked(dtype):
    X = np.arange(6.0).reshape(3, 2).astype(dtype)
    np.testing.assert_array_equal(as_matrix(X, "X"), np.arange(6.0).reshape(3, 2))
    X[1, 0] = np.nan
    with pytest.raises(ValueError, match="X has NaN or infinite values in 1 of 3 rows"):
        as_matrix(X, "X")
