"""Inputs of metrics: arrays, tensors and labels become checked matrices and columns."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from array_api_compat import array_namespace
from numpy.typing import ArrayLike, NDArray
from pandas.api.types import infer_dtype
from scipy.sparse import issparse
from sklearn.utils import check_array

from ..files.memory_map import read_chunks
from .tensors import is_tensor, tensor_to_array

FloatMatrix = NDArray[np.float64]
Matrix = NDArray[Any]  # float32 or float64, or such a tensor on an accelerator, used alike

EXTREME = 1e12  # a parameter so large, or its inverse, is lost in rounding
TILE_SIZE = 2**21  # scores held at once by metrics that work in tiles: 16 MiB of float64
CHUNK_SIZE = 2**20  # values of a matrix held at once by metrics that read it in chunks of rows


def as_matrix(X: Any, name: str, *, min_rows: int = 2) -> Matrix:
    """Return ``X`` (array, data frame or tensor) as a finite real matrix.

    Tensors on an accelerator stay there, as float32 or float64. All else becomes a NumPy array:
    float32 and float64 as they are, so that nothing large is copied, other numbers as float64.
    Compute on :func:`double` of it, or on :func:`chunks` where it may be large.
    """
    if is_tensor(X):
        if on_accelerator(X):
            return _check_tensor(X, name, min_rows)
        X = tensor_to_array(name, X)
    if issparse(X):
        raise TypeError(f"{name} must be dense, got a sparse {type(X).__name__}: pass .toarray()")
    if isinstance(X, np.ma.MaskedArray) and X.dtype.names is None and np.ma.is_masked(X):
        raise ValueError(f"{name} has masked values: fill them, or drop those rows")
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
    _check_finite(
        sum(chunk.size - int(np.isfinite(chunk).sum()) for chunk in _read(matrix)),
        matrix,
        name,
    )
    return matrix


def _check_tensor(X: Any, name: str, min_rows: int) -> Matrix:
    """Return a tensor on an accelerator as a finite matrix there, without its gradient."""
    if X.is_complex() or str(X.layout) != "torch.strided":
        raise TypeError(
            f"{name} must be a dense tensor of real numbers, got one of {X.dtype} and {X.layout}"
        )
    matrix = X.detach()
    _check_shape(matrix, name, min_rows)
    if str(matrix.dtype) != "torch.float64":
        matrix = matrix.float()
    _check_finite(int((~matrix.isfinite()).sum()), matrix, name)
    return matrix


def _check_shape(matrix: Matrix, name: str, min_rows: int) -> None:
    shape = tuple(matrix.shape)
    if len(shape) != 2:
        raise ValueError(
            f"{name} must have shape (n_samples, n_features), got shape {shape}: "
            f"reshape it to two dimensions"
        )
    if shape[0] < min_rows or shape[1] < 1:
        raise ValueError(
            f"{name} must have at least {min_rows} row(s) and 1 column, got shape "
            f"{shape}: pass more samples"
        )


def _check_finite(n_bad: int, matrix: Matrix, name: str) -> None:
    if n_bad:
        raise ValueError(
            f"{name} of shape {tuple(matrix.shape)} has {n_bad} value(s) that are NaN or infinite: "
            f"drop those rows or impute them"
        )


def as_pair(X: ArrayLike, Y: ArrayLike) -> tuple[Matrix, Matrix]:
    """Return two matrices whose rows are pairs, both on one device."""
    X, Y = as_matrix(X, "X"), as_matrix(Y, "Y")
    check_same_rows(X, Y)
    return on_one_device(X, Y)


def check_same_rows(X: Matrix, Y: Matrix) -> None:
    """Raise unless both matrices have as many rows."""
    if len(X) != len(Y):
        raise ValueError(
            f"row i of X must be the partner of row i of Y, got shapes {tuple(X.shape)} and "
            f"{tuple(Y.shape)}: pass as many rows in both"
        )


def on_accelerator(X: Any) -> bool:
    """Whether `X` is a tensor that is computed with where it is, rather than as an array."""
    return is_tensor(X) and X.device.type not in ("cpu", "meta")


def on_one_device(X: Any, Y: Any) -> tuple[Matrix, Matrix]:
    """Bring both to the accelerator where one of them is, in float32 if their types differ."""
    if not on_accelerator(X) and not on_accelerator(Y):
        return X, Y
    import torch

    device = X.device if on_accelerator(X) else Y.device
    X, Y = (torch.as_tensor(Z, device=device) for Z in (X, Y))
    return (X, Y) if X.dtype == Y.dtype else (X.float(), Y.float())


def namespace(*arrays: Matrix) -> Any:
    """Return the functions for these arrays, as the array API standard names them."""
    return array_namespace(*arrays)


def double(X: Matrix) -> Matrix:
    """Return an array row by row in float64; on an accelerator `X` stays as it is."""
    return X if on_accelerator(X) else np.ascontiguousarray(X, dtype=np.float64)


def to_numpy(X: Any) -> NDArray[Any]:
    """Return `X` as a NumPy array."""
    return X.cpu().numpy() if is_tensor(X) else np.asarray(X)


def chunks(X: Matrix, n_rows: int | None = None) -> Iterator[Matrix]:
    """Yield the rows of `X` in blocks, in double precision where it is an array."""
    for chunk in _read(X, n_rows):
        yield double(chunk)


def _read(X: Matrix, n_rows: int | None = None) -> Iterator[Matrix]:
    step = n_rows or max(1, CHUNK_SIZE // X.shape[1])
    if on_accelerator(X):
        for start in range(0, len(X), step):
            yield X[start : start + step]
        return
    for _, chunk in read_chunks(X, step):
        yield chunk


def largest_magnitude(X: Matrix) -> float:
    """Return the largest absolute value of a matrix."""
    return max(float(max(part.max(), -part.min())) for part in _read(X))


def in_range(X: Matrix) -> Matrix:
    """Return `X`, divided by a power of two if products of its values might over- or underflow.

    For metrics that do not depend on scale. float32 values are in range for what is computed in
    float64.
    """
    if on_accelerator(X):
        largest = largest_magnitude(X)
        if largest == 0:
            return X
        exponent = -int(np.frexp(largest)[1])
        half = exponent // 2  # the whole power may be no number of float32
        return X * 2.0**half * 2.0 ** (exponent - half)
    if X.dtype == np.float32:
        return X
    largest = largest_magnitude(X)
    if 1e-100 < largest < 1e100 or largest == 0:
        return X
    scaled: FloatMatrix = np.ldexp(X, -int(np.frexp(largest)[1]))
    return scaled


def check_same_columns(X: Matrix, Y: Matrix, names: tuple[str, str] = ("X", "Y")) -> None:
    """Raise unless both matrices have the same columns."""
    if X.shape[1] != Y.shape[1]:
        raise ValueError(
            f"{names[0]} and {names[1]} must lie in one space, got shapes {tuple(X.shape)} and "
            f"{tuple(Y.shape)}: pass as many columns in both"
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


def as_labels(labels: Any, n_rows: int, name: str, *, real: bool = False) -> "pd.Series[Any]":
    """Return one column of class labels, perhaps also real numbers: one a row, none missing."""
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
    if series.dtype.kind == "f":
        if n_bad := np.count_nonzero(~np.isfinite(series.to_numpy(np.float64))):
            raise ValueError(f"{name} has {n_bad} infinite value(s): drop those rows")
        if not real and is_real(series):
            raise ValueError(
                f"{name} must be classes, got real numbers: bin them, as pandas.qcut does"
            )
    return series.astype(object) if isinstance(series.dtype, pd.CategoricalDtype) else series


def is_real(labels: "pd.Series[Any]") -> bool:
    """Whether labels are numbers of which some are no integers."""
    return labels.dtype.kind == "f" and bool((labels % 1 != 0).any())


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
    """Return name -> labels, classes or real numbers, of one factor (1-D) or of several."""
    if is_single_factor(labels):
        key = getattr(labels, "name", None)
        return {"label" if key is None else key: as_labels(labels, n_rows, name, real=True)}
    keys = list(labels.keys())
    if not keys:
        raise ValueError(f"{name} holds no factor: pass at least one column of labels")
    return {key: as_labels(labels[key], n_rows, f"{name}[{key!r}]", real=True) for key in keys}
