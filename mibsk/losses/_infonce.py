"""InfoNCE: contrastive terms that keep shared information."""

from __future__ import annotations

import torch

from ._all_pairs import product_cross_entropy
from ._embedding import check_paired
from ._terms import Sufficiency, register_sufficiency


def infonce(
    z: torch.Tensor,
    w: torch.Tensor,
    temperature: torch.Tensor | float,
    groups: torch.Tensor | None = None,
    positives: bool = False,
) -> torch.Tensor:
    r"""Symmetric InfoNCE, the mean of both directions, as in CLIP [1]_.

    .. math:: \tfrac12\big[\mathrm{InfoNCE}(z \to w) + \mathrm{InfoNCE}(w \to z)\big]

    From 1,024 rows on (2,048 on a GPU), the matrix of all pairs of rows is not stored but computed
    in tiles, so that memory grows with `n` and not with its square. The value differs from that of
    the whole matrix by rounding.

    Parameters
    ----------
    z, w : Tensor (n, d)
        Embeddings with unit norm; row `i` of both is a pair.
    temperature : Tensor () or float
        :math:`\tau > 0`.
    groups : Tensor of int64 (n,), default=None
        Group of each row: other rows of the same group are not negatives. None: groups of one row.
    positives : bool, default=False
        Whether rows of the same group are partners, see :func:`partner_cross_entropy`.

    Returns
    -------
    Tensor ()
        In nats.

    References
    ----------
    .. [1] Radford et al. *Learning Transferable Visual Models From Natural Language Supervision*.
       ICML 2021.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import infonce
    >>> eye = torch.eye(3)  # 0 in the limit of low temperature
    >>> infonce(eye, eye, 0.01).item() < 1e-6
    True
    """
    check_paired(z, w)
    return product_cross_entropy(z / temperature, w, groups, positives=positives, both=True)


def infonce_oneway(
    z: torch.Tensor,
    w: torch.Tensor,
    temperature: torch.Tensor | float,
    groups: torch.Tensor | None = None,
    positives: bool = False,
) -> torch.Tensor:
    r"""One-way InfoNCE, the cross-entropy of finding the partner of each `z` among all `w`.

    .. math:: \frac1N \sum_i \Big[\log\sum_j e^{z_i^\top w_j/\tau} - z_i^\top w_i/\tau\Big]

    :math:`\log N` minus its expectation is a lower bound of :math:`I(Z;W)` [1]_. Memory grows as
    that of :func:`infonce`.

    Parameters
    ----------
    z, w : Tensor (n, d)
        Embeddings with unit norm; row `i` of both is a pair.
    temperature : Tensor () or float
        :math:`\tau > 0`.
    groups : Tensor of int64 (n,), default=None
        Group of each row: other rows of the same group are not negatives. None: groups of one row.
    positives : bool, default=False
        Whether rows of the same group are partners, see :func:`partner_cross_entropy`.

    Returns
    -------
    Tensor ()
        In nats.

    References
    ----------
    .. [1] van den Oord, Li, Vinyals. *Representation Learning with Contrastive Predictive Coding*.
       arXiv 1807.03748.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import infonce_oneway
    >>> same = torch.ones(4, 1)  # identical rows: log 4 nats
    >>> round(infonce_oneway(same, same, 0.1).item(), 4)
    1.3863
    """
    check_paired(z, w)
    return product_cross_entropy(z / temperature, w, groups, positives=positives)


for _name, _loss in {"infonce": infonce, "infonce-oneway": infonce_oneway}.items():
    register_sufficiency(
        _name, Sufficiency(_loss, takes_groups=True, takes_positives=True, is_bound=True)
    )
