"""Minimality of one modality against all others."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ._centroids import mean_of_rows, row_centroids
from ._embedding import Embedding
from ._terms import Minimality, register_minimality


def ova_minimality(
    embeddings: Sequence[Embedding], present: Sequence[torch.Tensor] | None = None
) -> torch.Tensor:
    r"""Squared distance of each embedding from the mean of the other modalities [1]_.

    .. math:: \frac1M \sum_m \frac1n \sum_i \Big\|z_{m,i} - \frac1{M-1}\sum_{l\ne m} z_{l,i}\Big\|^2
        = \frac{M}{2(M-1)}\, \overline{\|z_a - z_b\|^2},

    the last being the mean over rows and pairs of modalities :math:`a < b`. So it is
    :math:`M/(M-1)` times the mean over pairs of :func:`gaussian_minimality` (twice for two
    modalities), in time proportional to `M` instead of the number of pairs.

    Parameters
    ----------
    embeddings : sequence of Embedding
        Embeddings of M >= 2 modalities, with row `i` of all together; only their means (n, d) are
        used.
    present : sequence of Tensor of bool (n,), default=None
        Mask of the rows that each modality has: a row is compared in the modalities that it has,
        and the mean is over the rows that have at least two. None: rows have all modalities.

    Returns
    -------
    Tensor ()

    Raises
    ------
    ValueError
        If there are fewer than two modalities, or their shapes differ.

    References
    ----------
    .. [1] Li et al. *OVA-IB: One vs All Information Bottleneck for Multi-Modal Alignment*. 2026,
       arXiv 2605.29900.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import Embedding, ova_minimality
    >>> z = Embedding(torch.tensor([[1.0, 0.0]]))
    >>> other = Embedding(torch.tensor([[0.0, 1.0]]))
    >>> round(ova_minimality([z, z, other]).item(), 4)  # (1/2 + 1/2 + 2) / 3
    1.0
    """
    _, counts, scatter = row_centroids([embedding.mean for embedding in embeddings], present)
    # z - (sum - z) / (M - 1) is M / (M - 1) times the distance from the mean of all M
    factors = counts / (counts - 1).clamp(min=1).square()
    return mean_of_rows(factors * scatter, counts > 1)


register_minimality("ova", Minimality(ova_minimality, pairwise=False, takes_present=True))
