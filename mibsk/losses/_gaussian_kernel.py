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
    norms = y.square().sum(1) / 2  # m

    def log_sum(chunk: torch.Tensor) -> torch.Tensor:
        return _exponents(chunk, y, norms, variance).logsumexp((0, 1))

    sums = by_row_chunks(log_sum, [x], len(y))
    return torch.stack(sums).logsumexp(0) - math.log(len(x) * len(y))


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
    norms = x.square().sum(1) / 2  # n
    numbers = torch.arange(len(x), device=x.device)

    def log_sum(chunk: torch.Tensor, numbers_of_chunk: torch.Tensor) -> torch.Tensor:
        exponents = _exponents(chunk, x, norms, variance)
        same = numbers_of_chunk[:, None] == numbers
        return exponents.masked_fill(same, -torch.inf).logsumexp((0, 1))

    sums = by_row_chunks(log_sum, [x, numbers], len(x))
    return torch.stack(sums).logsumexp(0) - math.log(len(x) * (len(x) - 1))


def _exponents(
    x: torch.Tensor, y: torch.Tensor, norms: torch.Tensor, variance: float
) -> torch.Tensor:
    """Return the logarithm of the kernel, with half the squared norms of `y`: (n, m)."""
    own = x.square().sum(1, keepdim=True) / 2  # n, 1
    return (x @ y.T - own - norms) / variance
