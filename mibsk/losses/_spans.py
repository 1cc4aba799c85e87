"""Span of several embeddings of each row: projections onto it, and the volume that they span."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch


class Span(NamedTuple):
    r"""The ridge projections :math:`P_j = A_j^\top (A_j A_j^\top + \lambda I)^{-1} A_j` of n rows.

    The k rows of :math:`A_j` are embeddings; row `j` of `basis` is :math:`B_j` with
    :math:`P_j = B_j^\top B_j`.

    Parameters
    ----------
    basis : Tensor (n, k, d)
        :math:`B_j`, orthonormal rows for :math:`\lambda = 0`.
    shrinkage : Tensor (n, k, k)
        :math:`T_j` with :math:`B_j B_j^\top = I - T_j^\top T_j`.
    volume : Tensor (n,)
        :math:`\sqrt{\det(A_j A_j^\top + \lambda I)}`, the volume of the parallelotope of the rows.
    """

    basis: torch.Tensor
    shrinkage: torch.Tensor
    volume: torch.Tensor

    def coordinates(self, z: torch.Tensor) -> torch.Tensor:
        """Return :math:`B_j z_i` of rows (n, d) and all spans, a Tensor (i, j, k)."""
        n, k, d = self.basis.shape
        return (z @ self.basis.reshape(n * k, d).T).reshape(len(z), n, k)


def span(embeddings: Sequence[torch.Tensor], ridge: float) -> Span:
    r"""Return the span of k embeddings (n, d) of each row.

    The QR decomposition of the embeddings with a square of ``sqrt(ridge)`` below them, whose
    columns are independent, needs no product of the embeddings: it is exact for nearly equal
    embeddings in float32, and so is its gradient.

    Parameters
    ----------
    embeddings : sequence of Tensor (n, d)
        The embeddings.
    ridge : float
        :math:`\lambda > 0`.
    """
    columns = torch.stack(list(embeddings), 2)  # n, d, k
    n, d, k = columns.shape
    penalty = ridge**0.5 * torch.eye(k, dtype=columns.dtype, device=columns.device)
    q, r = torch.linalg.qr(torch.cat([columns, penalty.expand(n, k, k)], 1))
    volume = r.diagonal(dim1=1, dim2=2).prod(1).abs()  # the signs of a QR are arbitrary
    return Span(q[:, :d].mT, q[:, d:], volume)


def safe_sqrt(x: torch.Tensor) -> torch.Tensor:
    """Square root of values >= 0 with a finite gradient: 0 below the rounding of the type."""
    return x.clamp(min=torch.finfo(x.dtype).eps).sqrt()
