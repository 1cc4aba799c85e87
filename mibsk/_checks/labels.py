"""Checks of columns with one value per row: labels and weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype

from .devices import FloatMatrix
from .masks import check_unmasked
from .rows import as_array
from .tensors import is_tensor, tensor_to_array
from .text import as_text

_OF_TYPE = {
    **dict.fromkeys(("integer", "floating", "boolean", "decimal"), "number"),
    **dict.fromkeys(("datetime64", "datetime"), "datetime"),
    **dict.fromkeys(("timedelta64", "timedelta"), "timedelta"),
}


def as_labels(labels: Any, n_rows: int, name: str, *, real: bool = False) -> "pd.Series[Any]":
    """Return a column of class labels, one per row, none missing; with `real` also real numbers."""
    if is_tensor(labels):
        labels = tensor_to_array(name, labels)
    check_unmasked(name, labels)
    try:
        column = labels if isinstance(labels, pd.Series) else as_array(name, labels)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be 1-D class labels: {error}") from error
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    column = as_text(name, column[:, 0] if column.shape[1:] == (1,) else column)
    if column.ndim != 1:
        raise ValueError(
            f"{name} must be 1-D class labels, got shape {column.shape}: pass several factors as "
            f"a DataFrame or a mapping name -> labels."
        )
    if len(column) != n_rows:
        raise ValueError(
            f"{name} must have one label per row, got {len(column)} for {n_rows} rows."
        )
    if column.dtype.kind in "cV":
        raise TypeError(f"{name} must be classes of one type, got {column.dtype} values.")
    series = pd.Series(column, dtype=_countable(column.dtype)).reset_index(drop=True)
    if (missing := series.isna()).any():
        raise ValueError(
            f"{name} has {missing.sum()} missing label(s), first in row {missing.argmax()} "
            "(counted from 0): drop those rows."
        )
    kind = infer_dtype(series)
    if series.dtype == object and kind in ("floating", "mixed-integer-float"):
        series = series.astype(np.float64)  # a column of an array that has strings beside it
    elif kind.startswith("mixed"):
        raise TypeError(
            f"{name} must be classes of one type, got {kind} values: convert them with astype(str)."
        )
    if series.dtype.kind == "f":
        if n_bad := np.count_nonzero(~np.isfinite(series.to_numpy(np.float64))):
            raise ValueError(f"{name} has {n_bad} infinite value(s): drop those rows.")
        if not real and is_real(series):
            raise ValueError(
                f"{name} must be classes, got real numbers: bin them, as pandas.qcut does."
            )
    return series


def is_real(labels: "pd.Series[Any]") -> bool:
    """Whether labels are floating point numbers, not all of them integers."""
    return labels.dtype.kind == "f" and bool((labels % 1 != 0).any())


def looks_real(labels: "pd.Series[Any]") -> bool:
    """Whether labels are treated as real: not all are integers that a float can represent."""
    return is_real(labels) or (labels.dtype.kind == "f" and bool((labels.abs() >= 2**53).any()))


def are_numbers(train: "pd.Series[Any]", test: "pd.Series[Any]") -> bool:
    """Whether a factor with these training and held-out labels is treated as real numbers."""
    numeric = train.dtype.kind in "biuf" and test.dtype.kind in "biuf"
    return numeric and (looks_real(train) or looks_real(test))


def _countable(dtype: Any) -> Any:
    """Return the dtype in which pandas can count such labels, None to let it choose."""
    kind = dtype.kind if isinstance(dtype, np.dtype) else None
    if kind == "f":  # also half and long ones
        return np.float64
    if kind == "U":  # also strings that are not valid Unicode
        return object
    return dtype.newbyteorder("=") if kind in ("i", "u") else None


def check_one_type(labels: "Mapping[str, pd.Series[Any]]") -> None:
    """Raise ``TypeError`` unless all of these columns hold numbers, or all strings, and so on.

    Labels of different types are never equal, unlike integers and floats, or objects and strings.
    """
    kinds = {name: _kind(column) for name, column in labels.items()}
    (first, kind), *others = kinds.items()
    for name, other in others:
        if _OF_TYPE.get(kind, kind) != _OF_TYPE.get(other, other):
            to_text = {"integer": ".astype(str)", "floating": ".astype(int).astype(str)"}
            numbers = next((n for n in (first, name) if kinds[n] in to_text), None)
            advice = (
                "convert one to the type of the other"
                if numbers is None or "string" not in (kind, other)
                else f"pass {numbers}{to_text[kinds[numbers]]}, or convert the strings"
            )
            raise TypeError(
                f"{first} and {name} must be of one type, else no value of one equals any of the "
                f"other; got {kind} and {other} values: {advice}."
            )


def _kind(labels: "pd.Series[Any]") -> str:
    return infer_dtype(labels, skipna=False)


def is_single_factor(labels: Any) -> bool:
    """Whether labels are of one factor, rather than a table of several."""
    return not isinstance(labels, Mapping) and _column_names(labels) is None


def _column_names(labels: Any) -> Any:
    """Return the column names of a table of pandas, polars or pyarrow, None for other input."""
    if len(getattr(labels, "shape", ())) != 2:
        return None
    return getattr(labels, "column_names", getattr(labels, "columns", None))


def as_factors(labels: Any, n_rows: int, name: str) -> "dict[Any, pd.Series[Any]]":
    """Return name -> labels, classes or real numbers, of one factor (1-D) or of several."""
    if is_single_factor(labels):
        key = getattr(labels, "name", None)
        return {"label" if key in (None, "") else key: as_labels(labels, n_rows, name, real=True)}
    keys = list(labels.keys() if isinstance(labels, Mapping) else _column_names(labels))
    if not keys:
        raise ValueError(f"{name} holds no factor: pass at least one column of labels.")
    return {key: as_labels(labels[key], n_rows, f"{name}[{key!r}]", real=True) for key in keys}


def check_weights(weights: Any, n_rows: int) -> FloatMatrix | None:
    """Return weights (n_rows,) as float64; None, for equal weights, stays None."""
    if weights is None:
        return None
    if is_tensor(weights):
        weights = tensor_to_array("sample_weight", weights)
    check_unmasked("sample_weight", weights)
    try:
        column = np.asarray(weights)
    except (TypeError, ValueError) as error:
        raise ValueError(f"sample_weight must hold one number per row: {error}") from error
    if column.dtype.kind not in "biuf":
        raise ValueError(f"sample_weight must hold one number per row, got {column.dtype}.")
    column = column.astype(np.float64)
    if column.shape != (n_rows,):
        raise ValueError(
            f"sample_weight must have shape ({n_rows},), one weight per row, got {column.shape}."
        )
    if not np.isfinite(column).all() or (column < 0).any() or not column.any():
        raise ValueError("sample_weight must be finite, not negative, and not all 0.")
    return column
