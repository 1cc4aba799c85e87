"""Checks and conversion of user-supplied rows in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .._checks.rows import as_rows, n_rows
from .._checks.tensors import is_tensor
from ..files.memory_map import file_rows
from ._inputs import InputSpec


def prepared_chunks(
    spec: InputSpec, X: Any, size: int, *, double: bool = False
) -> Iterator[tuple[slice, Any]]:
    """Yield the slice of each chunk, and its rows as prepared by `spec`.

    Only one chunk is in memory besides `X`; a sparse matrix that is not CSR is converted whole.
    Error messages give row indices in `X`.

    Raises
    ------
    TypeError, ValueError
        If rows do not match `spec`; earlier chunks may have been yielded already.
    """
    n = n_rows(spec.name, X)
    if n <= size:
        prepared = spec.prepare(X, double=double)
        if n:
            yield slice(0, n), prepared
        return
    rows = _sliceable(spec.name, X)
    for start in range(0, n, size):
        chunk = slice(start, min(start + size, n))
        yield chunk, spec.prepare(rows[chunk], first_row=start, double=double)


def _sliceable(name: str, X: Any) -> Any:
    """Return an object whose slices are rows of `X`, without a copy if possible."""
    if isinstance(X, np.ndarray):
        return file_rows(X)
    if hasattr(X, "iloc"):  # pandas
        return X.iloc
    is_polars = hasattr(X, "to_numpy") and hasattr(X, "slice")
    is_dense = is_tensor(X) and str(X.layout) == "torch.strided"
    is_list = isinstance(X, Sequence) and not isinstance(X, memoryview)
    return X if is_polars or is_dense or is_list else as_rows(name, X)
