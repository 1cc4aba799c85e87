"""Pairwise similarities of the embeddings of two modalities."""

from __future__ import annotations

import torch

from ._embedding import check_paired


def logits(z: torch.Tensor, w: torch.Tensor, temperature: torch.Tensor | float) -> torch.Tensor:
    r"""Return cosine similarities divided by the temperature, :math:`z_i^\top w_j / \tau`.

    Parameters
    ----------
    z, w : Tensor (n, d)
        Embeddings with unit norm.
    temperature : Tensor () or float
        :math:`\tau > 0`.

    Returns
    -------
    Tensor (n, n)
    """
    check_paired(z, w)
    return (z / temperature) @ w.T
