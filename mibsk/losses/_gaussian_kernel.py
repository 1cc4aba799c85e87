"""Mean Gaussian kernel of two sets of points."""

from __future__ import annotations

import math

import torch

from ._row_chunks import by_row_chunks


def log_mean_kernel(x: torch.Tensor, y: torch.Tensor, variance: float) -> torch.Tensor:
    r"""Return :math:`\log\frac1{nm}\sum_{ij} e^{-\|x_i - y_j\|^2 / (2\sigma^2)}`.

    Parameters
    ----------
    x : Tensor (n, d)
        Points, at least one.
    y : Tensor (m, d)
        Points, at least one.
    variance : float
        :math:`\sigma^2 > 0`.

    Returns
    -------
    Tensor ()
    """
    offsets = _offsets(y, variance)

    def log_sums(chunk: torch.Tensor) -> torch.Tensor:
        exponents = torch.addmm(offsets, chunk / variance, y.T)  # k, m
        return exponents.logsumexp(1) + _offsets(chunk, variance)

    sums = torch.cat(by_row_chunks(log_sums, [x], len(y)))
    return sums.logsumexp(0) - math.log(len(x) * len(y))


def log_mean_kernel_of_others(x: torch.Tensor, variance: float) -> torch.Tensor:
    r"""Return :math:`\log\frac1{n(n-1)}\sum_{i\ne j} e^{-\|x_i - x_j\|^2 / (2\sigma^2)}`.

    Parameters
    ----------
    x : Tensor (n, d)
        Points, at least two.
    variance : float
        :math:`\sigma^2 > 0`.

    Returns
    -------
    Tensor ()
    """
    offsets = _offsets(x, variance)
    numbers = torch.arange(len(x), device=x.device)

    def log_sums(chunk: torch.Tensor, numbers_of_chunk: torch.Tensor) -> torch.Tensor:
        exponents = torch.addmm(offsets, chunk / variance, x.T)  # k, n
        same = numbers_of_chunk[:, None] == numbers
        return exponents.masked_fill(same, -torch.inf).logsumexp(1) + _offsets(chunk, variance)

    sums = torch.cat(by_row_chunks(log_sums, [x, numbers], len(x)))
    return sums.logsumexp(0) - math.log(len(x) * (len(x) - 1))


def _offsets(x: torch.Tensor, variance: float) -> torch.Tensor:
    r"""Return :math:`-\|x_i\|^2 / (2\sigma^2)`, the terms of the exponent beside the product."""
    return x.square().sum(1) / (-2 * variance)
