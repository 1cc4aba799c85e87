"""Blocks of rows, small enough that memory stays bounded whatever the number of rows."""

from collections.abc import Iterator
from math import prod

from ..files.memory_map import read_chunks
from .devices import Matrix, double, on_accelerator

CHUNK_SIZE = 2**20  # values of a matrix held at once where rows are read one after the other
TILE_SIZE = 2**21  # scores held at once where all rows meet all rows: 16 MiB of float64


def tiles(n_rows: int, n_columns: int) -> Iterator[slice]:
    """Cut ``n_rows`` so that a tile of scores against ``n_columns`` fits in ``TILE_SIZE``."""
    step = max(1, TILE_SIZE // n_columns)
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def chunks(X: Matrix, n_rows: int | None = None) -> Iterator[Matrix]:
    """Yield the rows of `X` in blocks, as float64 if it is an array."""
    return map(double, raw_chunks(X, n_rows))


def raw_chunks(X: Matrix, n_rows: int | None = None) -> Iterator[Matrix]:
    """Yield the rows of `X` in blocks, of its own type."""
    step = n_rows or max(1, CHUNK_SIZE // max(1, prod(X.shape[1:])))
    if on_accelerator(X):
        return (X[start : start + step] for start in range(0, len(X), step))
    return (chunk for _, chunk in read_chunks(X, step))
