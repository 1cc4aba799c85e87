"""Contrast of volumes: embeddings of one row span a small parallelotope."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ._all_pairs import Rows, contrast_of_scores
from ._anchors import check_aligned, mean_over_anchors
from ._holes import Masks, mean_over_patterns
from ._spans import Span, safe_sqrt, span
from ._terms import Sufficiency, register_sufficiency


def gram(
    embeddings: Sequence[torch.Tensor],
    temperature: torch.Tensor | float,
    groups: torch.Tensor | None = None,
    positives: bool = False,
    present: Masks = None,
) -> torch.Tensor:
    r"""Contrast of the volumes of parallelotopes, as in GRAM [1]_.

    The score of an embedding and the other modalities of row `j` is minus the volume that they
    span, the square root of the determinant of their Gram matrix:

    .. math:: s_{ij} = -\sqrt{\det(A A^\top)}, \qquad
        A = (z_{m,i}, z_{1,j}, \dots, z_{m-1,j}, z_{m+1,j}, \dots, z_{M,j})^\top.

    The loss is the mean of InfoNCE with the scores :math:`s/\tau` in both directions, from the
    embedding to the others and back, and over the choices of the modality `m`, instead of one
    anchor as in [1]_. The volume is 0 if any two of the embeddings of a row are equal *or
    opposite*: it cannot tell `z` from `-z`, and for M >= 3 it does not see the others once two
    modalities of all rows agree. (:func:`pmrl` was proposed for this reason.) Memory grows with
    `n`: matrices of all pairs of rows with more than four million entries are computed in parts,
    and again in the backward pass.

    Parameters
    ----------
    embeddings : sequence of Tensor (n, d)
        Embeddings of 2 <= M <= d modalities with unit norm; row `i` of all belongs together.
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
        If there are fewer than two modalities, more than dimensions, or their shapes differ.

    References
    ----------
    .. [1] Cicchetti et al. *Gramian Multimodal Representation Learning and Alignment*. ICLR 2025,
       arXiv 2412.11959.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import gram
    >>> z = torch.eye(4)
    >>> gram([z, z], 0.01).item() < 1e-6  # volumes 0 and 1
    True
    """
    check_aligned(embeddings)
    if len(embeddings) > embeddings[0].shape[1]:
        raise ValueError(
            f"{len(embeddings)} embeddings span no volume in {embeddings[0].shape[1]} dimensions: "
            f"set n_components to at least {len(embeddings)}."
        )

    def row_losses(items: list[torch.Tensor], groups: torch.Tensor | None) -> torch.Tensor:
        def score(rows: Rows, columns: Rows) -> torch.Tensor:
            return -volumes(rows[0], Span(*columns)) / temperature

        def one(z: torch.Tensor, others: list[torch.Tensor]) -> torch.Tensor:
            found, n_terms = span_of(others), len(others)
            return contrast_of_scores(
                score, [z], found, groups, positives=positives, both=True, n_terms=n_terms
            )

        return mean_over_anchors(one, items)

    return mean_over_patterns(row_losses, embeddings, present, groups)


def span_of(others: Sequence[torch.Tensor]) -> Span:
    """Return the span of the other embeddings of each row."""
    # the smallest ridge that keeps the decomposition of equal embeddings differentiable
    return span(others, torch.finfo(others[0].dtype).eps)


def volumes(z: torch.Tensor, found: Span) -> torch.Tensor:
    """Return the volumes that each row of `z` (k, d) spans with those of each span, (k, n).

    The volume of the others times the distance of `z` from their span.
    """
    squares = z.square().sum(1, keepdim=True) - found.coordinates(z).square().sum(2)
    return found.volume * safe_sqrt(squares)


register_sufficiency(
    "gram",
    Sufficiency(gram, pairwise=False, takes_groups=True, takes_positives=True, takes_present=True),
)
