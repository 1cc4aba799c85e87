"""Barlow Twins: the cross-correlation of the columns is the identity."""

from __future__ import annotations

import torch

from ._embedding import check_paired
from ._group_means import group_means
from ._terms import Sufficiency, register_sufficiency

EPSILON = 1e-5  # added to the variance of a column, whose order of magnitude is 1


def barlow_twins(
    z: torch.Tensor,
    w: torch.Tensor,
    temperature: torch.Tensor | float,
    groups: torch.Tensor | None = None,
    positives: bool = False,
    *,
    redundancy: float = 0.005,
) -> torch.Tensor:
    r"""Barlow Twins [1]_, which needs no negatives.

    .. math:: \sum_k (1 - c_{kk})^2 + \lambda \sum_{k \ne l} c_{kl}^2,
        \qquad c_{kl} = \frac1n \sum_i \hat z_{ik} \hat w_{il}

    with columns standardised over the batch,
    :math:`\hat z_{ik} = (\sqrt d z_{ik} - m_k) / \sqrt{s_k^2 + 10^{-5}}`. The factor
    :math:`\sqrt d` gives the columns of rows of unit norm variances near 1, so that the constant in
    the root matters for (almost) constant columns alone, whose correlations are 0.

    Parameters
    ----------
    z, w : Tensor (n, d)
        Embeddings with unit norm; row `i` of both is a pair.
    temperature : Tensor () or float
        Not used.
    groups : Tensor of int64 (n,), default=None
        Group of each row. Without negatives it has no effect, unless `positives` is True.
    positives : bool, default=False
        Whether all rows of one group are partners: :math:`c` is the mean over all of them.
    redundancy : float, default=0.005
        Weight :math:`\lambda`.

    Returns
    -------
    Tensor ()
        At least 0; d for independent columns.

    References
    ----------
    .. [1] Zbontar et al. *Barlow Twins: Self-Supervised Learning via Redundancy Reduction*.
       ICML 2021, arXiv 2103.03230.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import barlow_twins
    >>> z = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    >>> round(barlow_twins(z, z, temperature=0.07).item(), 4)
    0.0
    >>> round(barlow_twins(z, -z, temperature=0.07).item(), 2)  # two correlations of -1
    8.0
    """
    check_paired(z, w)
    z, w = _standardised(z), _standardised(w)
    if groups is not None and positives:
        w = group_means(w, groups)
    correlation = z.T @ w / len(z)  # d, d
    diagonal = correlation.diagonal()
    others = (correlation - diagonal.diag()).square().sum()
    return (1 - diagonal).square().sum() + redundancy * others


register_sufficiency(
    "barlow-twins", Sufficiency(barlow_twins, takes_groups=True, takes_positives=True)
)


def _standardised(x: torch.Tensor) -> torch.Tensor:
    """Return columns with mean 0 and variance 1, constant ones 0."""
    centred = x.shape[1] ** 0.5 * (x - x.mean(0))
    return centred / (centred.square().mean(0) + EPSILON).sqrt()
