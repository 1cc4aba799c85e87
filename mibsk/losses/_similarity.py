"""Pairwise similarities of the embeddings of two modalities."""

from __future__ import annotations

import torch

from ._embedding import check_paired


def logits(
    z: torch.Tensor,
    w: torch.Tensor,
    temperature: torch.Tensor | float,
    groups: torch.Tensor | None = None,
) -> torch.Tensor:
    r"""Return cosine similarities divided by the temperature, :math:`z_i^\top w_j / \tau`.

    Parameters
    ----------
    z, w : Tensor (n, d)
        Embeddings with unit norm.
    temperature : Tensor () or float
        :math:`\tau > 0`.
    groups : Tensor of int64 (n,), default=None
        Group of each row. Scores of other rows of the same group are :math:`-\infty`, so that they
        are not negatives. None: groups of one row.

    Returns
    -------
    Tensor (n, n)
    """
    check_paired(z, w)
    scores = (z / temperature) @ w.T
    if groups is None:
        return scores
    groups = groups.to(z.device)
    same = groups[:, None] == groups[None, :]  # (n, n)
    partners = torch.eye(len(z), dtype=torch.bool, device=z.device)
    return scores.masked_fill(same & ~partners, -torch.inf)
