"""Cross-entropies of finding partners by the products of rows, in tiles."""

from __future__ import annotations

import math
from typing import Any

import torch

from ._contrast import partner_cross_entropy
from ._tiles import Place, Product, gradients_of_whole, without_autocast

Tensors = list[torch.Tensor]


def cross_entropies_in_tiles(
    x: torch.Tensor, w: torch.Tensor, groups: torch.Tensor | None = None, *, columns: bool = False
) -> Tensors:
    r"""Return :func:`partner_cross_entropy` of each row, with the scores :math:`x_i^\top w_j`.

    The matrix of scores is computed in tiles, most of which are computed again in the backward
    pass, so that memory grows with the number of rows. Derivatives of second order take that of the
    whole matrix.

    Parameters
    ----------
    x, w : Tensor (n, d)
        Rows, in single or double precision; row `i` of both is a pair.
    groups : Tensor of int64 (n,), default=None
        Group of each row: others of the same group are not negatives.
    columns : bool, default=False
        Whether there is a second result, that of finding `x` for each `w`, at little more time.

    Returns
    -------
    list of Tensor (n,)
        In nats.
    """
    with without_autocast(x.device):
        # scores in bits: powers of 2 are faster than those of e
        bits = x * math.log2(math.e)
        return list(_CrossEntropies.apply(bits, w, groups, columns, torch.is_grad_enabled()))


class _Exponents(Product):
    """Tiles of the scores in bits."""

    start: tuple[float, ...]
    """State of a row, or column, before the first tile."""

    def add(self, state: torch.Tensor, tile: torch.Tensor, dim: int) -> None:
        """Add the entries of a tile along `dim` to the states (len(start), k)."""
        raise NotImplementedError

    def losses(self, state: torch.Tensor, partners: torch.Tensor) -> torch.Tensor:
        """Return the losses, given the entries (n,) of the partners."""
        raise NotImplementedError

    def derivatives(
        self, tile: torch.Tensor, states: Tensors, upstream: Tensors, out: torch.Tensor
    ) -> torch.Tensor:
        """Return the derivatives by the scores of a tile, as if they were those of no partners."""
        raise NotImplementedError


class _Bounded(_Exponents):
    """Tiles of exponentials that cannot overflow: one serves its row and its column.

    The state is the sum.
    """

    start = (0.0,)

    def tile(self, place: Place, memory: torch.Tensor | None = None) -> torch.Tensor:
        found = super().tile(place, memory).exp2_()
        return found if self.groups is None else found.masked_fill_(self.others(place), 0)

    def add(self, state: torch.Tensor, tile: torch.Tensor, dim: int) -> None:
        state[0] += tile.sum(dim)

    def losses(self, state: torch.Tensor, partners: torch.Tensor) -> torch.Tensor:
        return (state[0] / partners).log()

    def derivatives(
        self, tile: torch.Tensor, states: Tensors, upstream: Tensors, out: torch.Tensor
    ) -> torch.Tensor:
        factors = [each / state[0] for each, state in zip(upstream, states, strict=True)]
        if len(factors) == 1:
            return torch.mul(tile, factors[0][:, None], out=out)
        return torch.add(factors[0][:, None], factors[1], out=out).mul_(tile)


class _Unbounded(_Exponents):
    """Tiles of exponents of any size.

    The state is the largest, and the sum of the exponentials of the differences from it.
    """

    start = (-math.inf, 0.0)

    def tile(self, place: Place, memory: torch.Tensor | None = None) -> torch.Tensor:
        found = super().tile(place, memory)
        if self.groups is None:
            return found
        # a finite value: the difference of two infinite ones is not a number
        return found.masked_fill_(self.others(place), torch.finfo(found.dtype).min / 4)

    def add(self, state: torch.Tensor, tile: torch.Tensor, dim: int) -> None:
        largest = torch.maximum(state[0], tile.amax(dim))
        state[1] *= (state[0] - largest).exp2_()
        state[1] += (tile - largest.unsqueeze(dim)).exp2_().sum(dim)
        state[0] = largest

    def losses(self, state: torch.Tensor, partners: torch.Tensor) -> torch.Tensor:
        return state[1].log() + (state[0] - partners) * math.log(2)

    def derivatives(
        self, tile: torch.Tensor, states: Tensors, upstream: Tensors, out: torch.Tensor
    ) -> torch.Tensor:
        of_rows, *of_columns = zip(upstream, states, strict=True)
        factors, (largest, sums) = of_rows
        torch.sub(tile, largest[:, None], out=out).exp2_().mul_((factors / sums)[:, None])
        for factors, (largest, sums) in of_columns:
            out.addcmul_((tile - largest).exp2_(), factors / sums)
        return out


def _exponents(x: torch.Tensor, w: torch.Tensor, groups: torch.Tensor | None) -> _Exponents:
    """Return tiles of the exponentials, unless one may be near overflow, or on a GPU.

    There, the largest would have to be waited for.
    """
    if x.device.type != "cpu":
        return _Unbounded(x, w, groups)
    exponents = _Bounded(x, w, groups)
    norms = [torch.linalg.vector_norm(rows, dim=1).amax() for rows in (x, w)]
    # the sum of n exponentials divided by that of the partner, at most n 4^largest, is in the range
    largest = math.log2(torch.finfo(x.dtype).max / len(x)) / 2 - 1
    return exponents if norms[0] * norms[1] <= largest else _Unbounded(x, w, groups)


class _CrossEntropies(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        w: torch.Tensor,
        groups: torch.Tensor | None,
        columns: bool,
        differentiable: bool,
    ) -> tuple[torch.Tensor, ...]:
        exponents = _exponents(x, w, groups)
        start = x.new_tensor(exponents.start)[:, None]
        states = [start.repeat(1, len(x)) for _ in range(1 + columns)]
        partners = x.new_empty(len(x))
        memory, room = exponents.memory(), exponents.kept if differentiable else 0
        kept: Tensors = []
        for place in exponents.places():
            room -= len(memory)
            tile = exponents.tile(place, None if room >= 0 else memory)
            if room >= 0:
                kept.append(tile)
            partners[place.diagonal] = tile.diagonal(place.offset)
            for dim, state in enumerate(states):
                exponents.add(state[:, place[dim]], tile, 1 - dim)
        ctx.save_for_backward(x, w, groups, *states, *kept)
        ctx.n_results = len(states)
        return tuple(exponents.losses(state, partners) for state in states)

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, w, groups, *saved = ctx.saved_tensors
        with without_autocast(x.device):
            if torch.is_grad_enabled():  # for derivatives of second order

                def of_whole(x: torch.Tensor, w: torch.Tensor) -> Tensors:
                    scores = x @ w.T * math.log(2)
                    both = [scores, scores.T][: ctx.n_results]
                    return [partner_cross_entropy(s, groups, reduction="none") for s in both]

                gradients = gradients_of_whole(of_whole, [x, w], ctx.needs_input_grad, upstream)
            else:
                states, kept = saved[: ctx.n_results], saved[ctx.n_results :]
                exponents = _exponents(x, w, groups)
                gradients = _gradients(exponents, states, kept, upstream, ctx.needs_input_grad)
        return (*gradients, None, None, None)


def _gradients(
    exponents: _Exponents,
    states: Tensors,
    kept: Tensors,
    upstream: tuple[torch.Tensor, ...],
    needed: tuple[bool, ...],
) -> list[torch.Tensor | None]:
    """Return the gradients of `x` and `w`."""
    of_x = torch.zeros_like(exponents.x) if needed[0] else None
    of_w = torch.zeros_like(exponents.w) if needed[1] else None
    of_partners = torch.stack(upstream).sum(0)
    memory, out = exponents.memory(), exponents.memory()
    for k, place in enumerate(exponents.places()):
        tile = kept[k] if k < len(kept) else exponents.tile(place, memory)
        of_tile = exponents.derivatives(
            tile,
            [state[:, where] for state, where in zip(states, place, strict=False)],
            [each[where] for each, where in zip(upstream, place, strict=False)],
            exponents.shaped(out, place),
        )
        of_tile.diagonal(place.offset).sub_(of_partners[place.diagonal])
        if of_x is not None:
            of_x[place.rows].addmm_(of_tile, exponents.w[place.columns])
        if of_w is not None:
            of_w[place.columns].addmm_(of_tile.T, exponents.x[place.rows])
    # the derivatives are those by scores in nats
    return [None if of_rows is None else of_rows.mul_(math.log(2)) for of_rows in (of_x, of_w)]
