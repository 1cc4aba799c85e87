"""The door of the metrics: arrays, tensors and labels become checked NumPy and pandas objects."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pandas.api.types import infer_dtype
from scipy.sparse import issparse
from sklearn.utils import check_array

from .._tensors import is_tensor, tensor_to_array

FloatMatrix = NDArray[np.float64]

EXTREME = 1e12  # a parameter so large, or its inverse, is lost in rounding
TILE_SIZE = 2**21  # scores held at once by metrics that work in tiles: 16 MiB of float64


def as_matrix(X: Any, name: str, *, min_rows: int = 2) -> FloatMatrix:
    """Return ``X`` (array, data frame or tensor on any device) as a finite 2-D float64 array."""
    if is_tensor(X):
        X = tensor_to_array(name, X)
    if issparse(X):
        raise TypeError(f"{name} must be dense, got a sparse {type(X).__name__}: pass .toarray()")
    if isinstance(X, np.ma.MaskedArray) and X.dtype.names is None and np.ma.is_masked(X):
        raise ValueError(f"{name} has masked values: fill them, or drop those rows")
    try:
        matrix: FloatMatrix = check_array(
            X,
            dtype=np.float64,
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
    if matrix.ndim != 2:
        raise ValueError(
            f"{name} must have shape (n_samples, n_features), got shape {matrix.shape}: "
            f"reshape it to two dimensions"
        )
    if matrix.shape[0] < min_rows or matrix.shape[1] < 1:
        raise ValueError(
            f"{name} must have at least {min_rows} row(s) and 1 column, got shape "
            f"{matrix.shape}: pass more samples"
        )
    n_bad = matrix.size - np.count_nonzero(np.isfinite(matrix))
    if n_bad:
        raise ValueError(
            f"{name} of shape {matrix.shape} has {n_bad} value(s) that are NaN or infinite: "
            f"drop those rows or impute them"
        )
    return matrix


def as_pair(X: ArrayLike, Y: ArrayLike) -> tuple[FloatMatrix, FloatMatrix]:
    """Return two matrices whose rows are pairs."""
    X, Y = as_matrix(X, "X"), as_matrix(Y, "Y")
    if len(X) != len(Y):
        raise ValueError(
            f"row i of X must be the partner of row i of Y, got shapes {X.shape} and {Y.shape}: "
            f"pass as many rows in both"
        )
    return X, Y


def in_range(X: FloatMatrix) -> FloatMatrix:
    """Return `X`, divided by a power of two if products of its values might over- or underflow.

    For metrics that do not depend on scale.
    """
    largest = np.abs(X).max()
    if 1e-100 < largest < 1e100 or largest == 0:
        return X
    scaled: FloatMatrix = np.ldexp(X, -int(np.frexp(largest)[1]))
    return scaled


def check_same_columns(X: FloatMatrix, Y: FloatMatrix, names: tuple[str, str] = ("X", "Y")) -> None:
    """Raise unless both matrices have the same columns."""
    if X.shape[1] != Y.shape[1]:
        raise ValueError(
            f"{names[0]} and {names[1]} must lie in one space, got shapes {X.shape} and "
            f"{Y.shape}: pass as many columns in both"
        )


def check_k(k: Any, upper: int) -> None:
    """Raise unless ``k`` is an integer in ``1..upper``."""
    if isinstance(k, bool) or not isinstance(k, int | np.integer):
        raise TypeError(f"k must be an integer, got {k!r} of type {type(k).__name__}")
    if not 1 <= k <= upper:
        raise ValueError(f"k must be in 1..{upper} for this many rows, got {k}")


def check_positive(value: Any, name: str) -> None:
    """Raise unless ``value`` is a number above 0, and neither it nor its inverse extreme."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{name} must be a number, got {value!r} of type {type(value).__name__}")
    if not 1 / EXTREME <= float(value) <= EXTREME:
        raise ValueError(f"{name} must be positive, {1 / EXTREME:g} to {EXTREME:g}, got {value}")


def check_weights(weights: Any, n_rows: int) -> FloatMatrix | None:
    """Return weights (n_rows,) as float64; None stays None, for all the same."""
    if weights is None:
        return None
    if is_tensor(weights):
        weights = tensor_to_array("sample_weight", weights)
    try:
        column = np.asarray(weights)
    except (TypeError, ValueError) as error:
        raise ValueError(f"sample_weight must hold one number per row: {error}") from error
    if column.dtype.kind not in "biuf":
        raise ValueError(f"sample_weight must hold one number per row, got {column.dtype}")
    column = column.astype(np.float64)
    if column.shape != (n_rows,):
        raise ValueError(
            f"sample_weight must have shape ({n_rows},), one weight per row, got {column.shape}"
        )
    if not np.isfinite(column).all() or (column < 0).any() or not column.any():
        raise ValueError("sample_weight must be finite, not negative, and not all 0")
    return column


def tiles(n_rows: int, n_columns: int) -> Iterator[slice]:
    """Cut ``n_rows`` so that a tile of scores against ``n_columns`` fits in ``TILE_SIZE``."""
    step = max(1, TILE_SIZE // n_columns)
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def as_labels(labels: Any, n_rows: int, name: str) -> "pd.Series[Any]":
    """Return one column of class labels, one for each row, none missing."""
    if is_tensor(labels):
        labels = tensor_to_array(name, labels)
    try:
        column = labels if isinstance(labels, pd.Series) else np.asarray(labels)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be 1-D class labels: {error}") from error
    if column.ndim != 1:
        raise ValueError(
            f"{name} must be 1-D class labels, got shape {column.shape}: pass several factors as "
            f"a DataFrame or a mapping name -> labels"
        )
    if len(column) != n_rows:
        raise ValueError(f"{name} must have one label per row, got {len(column)} for {n_rows} rows")
    if column.dtype.kind in "cV":
        raise TypeError(f"{name} must be classes of one type, got {column.dtype} values")
    series = pd.Series(column, dtype=_countable(column.dtype)).reset_index(drop=True)
    if series.isna().any():
        raise ValueError(f"{name} has {series.isna().sum()} missing label(s): drop those rows")
    if (kind := infer_dtype(series)).startswith("mixed"):
        raise TypeError(
            f"{name} must be classes of one type, got {kind} values: convert them with astype(str)"
        )
    if series.dtype.kind == "f" and (series % 1 != 0).any():
        raise ValueError(f"{name} must be classes, got real numbers: bin them, as pandas.qcut does")
    return series.astype(object) if isinstance(series.dtype, pd.CategoricalDtype) else series


def _countable(dtype: Any) -> Any:
    """Return the type in which pandas tells such labels apart, None for any that it chooses."""
    kind = dtype.kind if isinstance(dtype, np.dtype) else None
    if kind == "f":  # also half and long ones
        return np.float64
    if kind == "U":  # also strings that are no valid Unicode
        return object
    return dtype.newbyteorder("=") if kind in ("i", "u") else None


def is_single_factor(labels: Any) -> bool:
    """Tell labels of one factor from a table of several."""
    return not isinstance(labels, Mapping | pd.DataFrame)


def as_factors(labels: Any, n_rows: int, name: str) -> "dict[Any, pd.Series[Any]]":
    """Return name -> labels for one factor (1-D) or several (a DataFrame or a mapping)."""
    if is_single_factor(labels):
        key = getattr(labels, "name", None)
        return {"label" if key is None else key: as_labels(labels, n_rows, name)}
    keys = list(labels.keys())
    if not keys:
        raise ValueError(f"{name} holds no factor: pass at least one column of labels")
    return {key: as_labels(labels[key], n_rows, f"{name}[{key!r}]") for key in keys}
