"""Matrices of all pairs of rows, a few rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.utils.checkpoint import checkpoint

from ._tiles import under_transform

ENTRIES = 2**22  # of a matrix that is kept for the backward pass: 16 MiB of float32


def by_row_chunks(
    function: Callable[..., torch.Tensor], rows: Sequence[torch.Tensor], width: int
) -> list[torch.Tensor]:
    """Return ``function(*rows)`` of chunks of rows, with matrices of at most `ENTRIES` entries.

    What a chunk computes is not stored but computed again in the backward pass. Few rows are one
    chunk, which is stored.

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
    size = max(ENTRIES // width, 1)
    return [
        checkpoint(function, *chunk, use_reentrant=False, preserve_rng_state=False)
        for chunk in zip(*(each.split(size) for each in rows), strict=True)
    ]


def is_one_chunk(n: int, width: int) -> bool:
    """Return whether :func:`by_row_chunks` computes `n` rows at once."""
    return n <= max(ENTRIES // max(width, 1), 1) or under_transform()
