"""One-vs-all contrast: each modality against the span of the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F

from ._all_pairs import Rows, contrast_of_scores
from ._anchors import check_aligned, mean_over_anchors
from ._contrast import cross_entropy_of_rows, same_group
from ._holes import Masks, mean_over_patterns
from ._spans import Span, safe_sqrt, span
from ._terms import Sufficiency, register_sufficiency

_RIDGE = 1e-5


def ova(
    embeddings: Sequence[torch.Tensor],
    temperature: torch.Tensor | float,
    groups: torch.Tensor | None = None,
    positives: bool = False,
    present: Masks = None,
    *,
    positive_in_denominator: bool = True,
) -> torch.Tensor:
    r"""One-vs-all contrast, each modality against the span of the others, as in OVA-IB [1]_.

    .. math:: \frac1M \sum_m \frac1N \sum_i
        \Big[\log\sum_j e^{s_{ij}/\tau} - s_{ii}/\tau\Big],
        \qquad s_{ij} = \cos\big(z_{m,i},\, P_{m,j}\, z_{m,i}\big),

    in which :math:`P_{m,j}` is the ridge projection on the span of the other modalities of row `j`,
    :math:`A^\top (A A^\top + \lambda I)^{-1} A` with their embeddings as the rows of `A` and
    :math:`\lambda = 10^{-5}`. The score is high if the others determine the embedding by any linear
    combination, also with negative weights: it cannot tell `z` from `-z`, as :func:`ova_signed`
    can. For two modalities, it is the absolute cosine. Memory grows with `n`: matrices of all pairs
    of rows with more than four million entries are computed in parts, and again in the backward
    pass.

    Parameters
    ----------
    embeddings : sequence of Tensor (n, d)
        Embeddings of M >= 2 modalities with unit norm; row `i` of all belongs together.
    temperature : Tensor () or float
        :math:`\tau > 0`.
    groups : Tensor of int64 (n,), default=None
        Group of each row: other rows of the same group are not negatives. None: groups of one row.
    positives : bool, default=False
        Whether rows of the same group are partners, see :func:`partner_cross_entropy`.
    present : sequence of Tensor of bool (n,), default=None
        Which rows have each modality, see :func:`mean_over_patterns`. None: all.
    positive_in_denominator : bool, default=True
        Whether the sum over `j` includes the partner. Without it, the loss has no lower bound:
        keep the temperature fixed.

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
    .. [1] Li et al. *OVA-IB: One vs All Information Bottleneck for Multi-Modal Alignment*.
       arXiv 2605.29900.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import ova
    >>> z = torch.eye(4)
    >>> ova([z, z, z], 0.01).item() < 1e-6
    True
    >>> ova([z, z, -z], 0.01).item() < 1e-6  # blind to the sign
    True
    """
    contrast = cross_entropy_of_rows if positive_in_denominator else _negatives_only
    return _one_vs_all(_score, contrast, embeddings, temperature, groups, positives, present)


def ova_signed(
    embeddings: Sequence[torch.Tensor],
    temperature: torch.Tensor | float,
    groups: torch.Tensor | None = None,
    positives: bool = False,
    present: Masks = None,
) -> torch.Tensor:
    r"""One-vs-all contrast with a score that tells `z` from `-z`.

    That of :func:`ova` with

    .. math:: s_{ij} = u\,\varphi(a/u), \qquad \varphi(t) = \frac{3t - t^3}{2}, \qquad
        u = \cos(z, P z), \quad a = \cos(z, c), \qquad z = z_{m,i},\ P = P_{m,j},

    in which :math:`c` is the mean of the other modalities of row `j`. The factor :math:`u` is the
    score of :func:`ova`, and :math:`a/u` the cosine of the projection with the mean, as the mean is
    in the span. :math:`\varphi` is a smooth sign with values from -1 to 1 and slope 0 at both ends:
    the score depends little on where in the span the projection is, as long as it is on the side of
    the mean. It is 1 for identical embeddings, -1 for `z` opposite to identical others, and 0 for
    `z` orthogonal to their mean. For two modalities, it is the cosine, and the loss is
    :func:`infonce`. Memory grows as that of :func:`ova`.

    Parameters
    ----------
    embeddings : sequence of Tensor (n, d)
        Embeddings of M >= 2 modalities with unit norm; row `i` of all belongs together.
    temperature : Tensor () or float
        :math:`\tau > 0`.
    groups : Tensor of int64 (n,), default=None
        Group of each row: other rows of the same group are not negatives. None: groups of one row.
    positives : bool, default=False
        Whether rows of the same group are partners, see :func:`partner_cross_entropy`.
    present : sequence of Tensor of bool (n,), default=None
        Which rows have each modality, see :func:`mean_over_patterns`. None: all.

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
    .. [1] The projection is that of Li et al. *OVA-IB: One vs All Information Bottleneck for
       Multi-Modal Alignment*. arXiv 2605.29900.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import ova_signed
    >>> z = torch.eye(4)
    >>> ova_signed([z, z, z], 0.01).item() < 1e-6
    True
    >>> round(ova_signed([z, z, -z], 1.0).item(), 2) > round(ova_signed([z, z, z], 1.0).item(), 2)
    True
    """
    contrast = cross_entropy_of_rows
    return _one_vs_all(_signed_score, contrast, embeddings, temperature, groups, positives, present)


def _one_vs_all(
    score: Callable[[torch.Tensor, Span, torch.Tensor], torch.Tensor],
    contrast: Callable[..., torch.Tensor],
    embeddings: Sequence[torch.Tensor],
    temperature: torch.Tensor | float,
    groups: torch.Tensor | None,
    positives: bool,
    present: Masks,
) -> torch.Tensor:
    check_aligned(embeddings)

    def row_losses(items: list[torch.Tensor], groups: torch.Tensor | None) -> torch.Tensor:
        def scores(rows: Rows, columns: Rows) -> torch.Tensor:
            *found, means = columns
            return score(rows[0], Span(*found), means) / temperature

        def one(z: torch.Tensor, others: list[torch.Tensor]) -> torch.Tensor:
            return contrast_of_scores(
                scores,
                [z],
                [*span(others, _RIDGE), torch.stack(others).mean(0)],
                groups,
                positives=positives,
                n_terms=len(others),
                contrast=contrast,
            )

        return mean_over_anchors(one, items)

    return mean_over_patterns(row_losses, embeddings, present, groups)


def _score(z: torch.Tensor, found: Span, means: torch.Tensor) -> torch.Tensor:
    """Cosine of each row with its projection on each span, a Tensor (k, n)."""
    y = found.coordinates(z)  # i, j, k
    inner = y.square().sum(2)  # z P z
    # y.T (B B.T) y, with the spans as the batch
    shrunk = (y.transpose(0, 1) @ found.shrinkage.mT).square().sum(2).T
    return inner / safe_sqrt(inner - shrunk)


def _signed_score(z: torch.Tensor, found: Span, means: torch.Tensor) -> torch.Tensor:
    """Score of :func:`ova` with the sign of the side on which the others are, a Tensor (k, n)."""
    length = _score(z, found, means).square()
    # others that cancel have no direction: a short mean counts less instead of being stretched
    a = z @ F.normalize(means, dim=1, eps=0.1).T
    return a * (3 - a.square() / length.clamp(min=torch.finfo(z.dtype).eps)) / 2


def _negatives_only(
    scores: torch.Tensor,
    numbers: torch.Tensor,
    groups: torch.Tensor | None = None,
    *,
    positives: bool = False,
) -> torch.Tensor:
    """Like :func:`cross_entropy_of_rows`, with negatives alone in the sum; 0 without any."""
    if groups is None:
        groups = torch.arange(scores.shape[1])
    same = same_group(groups, scores.device, numbers)
    partners = scores.gather(1, numbers[:, None]).squeeze(1)
    if positives:
        partners = scores.masked_fill(~same, 0).sum(1) / same.sum(1)
    alone = same.all(1)
    # a finite value instead of -inf: the gradient of a logsumexp of nothing is not a number
    negatives = scores.masked_fill(same, torch.finfo(scores.dtype).min / 4).logsumexp(1)
    return (negatives - partners).masked_fill(alone, 0)


for _name, _loss in {"ova": ova, "ova-signed": ova_signed}.items():
    register_sufficiency(
        _name,
        Sufficiency(
            _loss, pairwise=False, takes_groups=True, takes_positives=True, takes_present=True
        ),
    )
