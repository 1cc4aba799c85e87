"""Sigmoid loss of the products of all pairs of rows, in tiles."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F

from ._contrast import sigmoid_losses
from ._tiles import Product, gradients_of_whole, without_autocast


def sigmoid_loss_in_tiles(
    x: torch.Tensor, w: torch.Tensor, bias: torch.Tensor, groups: torch.Tensor | None = None
) -> torch.Tensor:
    r"""Return the mean of :func:`sigmoid_losses` of the scores :math:`x_i^\top w_j + b`.

    The matrix of scores is computed in tiles, and the gradients with the value, so that no tile is
    computed twice and memory grows with the number of rows. Derivatives of second order take that
    of the whole matrix.

    Parameters
    ----------
    x, w : Tensor (n, d)
        Rows, in single or double precision; row `i` of both is a pair.
    bias : Tensor ()
        :math:`b`.
    groups : Tensor of int64 (n,), default=None
        Group of each row: others of the same group do not count.

    Returns
    -------
    Tensor ()
    """
    with without_autocast(x.device):
        loss: torch.Tensor = _SigmoidLoss.apply(x, w, bias, groups, torch.is_grad_enabled())
        return loss


class _SigmoidLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        w: torch.Tensor,
        bias: torch.Tensor,
        groups: torch.Tensor | None,
        differentiable: bool,
    ) -> torch.Tensor:
        product = Product(x, w, groups)
        of_x, of_w, of_bias = gradients = [
            torch.zeros_like(each) if is_needed and differentiable else None
            for each, is_needed in zip((x, w, bias), ctx.needs_input_grad, strict=False)
        ]
        losses = x.new_zeros(len(x))
        memory = product.memory()
        for place in product.places():
            scores = product.tile(place, memory).add_(bias)
            partners = scores.diagonal(place.offset).clone()
            if groups is not None:
                scores.masked_fill_(product.of_one_group(place), -math.inf)
            scores.diagonal(place.offset).fill_(-math.inf)
            losses[place.rows] += F.softplus(scores).sum(1)
            losses[place.diagonal] += F.softplus(-partners)
            if all(each is None for each in gradients):
                continue
            of_tile = scores.sigmoid_().div_(len(x))
            of_tile.diagonal(place.offset).copy_(torch.sigmoid(-partners).div_(-len(x)))
            if of_x is not None:
                of_x[place.rows].addmm_(of_tile, w[place.columns])
            if of_w is not None:
                of_w[place.columns].addmm_(of_tile.T, x[place.rows])
            if of_bias is not None:
                of_bias += of_tile.sum()
        ctx.save_for_backward(x, w, bias, groups, *gradients)
        return losses.mean()

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        *inputs, groups, of_x, of_w, of_bias = ctx.saved_tensors
        with without_autocast(upstream[0].device):
            if torch.is_grad_enabled():  # for derivatives of second order

                def of_whole(
                    x: torch.Tensor, w: torch.Tensor, bias: torch.Tensor
                ) -> list[torch.Tensor]:
                    numbers = torch.arange(len(x), device=x.device)
                    return [sigmoid_losses(x @ w.T + bias, numbers, groups).mean()]

                gradients = gradients_of_whole(of_whole, inputs, ctx.needs_input_grad, upstream)
            else:
                gradients = [
                    None if each is None else upstream[0] * each for each in (of_x, of_w, of_bias)
                ]
        return (*gradients, None, None)
