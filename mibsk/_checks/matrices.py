"""Checks of matrices that metrics compare: arrays, data frames and tensors on any device."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.utils import check_array

from .devices import Matrix, on_accelerator, on_one_device, to_numpy
from .masks import check_unmasked
from .row_names import check_row_names
from .rows import as_array, rows_not_finite
from .tensors import is_tensor, tensor_to_array
from .vector_cells import stack_cells


def as_matrix(X: Any, name: str, *, min_rows: int = 2, missing_rows: bool = False) -> Matrix:
    """Return ``X`` (array, data frame or tensor) as a finite real matrix.

    A tensor on an accelerator stays there, as float32 or float64. Anything else becomes a NumPy
    array: float32 and float64 as they are, so that nothing large is copied, other numbers as
    float64. Compute with `devices.double` of it, or with `blocks.chunks` where it may be large.
    Rows of NaN alone are an error unless they are `missing_rows`.
    """
    if is_tensor(X):
        if on_accelerator(X):
            return _check_tensor(X, name, min_rows, missing_rows)
        X = tensor_to_array(name, X)
    if issparse(X):
        raise TypeError(f"{name} must be dense, got a sparse {type(X).__name__}: pass .toarray().")
    check_unmasked(name, X)
    X = as_array(name, X) if isinstance(X, list | tuple) else stack_cells(name, X)
    try:
        matrix: Matrix = check_array(
            X,
            dtype=[np.float64, np.float32],
            ensure_2d=False,
            allow_nd=True,
            ensure_all_finite=False,
            ensure_min_samples=0,
            ensure_min_features=0,
        )
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"{name} must hold real numbers of shape (n_samples, n_features): {error}"
        ) from error
    _check_shape(matrix, name, min_rows)
    bad = rows_not_finite(matrix)
    if missing_rows and len(bad):
        bad = bad[~np.isnan(matrix[bad]).all(axis=1)]
    _check_finite(bad, matrix, name)
    return matrix


def _check_tensor(X: Any, name: str, min_rows: int, missing_rows: bool) -> Matrix:
    """Return a tensor on an accelerator as a finite matrix there, without its gradient."""
    if X.is_complex() or str(X.layout) != "torch.strided":
        raise TypeError(
            f"{name} must be a dense tensor of real numbers, got one of {X.dtype} and {X.layout}."
        )
    matrix = X.detach()
    _check_shape(matrix, name, min_rows)
    if str(matrix.dtype) != "torch.float64":
        matrix = matrix.float()
    bad = (~matrix.isfinite()).any(dim=1)
    if missing_rows:
        bad &= ~matrix.isnan().all(dim=1)
    bad = to_numpy(bad)
    _check_finite(np.flatnonzero(bad), matrix, name)
    return matrix


def _check_shape(matrix: Matrix, name: str, min_rows: int) -> None:
    shape = tuple(matrix.shape)
    if len(shape) != 2:
        raise ValueError(
            f"{name} must have shape (n_samples, n_features), got shape {shape}: "
            f"reshape it to two dimensions."
        )
    if shape[0] < min_rows or shape[1] < 1:
        raise ValueError(
            f"{name} must have at least {min_rows} row(s) and 1 column, got shape "
            f"{shape}: pass more samples."
        )


def _check_finite(bad_rows: np.ndarray, matrix: Matrix, name: str) -> None:
    if len(bad_rows):
        raise ValueError(
            f"{name} has NaN or infinite values in {len(bad_rows)} of {len(matrix)} rows, first in "
            f"row {bad_rows[0]} (counted from 0): drop those rows from all inputs, or impute them."
        )


def as_pair(X: ArrayLike, Y: ArrayLike) -> tuple[Matrix, Matrix]:
    """Return two matrices whose rows are pairs, both on one device."""
    check_row_names({"X": X, "Y": Y})
    X, Y = as_matrix(X, "X"), as_matrix(Y, "Y")
    check_same_rows(X, Y)
    return on_one_device(X, Y)


def check_same_rows(X: Matrix, Y: Matrix) -> None:
    """Raise unless both matrices have as many rows."""
    if len(X) != len(Y):
        raise ValueError(
            f"row i of X must be the partner of row i of Y, got shapes {tuple(X.shape)} and "
            f"{tuple(Y.shape)}: pass as many rows in both."
        )


def check_same_columns(X: Matrix, Y: Matrix, names: tuple[str, str] = ("X", "Y")) -> None:
    """Raise unless both matrices have as many columns."""
    if X.shape[1] != Y.shape[1]:
        raise ValueError(
            f"{names[0]} and {names[1]} must lie in one space, got shapes {tuple(X.shape)} and "
            f"{tuple(Y.shape)}: pass as many columns in both."
        )
