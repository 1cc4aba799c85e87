"""Minimality that closes the gap between modalities: partners meet, and rows stay apart."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from ._centroids import mean_of_rows, row_centroids
from ._embedding import Embedding
from ._gaussian_kernel import log_mean_kernel_of_others
from ._holes import no_loss
from ._terms import Minimality, register_minimality

SPREAD = 2.0  # t of Wang and Isola
SMALLEST = 1e-3  # norm of a centroid below which it is not scaled to 1: bounds the gradient


def modgap_minimality(
    embeddings: Sequence[Embedding],
    present: Sequence[torch.Tensor] | None = None,
    *,
    uniformity: float = 1.0,
) -> torch.Tensor:
    r"""Distance of partners plus the uniformity of the centroids of the rows [1]_.

    .. math:: \overline{\|z_{a,i} - z_{b,i}\|^2} + \lambda\, U(c), \qquad
        c_i = \frac{\sum_m z_{m,i}}{\|\sum_m z_{m,i}\|},

    where the first term is the mean over rows and pairs of modalities and :func:`uniformity_of`
    the second. The first closes the gap between the modalities, the second keeps the rows from
    collapsing where they meet. For two modalities these are the two terms of [1]_; for more, [1]_
    takes the distances from one modality, the anchor, and this term takes the mean over the choice
    of the anchor, so that it does not depend on the order of the modalities. The contrastive term
    of [1]_ is the sufficiency term of the objective.

    Parameters
    ----------
    embeddings : sequence of Embedding
        Embeddings of M >= 2 modalities, with row `i` of all together; only their means (n, d), of
        unit norm, are used.
    present : sequence of Tensor of bool (n,), default=None
        Mask of the rows that each modality has: pairs and centroid of a row are those of the
        modalities that it has. None: rows have all modalities.
    uniformity : float, default=1.0
        Weight :math:`\lambda` of the second term.

    Returns
    -------
    Tensor ()
        Negative if the centroids are apart more than the partners are.

    Raises
    ------
    ValueError
        If there are fewer than two modalities, or their shapes differ.

    References
    ----------
    .. [1] Grassucci et al. *Closing the Modality Gap Aligns Group-Wise Semantics*. ICLR 2026,
       arXiv 2601.18525.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import Embedding, modgap_minimality
    >>> z = Embedding(torch.eye(3))  # centroids at a squared distance of 2
    >>> round(modgap_minimality([z, z]).item(), 4)
    -4.0
    """
    means, counts, scatter = row_centroids([embedding.mean for embedding in embeddings], present)
    # the mean over pairs of the squared distance is 2 / (M - 1) times the scatter
    distance = mean_of_rows(2 / (counts - 1).clamp(min=1) * scatter, counts > 1)
    centroids = F.normalize(means if present is None else means[counts > 0], eps=SMALLEST)
    return distance + uniformity * uniformity_of(centroids)


def uniformity_of(x: torch.Tensor) -> torch.Tensor:
    r"""Logarithm of the mean Gaussian potential of two points, the uniformity loss of [1]_.

    .. math:: U(x) = \log \frac{2}{n(n-1)} \sum_{i<j} e^{-2\|x_i - x_j\|^2}

    Memory grows with `n`: matrices of all pairs of rows with more than four million entries are
    computed in parts, and again in the backward pass.

    Parameters
    ----------
    x : Tensor (n, d)
        Points. For fewer than two the value is 0.

    Returns
    -------
    Tensor ()
        At most 0.

    References
    ----------
    .. [1] Wang and Isola. *Understanding Contrastive Representation Learning through Alignment and
       Uniformity on the Hypersphere*. ICML 2020.
    """
    if len(x) < 2:
        return no_loss([x])
    return log_mean_kernel_of_others(x, 1 / (2 * SPREAD))


register_minimality("modgap", Minimality(modgap_minimality, pairwise=False, takes_present=True))
