"""Symile: contrast of multilinear inner products, which sees synergy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F

from ._anchors import check_aligned
from ._holes import Masks, mean_over_patterns
from ._row_chunks import by_row_chunks
from ._terms import Sufficiency, register_sufficiency

MAX_SCORES = 2**21
"""Number of scores of a batch up to which :func:`symile` uses all negatives (8 MiB of float32)."""


def symile(
    embeddings: Sequence[torch.Tensor],
    temperature: torch.Tensor | float,
    groups: torch.Tensor | None = None,
    positives: bool = False,
    present: Masks = None,
    *,
    max_scores: int = MAX_SCORES,
) -> torch.Tensor:
    r"""Contrast of multilinear inner products of all modalities, as in Symile [1]_.

    The score of M embeddings, which may be of different rows, is the sum over the dimensions of
    their product. InfoNCE with each modality as the anchor, averaged:

    .. math:: \frac1M \sum_m \frac1N \sum_i \Big[
        \log\sum_{j_1, \dots, j_M:\, j_m = i} e^{s(j_1, \dots, j_M)/\tau}
        - s(i, \dots, i)/\tau\Big],
        \qquad s(j_1, \dots, j_M) = \sum_k \prod_l z_{l, j_l, k}.

    It is minimal where the scores are those of the *total* correlation of the modalities, which is
    more than that of their pairs: of three bits, each the XOR of the others, any two are
    independent, and their product is constant. Aligned embeddings are not a solution, so that a
    minimality term is at odds with this one. For two modalities, it is :func:`infonce`. Memory
    grows with `n`: matrices of all pairs of rows with more than four million entries are computed
    in parts, and again in the backward pass.

    Parameters
    ----------
    embeddings : sequence of Tensor (n, d)
        Embeddings of M >= 2 modalities with unit norm; row `i` of all belongs together.
    temperature : Tensor () or float
        :math:`\tau > 0`, the inverse of the scale in [1]_.
    groups : Tensor of int64 (n,), default=None
        Group of each row: embeddings that are all of one group are no negative. None: groups of one
        row.
    positives : bool, default=False
        Whether an embedding and the others of any row of its group are partners; the loss is the
        mean over these rows.
    present : sequence of Tensor of bool (n,), default=None
        Which rows have each modality, see :func:`mean_over_patterns`. None: all.
    max_scores : int, default=2**21
        All :math:`N^{M-1}` choices of the others are negatives if the number of scores,
        :math:`N^M`, is at most this. Otherwise they are N, in which the rows of each other modality
        are shuffled, drawn anew for each batch and anchor from torch's global generator.

    Returns
    -------
    Tensor ()
        In nats.

    Raises
    ------
    ValueError
        If there are fewer than two modalities, or their shapes differ.

    References
    ----------
    .. [1] Saporta et al. *Contrasting with Symile: Simple Model-Agnostic Representation Learning
       for Unlimited Modalities*. NeurIPS 2024, arXiv 2411.01053.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import infonce, symile
    >>> x = torch.tensor([[1.0], [1.0], [-1.0], [-1.0]])
    >>> y = torch.tensor([[1.0], [-1.0], [1.0], [-1.0]])
    >>> round(symile([x, y, x * y], 0.1).item(), 3)  # log 8: half of the 16 choices fit
    2.079
    >>> round(infonce(x, y, 0.1).item(), 1)  # no pair fits
    10.7
    """
    check_aligned(embeddings)

    def row_losses(items: list[torch.Tensor], groups: torch.Tensor | None) -> torch.Tensor:
        n, device = len(items[0]), items[0].device
        groups = torch.arange(n, device=device) if groups is None else groups.to(device)
        scaled = [items[0] / temperature, *items[1:]]
        whole = n ** len(items) <= max_scores
        negatives = _all_negatives(scaled, groups) if whole else _shuffled_negatives(scaled, groups)
        partners = groups if positives else None
        return torch.stack(
            [_row_losses(scaled, m, found, partners) for m, found in enumerate(negatives)]
        ).mean(0)

    return mean_over_patterns(row_losses, embeddings, present, groups)


def _row_losses(
    items: list[torch.Tensor], m: int, negatives: torch.Tensor, groups: torch.Tensor | None
) -> torch.Tensor:
    """Return the loss of each row with anchor `m`, given the logsumexp (n,) of its negatives.

    With `groups`, other embeddings of the group of a row are partners too.
    """
    others = _product(items[:m] + items[m + 1 :])
    if groups is None:
        return F.softplus(negatives - (items[m] * others).sum(1))

    def of_rows(anchor: torch.Tensor, negatives: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
        partners = own[:, None] == groups
        losses = F.softplus(negatives[:, None] - anchor @ others.T)
        return losses.masked_fill(~partners, 0).sum(1) / partners.sum(1)

    return torch.cat(by_row_chunks(of_rows, [items[m], negatives, groups], len(groups)))


def _all_negatives(items: list[torch.Tensor], groups: torch.Tensor) -> list[torch.Tensor]:
    """Return the logsumexp over all choices of the others, for each anchor a Tensor (n,)."""
    n, d = items[0].shape
    same = groups[:, None] == groups
    rows = items[0]
    for z in items[1:-1]:
        rows = (rows[:, None] * z).reshape(-1, d)  # n^2, n^3, ...: products of all choices
    scores = (rows @ items[-1].T).reshape([n] * len(items))
    of_one_group = same.new_ones([1] * len(items))
    for k in range(1, len(items)):
        shape = [n] + [1] * (len(items) - 1)
        shape[k] = n
        of_one_group = of_one_group & same.reshape(shape)
    scores = _without(scores, of_one_group)
    first = range(len(items) - 1)
    inner = scores.logsumexp(-1)  # of all anchors but the last
    rest = [[k for k in first if k != m] for m in first]
    found = [inner.logsumexp(dims) if dims else inner for dims in rest]
    return [*found, scores.reshape(-1, n).logsumexp(0)]


def _shuffled_negatives(items: list[torch.Tensor], groups: torch.Tensor) -> list[torch.Tensor]:
    """Return the logsumexp over n choices of the others, for each anchor a Tensor (n,)."""
    n = len(groups)
    found = []
    for m, anchor in enumerate(items):
        # drawn on the CPU, so that the choice does not depend on the device
        orders = [torch.randperm(n).to(groups.device) for _ in items[1:]]
        shuffled = [z[order] for z, order in zip(items[:m] + items[m + 1 :], orders, strict=True)]
        groups_of_others = [groups[order] for order in orders]
        of_rows = partial(_of_negatives, others=_product(shuffled), of_others=groups_of_others)
        found.append(torch.cat(by_row_chunks(of_rows, [anchor, groups], n)))
    return found


def _of_negatives(
    anchor: torch.Tensor, own: torch.Tensor, *, others: torch.Tensor, of_others: list[torch.Tensor]
) -> torch.Tensor:
    """Return the logsumexp (k,) over the others that are not all of the group of the anchor."""
    of_one_group = torch.stack([own[:, None] == each for each in of_others]).all(0)
    return _without(anchor @ others.T, of_one_group).logsumexp(1)


def _product(items: list[torch.Tensor]) -> torch.Tensor:
    return math.prod(items[1:], start=items[0])


def _without(scores: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
    # a finite value instead of -inf: the gradient of a logsumexp of nothing is not a number
    return scores.masked_fill(masked, torch.finfo(scores.dtype).min / 4)


register_sufficiency(
    "symile",
    Sufficiency(
        symile, pairwise=False, takes_groups=True, takes_positives=True, takes_present=True
    ),
)
