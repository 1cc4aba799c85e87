"""Cross-entropy of finding partners among rows, from a matrix of scores."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def partner_cross_entropy(
    scores: torch.Tensor,
    groups: torch.Tensor | None = None,
    *,
    positives: bool = False,
    reduction: str = "mean",
) -> torch.Tensor:
    r"""Return the cross-entropy of finding the partner of each row, column `i` for row `i`.

    .. math:: \ell_i = -\log\frac{e^{s_{ii}}}{e^{s_{ii}} + \sum_{j \in N_i} e^{s_{ij}}},

    with the negatives :math:`N_i`, the columns of other groups. With `positives`, every column
    :math:`p \in P_i` of the group of `i` is a partner, and the loss is the mean over them, as in
    supervised contrastive learning [1]_, but with no other partner in the denominator:

    .. math:: \ell_i = -\frac1{|P_i|}\sum_{p \in P_i}
        \log\frac{e^{s_{ip}}}{e^{s_{ip}} + \sum_{j \in N_i} e^{s_{ij}}}.

    Parameters
    ----------
    scores : Tensor (n, n)
        Similarities divided by the temperature.
    groups : Tensor of int64 (n,), default=None
        Group of each row: other columns of the same group are not negatives. None: groups of one
        row.
    positives : bool, default=False
        Whether columns of the same group are partners.
    reduction : {"mean", "none"}, default="mean"
        Mean over the rows, or the loss of each row.

    Returns
    -------
    Tensor () or (n,)
        In nats.

    References
    ----------
    .. [1] Khosla et al. *Supervised Contrastive Learning*. NeurIPS 2020.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import partner_cross_entropy
    >>> scores = torch.zeros(4, 4)
    >>> round(partner_cross_entropy(scores).item(), 4)  # log 4
    1.3863
    >>> groups = torch.tensor([0, 0, 1, 1])  # the partner and two negatives: log 3
    >>> round(partner_cross_entropy(scores, groups).item(), 4)
    1.0986
    """
    numbers = torch.arange(len(scores), device=scores.device)
    return cross_entropy_of_rows(scores, numbers, groups, positives=positives, reduction=reduction)


def cross_entropy_of_rows(
    scores: torch.Tensor,
    numbers: torch.Tensor,
    groups: torch.Tensor | None = None,
    *,
    positives: bool = False,
    reduction: str = "none",
) -> torch.Tensor:
    """Return :func:`partner_cross_entropy` of some rows of a matrix of scores.

    Parameters
    ----------
    scores : Tensor (k, n)
        Some rows.
    numbers : Tensor of int64 (k,)
        Their numbers in the matrix.
    groups : Tensor of int64 (n,), default=None
        Group of each row of the matrix.
    positives, reduction
        As in :func:`partner_cross_entropy`.

    Returns
    -------
    Tensor () or (k,)
    """
    if groups is None:
        return F.cross_entropy(scores, numbers, reduction=reduction)
    same = same_group(groups, scores.device, numbers)
    if not positives:
        others = same.scatter(1, numbers[:, None], False)
        return F.cross_entropy(scores.masked_fill(others, -torch.inf), numbers, reduction=reduction)
    negatives = scores.masked_fill(same, -torch.inf).logsumexp(1, keepdim=True)  # (k, 1)
    losses = F.softplus(negatives - scores).masked_fill(~same, 0).sum(1) / same.sum(1)
    return losses if reduction == "none" else losses.mean()


def sigmoid_losses(
    scores: torch.Tensor,
    numbers: torch.Tensor,
    groups: torch.Tensor | None = None,
    *,
    positives: bool = False,
) -> torch.Tensor:
    r"""Return the sum of the losses of the decisions, partner or not, of some rows.

    .. math:: -\log\sigma(s_{ii}) - \sum_{j \in N_i} \log\sigma(-s_{ij})

    or, with `positives`, the mean of the first term over the columns of the group.

    Parameters
    ----------
    scores, numbers, groups, positives
        As in :func:`cross_entropy_of_rows`.

    Returns
    -------
    Tensor (k,)
    """
    partners = scores.gather(1, numbers[:, None]).squeeze(1)
    if groups is None:
        return F.softplus(scores).sum(1) - partners  # softplus(-s) = softplus(s) - s
    same = same_group(groups, scores.device, numbers)
    rejected = F.softplus(scores).masked_fill(same, 0).sum(1)
    if not positives:
        return rejected + F.softplus(-partners)
    return rejected + F.softplus(-scores).masked_fill(~same, 0).sum(1) / same.sum(1)


def same_group(
    groups: torch.Tensor, device: torch.device, numbers: torch.Tensor | None = None
) -> torch.Tensor:
    """Return whether two rows have one group, a Tensor of bool (n, n).

    Of the rows with these `numbers` and all, a Tensor of bool (k, n).
    """
    groups = groups.to(device)
    return (groups if numbers is None else groups[numbers])[:, None] == groups[None, :]
