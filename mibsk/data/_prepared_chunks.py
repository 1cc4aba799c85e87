"""Checks and conversion of user-supplied rows in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks.rows import as_rows, n_rows
from .._checks.tensors import is_tensor
from ..files.memory_map import file_rows
from ._inputs import InputSpec
from ._missing import Mask, present_rows


def prepared_chunks(
    spec: InputSpec, X: Any, size: int, *, double: bool = False
) -> Iterator[tuple[slice | NDArray[np.intp], Any]]:
    """Yield the numbers of the rows of each chunk, and these rows as prepared by `spec`.

    The numbers are a slice, or an array if rows of the chunk are missing, which are left out. Only
    one chunk is in memory besides `X`; a sparse matrix that is not CSR is converted whole. Error
    messages give row indices in `X`.

    Raises
    ------
    TypeError, ValueError
        If rows do not match `spec`; earlier chunks may have been yielded already.
    """
    for chunk, prepared, present in chunks_with_missing(spec, X, size, double=double):
        if present is None:
            yield chunk, prepared
        elif present.any():
            yield chunk.start + np.flatnonzero(present), prepared


def chunks_with_missing(
    spec: InputSpec, X: Any, size: int, *, double: bool = False
) -> Iterator[tuple[slice, Any, Mask | None]]:
    """Yield the slice of each chunk, its prepared rows, and which rows of the slice these are.

    The latter is None if no row is missing; if all are, the prepared rows are None.

    Raises
    ------
    TypeError, ValueError
        As :func:`prepared_chunks`.
    """
    n = n_rows(spec.name, X)
    if n == 0:
        spec.prepare(X, double=double)
        return
    if not double and (ready := spec.ready(X, size)) is not None:
        yield slice(0, n), ready, None
        return
    rows = X if n <= size else _sliceable(spec.name, X)
    for start in range(0, n, size):
        chunk = slice(start, min(start + size, n))
        first, part = (None, X) if n <= size else (start, rows[chunk])
        present = None
        if spec.kind != "labels":
            part, present = present_rows(spec.name, part, first)
        prepared = None
        if present is None or present.any():
            prepared = spec.prepare(part, first_row=first, double=double)
        yield chunk, prepared, present


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
