"""The rule: an error raised by us or finite numbers, and the input unchanged in both cases."""

import linecache
import traceback
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import scipy.sparse as sp
import sklearn
import torch

import mibsk
from mibsk.exceptions import DuplicateRowsWarning, NothingSharedWarning, RowNamesWarning

OURS = (Path(mibsk.__file__).parent, Path(sklearn.__file__).parent)


def judge(call, *inputs):
    """Call with the inputs; fail unless they are refused by a proper error or the result is finite.

    Returns
    -------
    bool
        Whether there was a result.
    """
    before = [content(X) for X in inputs]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # scikit-learn's way to tell that names were given at one time only
            warnings.filterwarnings("ignore", ".* feature names", UserWarning)
            warnings.simplefilter("ignore", DuplicateRowsWarning)
            warnings.simplefilter("ignore", RowNamesWarning)
            warnings.simplefilter("ignore", NothingSharedWarning)  # of few random rows
            result = call(*inputs)
    except (ValueError, TypeError) as error:
        assert_meant_for_users(error)
        result = None
    else:
        assert_finite(result, rows_with_missing(inputs))
    assert [content(X) for X in inputs] == before, "an input was changed"
    return result is not None


def assert_meant_for_users(error):
    """Fail unless the error was raised, and not merely passed on, by us or by scikit-learn."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(frame.filename, frame.lineno).strip()
    file = Path(frame.filename)
    assert any(file.is_relative_to(folder) for folder in OURS), f"raised in {file}: {error!r}"
    assert line.startswith("raise "), f"{error!r} came out of {line!r}"
    assert len(str(error)) > 15, f"says too little: {error!r}"


def assert_finite(result, missing=None):
    """Fail unless there are numbers in the result, all of them finite.

    Rows of `missing` may be NaN: what was passed lacks them.
    """
    if isinstance(result, pd.DataFrame):
        result = result.select_dtypes("number").to_numpy()
    elif isinstance(result, Mapping):
        result = list(result.values())
    if isinstance(result, list | tuple):
        assert len(result), "an empty result"
        for part in result:
            assert_finite(part, missing)
        return
    found = np.asarray(result, float)
    allowed = np.isfinite(found)
    if missing is not None and found.ndim and len(found) == len(missing):
        allowed |= np.isnan(found) & missing.reshape(-1, *[1] * (found.ndim - 1))
    assert allowed.all(), f"not finite: {result}"


def rows_with_missing(inputs):
    """Return which rows lack a modality (n,); None if the inputs have no rows in common.

    A row of a modality is missing as a whole; one table may have several modalities, so that any
    missing value in its row may be one.
    """
    found = []
    for X in inputs:
        parts = X.values() if isinstance(X, Mapping) else [X]
        for part in parts:
            rows = as_list_of_rows(part)
            if rows is not None:
                together = all if isinstance(X, Mapping) else any
                found.append(
                    np.array([together(map(is_missing, cells(row))) for row in rows], bool)
                )
    if not found or len({len(rows) for rows in found}) > 1:
        return None
    return np.any(found, axis=0)


def as_list_of_rows(X):
    """Return the rows of a container, or None of anything else."""
    if sp.issparse(X):
        X = X.toarray()
    elif isinstance(X, pd.DataFrame):
        X = X.to_numpy(dtype=object)
    elif isinstance(X, pl.DataFrame):
        X = X.rows()
    elif isinstance(X, torch.Tensor):
        X = (X.to_dense() if X.layout != torch.strided else X).detach().cpu().tolist()
    elif isinstance(X, np.ma.MaskedArray):
        X = X.filled(np.nan) if X.dtype.kind == "f" else X.tolist()
    if isinstance(X, list | tuple | pd.Series | pl.Series):
        return list(X)
    return list(X) if isinstance(X, np.ndarray) and X.ndim else None


def cells(row):
    """Yield the values of a row, however nested."""
    if isinstance(row, list | tuple) or (isinstance(row, np.ndarray) and row.ndim):
        for part in row:
            yield from cells(part)
    else:
        yield row


def is_missing(value):
    """Whether a value is None, or not equal to itself."""
    if value is None or value is pd.NA or value is np.ma.masked:
        return True
    return isinstance(value, float | np.floating) and value != value


def content(X):
    """Return a comparable copy of what an input holds."""
    if isinstance(X, np.ma.MaskedArray):
        return content(X.data), content(X.mask)
    if isinstance(X, np.ndarray) and X.dtype.kind not in "OT":
        return X.shape, X.strides, X.dtype, X.flags.writeable, X.tobytes()
    if isinstance(X, np.ndarray):
        return X.shape, X.dtype, repr(X.tolist())
    if sp.issparse(X):
        coo = X.copy().tocoo()
        return X.format, X.shape, repr([part.tolist() for part in (*coo.coords, coo.data)])
    if isinstance(X, torch.Tensor):
        return X.dtype, X.requires_grad, X.grad, repr(X)
    if isinstance(X, pd.DataFrame):
        columns = [content(X.iloc[:, i]) for i in range(X.shape[1])]
        return [content(X.index), content(X.columns), *columns]
    if isinstance(X, pd.Series | pd.Index):
        return X.dtype, repr(X.tolist())
    if isinstance(X, pl.DataFrame | pl.Series):
        return X.shape, repr(X.to_dict(as_series=False) if len(X.shape) == 2 else X.to_list())
    if isinstance(X, Mapping):
        return [(repr(name), content(value)) for name, value in X.items()]
    if isinstance(X, list | tuple):
        return [content(value) for value in X]
    return repr(X)
