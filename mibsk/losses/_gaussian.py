"""Minimality for isotropic Gaussian embeddings."""

from __future__ import annotations

import torch

from ._embedding import Embedding, check_paired
from ._terms import register_minimality


def gaussian_minimality(a: Embedding, b: Embedding) -> torch.Tensor:
    r"""Upper bound of the modality-specific information for isotropic Gaussians.

    With :math:`p(z|x) = \mathcal N(z(x), I)` the bound
    :math:`I(Z_\alpha; X_\alpha) \le E[\mathrm{KL}(p(z|x_\alpha)\,\|\,p(z|x_\beta))]` of [1]_ is

    .. math:: \frac1N \sum_i \tfrac12\|z_i - w_i\|^2 = \frac1N \sum_i (1 - z_i^\top w_i),

    the second form for unit vectors.

    Parameters
    ----------
    a, b : Embedding
        Embeddings, with row `i` of both a pair; only their means (n, d) are used.

    Returns
    -------
    Tensor ()

    References
    ----------
    .. [1] Almudévar et al. *Aligning Multimodal Representations through an Information Bottleneck*.
       ICML 2025, arXiv 2506.04870.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import Embedding, gaussian_minimality
    >>> z, w = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    >>> gaussian_minimality(Embedding(z), Embedding(w)).item()
    1.0
    """
    check_paired(a.mean, b.mean)
    return (a.mean - b.mean).square().sum(1).mean() / 2


register_minimality("gaussian", gaussian_minimality)
