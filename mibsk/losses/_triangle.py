"""Contrast of areas: the three embeddings of one row are the corners of a small triangle."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ._all_pairs import Rows, contrast_of_scores
from ._anchors import check_aligned, mean_over_anchors
from ._holes import Masks, complete_rows, groups_of, no_loss
from ._spans import safe_sqrt
from ._terms import Sufficiency, register_sufficiency


def triangle(
    embeddings: Sequence[torch.Tensor],
    temperature: torch.Tensor | float,
    groups: torch.Tensor | None = None,
    positives: bool = False,
    present: Masks = None,
) -> torch.Tensor:
    r"""Contrast of the areas of triangles, for three modalities, as in TRIANGLE [1]_.

    The score of an embedding and the other two modalities of row `j` is minus the area of the
    triangle with these corners:

    .. math:: s_{ij} = -\tfrac12\sqrt{\|u\|^2\|v\|^2 - (u^\top v)^2}, \qquad
        u = z_{1,i} - z_{2,j}, \quad v = z_{1,i} - z_{3,j}.

    The loss is the mean of InfoNCE with the scores :math:`s/\tau` in both directions, and over the
    choices of the modality that is compared with the other two, instead of one anchor as in [1]_.
    The area tells `z` from `-z`, unlike the volume of :func:`gram`, but it is 0 as soon as two of
    the three are equal. Memory grows with `n`: matrices of all pairs of rows with more than four
    million entries are computed in parts, and again in the backward pass.

    Parameters
    ----------
    embeddings : sequence of Tensor (n, d)
        Embeddings of three modalities with unit norm; row `i` of all belongs together.
    temperature : Tensor () or float
        :math:`\tau > 0`.
    groups : Tensor of int64 (n,), default=None
        Group of each row: other rows of the same group are not negatives. None: groups of one row.
    positives : bool, default=False
        Whether rows of the same group are partners, see :func:`partner_cross_entropy`.
    present : sequence of Tensor of bool (n,), default=None
        Which rows have each modality: only rows with all three count. None: all.

    Returns
    -------
    Tensor ()
        In nats.

    Raises
    ------
    ValueError
        If there are not three modalities, or their shapes differ.

    References
    ----------
    .. [1] Cicchetti, Grassucci, Comminiello. *A TRIANGLE Enables Multimodal Alignment Beyond Cosine
       Similarity*. NeurIPS 2025, arXiv 2509.24734.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import triangle
    >>> z = torch.eye(4)
    >>> triangle([z, z, -z], 0.01).item() < triangle([z, -z, z.roll(1, 0)], 0.01).item()
    True
    """
    if len(embeddings) != 3:
        raise ValueError(
            f"the sufficiency term 'triangle' takes three modalities, got {len(embeddings)}: "
            "choose another one, such as 'gram', 'ova-signed', 'pmrl' or 'symile'."
        )
    check_aligned(embeddings)
    items = list(embeddings)
    if present is not None:
        rows = complete_rows(present)
        if len(rows) < 2:
            return no_loss(items)
        items = [z[rows] for z in items]
        groups = groups_of(groups, rows)

    def score(rows: Rows, columns: Rows) -> torch.Tensor:
        return -areas(*rows, *columns) / temperature

    def one(z: torch.Tensor, others: list[torch.Tensor]) -> torch.Tensor:
        return contrast_of_scores(score, [z], others, groups, positives=positives, both=True)

    return mean_over_anchors(one, items).mean()


def areas(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """Return the areas of the triangles of each row of `a` and both of each row, a Tensor (n, n).

    Half the length of the base from b to c times the distance of a from the line through it.
    """
    base = c - b
    length = base.square().sum(1)
    to_b = a.square().sum(1, keepdim=True) - 2 * a @ b.T + b.square().sum(1)  # |a - b|^2
    along = a @ base.T - (b * base).sum(1)  # (a - b) (c - b)
    return safe_sqrt(to_b * length - along.square()) / 2


register_sufficiency(
    "triangle",
    Sufficiency(
        triangle, pairwise=False, takes_groups=True, takes_positives=True, takes_present=True
    ),
)
