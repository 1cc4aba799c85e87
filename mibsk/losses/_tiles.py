"""Tiles of the matrix of the products of all pairs of rows, which is not stored."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch


class Sizes(NamedTuple):
    """Sizes for a kind of device.

    Parameters
    ----------
    fewest : int
        Number of rows from which on tiles are faster than the whole matrix.
    rows, columns : int
        Shape of a tile.
    kept : int
        Number of entries of the tiles that are kept for the backward pass.
    """

    fewest: int
    rows: int
    columns: int
    kept: int


CPU = Sizes(fewest=1024, rows=256, columns=512, kept=2**22)  # a tile stays in the cache of a core
GPU = Sizes(fewest=2048, rows=4096, columns=2048, kept=2**22)  # not measured


def sizes(device: torch.device) -> Sizes:
    """Return the sizes for a device."""
    return CPU if device.type == "cpu" else GPU


def are_faster(x: torch.Tensor) -> bool:
    """Return whether all pairs of the rows of `x` (n, d) are to be computed in tiles."""
    return len(x) >= sizes(x.device).fewest and not under_transform()


def under_transform() -> bool:
    """Return whether a transform of ``torch.func`` is active, such as `vmap`.

    They support neither checkpoints nor gradients that are written in place.
    """
    return torch._C._are_functorch_transforms_active()


def without_autocast(device: torch.device) -> AbstractContextManager[object]:
    """Return a context in which products of matrices have the precision of the matrices."""
    if not torch.amp.is_autocast_available(device.type):
        return nullcontext()
    return torch.autocast(device.type, enabled=False)


class Place(NamedTuple):
    """Rows and columns of a tile."""

    rows: slice
    columns: slice

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the tile."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    @property
    def offset(self) -> int:
        """Number of the diagonal of the tile that is on the diagonal of the matrix."""
        return self.rows.start - self.columns.start

    @property
    def diagonal(self) -> slice:
        """Rows of the matrix whose entries on the diagonal are in the tile."""
        start = max(self.rows.start, self.columns.start)
        return slice(start, max(start, min(self.rows.stop, self.columns.stop)))


class Product:
    r"""Tiles of :math:`x w^\top`.

    Parameters
    ----------
    x, w : Tensor (n, d)
        Rows, in single or double precision.
    groups : Tensor of int64 (n,), default=None
        Group of each row.
    """

    def __init__(
        self, x: torch.Tensor, w: torch.Tensor, groups: torch.Tensor | None = None
    ) -> None:
        self.x, self.w = x, w
        self.groups = None if groups is None else groups.to(x.device)
        _, self.n_rows, self.n_columns, self.kept = sizes(x.device)

    def places(self) -> Iterator[Place]:
        """Yield the place of each tile."""
        n = len(self.x)
        for i in range(0, n, self.n_rows):
            for j in range(0, n, self.n_columns):
                rows = slice(i, min(i + self.n_rows, n))
                columns = slice(j, min(j + self.n_columns, n))
                yield Place(rows, columns)

    def memory(self) -> torch.Tensor:
        """Return memory for one tile."""
        n = len(self.x)
        return self.x.new_empty(min(self.n_rows, n) * min(self.n_columns, n))

    def shaped(self, memory: torch.Tensor, place: Place) -> torch.Tensor:
        """Return the beginning of `memory` as a tile."""
        return memory[: math.prod(place.shape)].view(place.shape)

    def tile(self, place: Place, memory: torch.Tensor | None = None) -> torch.Tensor:
        """Return a tile, in `memory` or new."""
        out = None if memory is None else self.shaped(memory, place)
        return torch.mm(self.x[place.rows], self.w[place.columns].T, out=out)

    def of_one_group(self, place: Place) -> torch.Tensor:
        """Return which pairs of a tile are of one group, a Tensor of bool."""
        assert self.groups is not None
        return self.groups[place.rows, None] == self.groups[place.columns]

    def others(self, place: Place) -> torch.Tensor:
        """Return which pairs of a tile are of one group but no partners, a Tensor of bool."""
        same = self.of_one_group(place)
        same.diagonal(place.offset).fill_(False)
        return same


def gradients_of_whole(
    function: Callable[..., Sequence[torch.Tensor]],
    inputs: Sequence[torch.Tensor],
    needed: Sequence[bool],
    upstream: Sequence[torch.Tensor],
) -> list[torch.Tensor | None]:
    """Return gradients that can be differentiated, by a function that takes the whole matrix.

    Parameters
    ----------
    function : callable
        ``(*inputs) -> sequence of Tensor``.
    inputs : sequence of Tensor
        Its arguments.
    needed : sequence of bool
        Which of them need a gradient; further elements are ignored.
    upstream : sequence of Tensor
        Gradients of the results.
    """
    chosen = [each for each, is_needed in zip(inputs, needed, strict=False) if is_needed]
    found = iter(torch.autograd.grad(function(*inputs), chosen, upstream, create_graph=True))
    return [next(found) if is_needed else None for is_needed in needed[: len(inputs)]]
