"""Matrices of all pairs of rows, a few rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.utils.checkpoint import checkpoint

from ._tiles import under_transform

STORED = 2**22  # entries of a matrix that is kept for the backward pass: 16 MiB of float32
CHUNK = 2**20  # entries of a part of a larger one, which is computed twice


def by_row_chunks(
    function: Callable[..., torch.Tensor], rows: Sequence[torch.Tensor], width: int
) -> list[torch.Tensor]:
    """Return ``function(*rows)`` of chunks of rows.

    If the matrices have at most `STORED` entries, there is one chunk. Otherwise the matrices of a
    chunk have at most `CHUNK` entries, unless they are a single row. They are not stored but
    computed again in the backward pass.

    Parameters
    ----------
    function : callable
        Function of a chunk of each element of `rows`.
    rows : sequence of Tensor (n, ...)
        Tensors with the same number of rows.
    width : int
        Number of columns of the matrices that `function` computes.

    Returns
    -------
    list of Tensor
        One value for each chunk.
    """
    if is_one_chunk(len(rows[0]), width):
        return [function(*rows)]
    size = max(CHUNK // width, 1)
    return [
        checkpoint(function, *chunk, use_reentrant=False, preserve_rng_state=False)
        for chunk in zip(*(each.split(size) for each in rows), strict=True)
    ]


def is_one_chunk(n: int, width: int) -> bool:
    """Return whether :func:`by_row_chunks` computes `n` rows at once."""
    return n < 2 or n * width <= STORED or under_transform()
