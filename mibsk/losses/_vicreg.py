"""VICReg: partners agree, and the columns vary and are uncorrelated."""

from __future__ import annotations

import torch

from ._embedding import check_paired
from ._group_means import group_means
from ._terms import Sufficiency, register_sufficiency

DEVIATION = 1.0  # the standard deviation that each column should have
EPSILON = 1e-4  # added to the variance: the gradient of a constant column is finite


def vicreg(
    z: torch.Tensor,
    w: torch.Tensor,
    temperature: torch.Tensor | float,
    groups: torch.Tensor | None = None,
    positives: bool = False,
    *,
    invariance: float = 25.0,
    variance: float = 25.0,
    covariance: float = 1.0,
) -> torch.Tensor:
    r"""Variance-invariance-covariance regularization [1]_, which needs no negatives.

    .. math:: \frac{\lambda}{nd}\|Z - W\|^2
        + \frac\mu2 \big[v(Z) + v(W)\big] + \nu \big[c(Z) + c(W)\big]

    with the rows of `z` and `w`, multiplied by :math:`\sqrt d`, in :math:`Z` and :math:`W`, and

    .. math:: v(Z) = \frac1d \sum_k \max\Big(0, 1 - \sqrt{C_{kk}(Z) + 10^{-4}}\Big), \quad
        c(Z) = \frac1d \sum_{k \ne l} C_{kl}(Z)^2

    of the covariance :math:`C(Z)` (d, d). The factor :math:`\sqrt d` gives rows of unit norm the
    scale for which the weights of [1]_ are meant: the variances of rows that are spread evenly over
    the sphere are 1, where :math:`v` becomes zero, and the first term is the mean squared distance
    of partners of unit norm.

    Parameters
    ----------
    z, w : Tensor (n, d)
        Embeddings with unit norm; row `i` of both is a pair.
    temperature : Tensor () or float
        Not used.
    groups : Tensor of int64 (n,), default=None
        Group of each row. Without negatives it has no effect, unless `positives` is True.
    positives : bool, default=False
        Whether all rows of one group are partners: the first term is the mean over all of them.
    invariance, variance, covariance : float, default=25.0, 25.0, 1.0
        Weights :math:`\lambda, \mu, \nu`.

    Returns
    -------
    Tensor ()
        At least 0.

    References
    ----------
    .. [1] Bardes, Ponce and LeCun. *VICReg: Variance-Invariance-Covariance Regularization for
       Self-Supervised Learning*. ICLR 2022, arXiv 2105.04906.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import vicreg
    >>> z = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])  # spread evenly
    >>> vicreg(z, z, temperature=0.07).item()
    0.0
    >>> round(vicreg(z, -z, temperature=0.07).item(), 4)  # 25 times the squared distance
    100.0
    """
    check_paired(z, w)
    root = z.shape[1] ** 0.5
    z, w = root * z, root * w
    partners = group_means(w, groups) if groups is not None and positives else w
    # the mean over the rows of a group, as the distance from their mean and their own variance
    distance = (z - partners).square().mean() + (w - partners).square().mean()
    of_z, of_w = _covariance(z), _covariance(w)
    hinges = (_hinge(of_z) + _hinge(of_w)) / 2
    off_diagonal = _off_diagonal(of_z) + _off_diagonal(of_w)
    return invariance * distance + variance * hinges + covariance * off_diagonal


register_sufficiency("vicreg", Sufficiency(vicreg, takes_groups=True, takes_positives=True))


def _covariance(x: torch.Tensor) -> torch.Tensor:
    """Return the covariance (d, d) of the columns; zero for a single row."""
    centred = x - x.mean(0)
    return centred.T @ centred / max(len(x) - 1, 1)


def _hinge(covariance: torch.Tensor) -> torch.Tensor:
    return (DEVIATION - (covariance.diagonal() + EPSILON).sqrt()).relu().mean()


def _off_diagonal(covariance: torch.Tensor) -> torch.Tensor:
    return (covariance - covariance.diagonal().diag()).square().sum() / len(covariance)
