"""Contrast of all pairs of rows in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from ._contrast import cross_entropy_of_rows, partner_cross_entropy
from ._cross_entropy_tiles import cross_entropies_in_tiles
from ._row_chunks import by_row_chunks, is_one_chunk
from ._tiles import are_faster

Rows = Sequence[torch.Tensor]
"""Tensors (k, ...) with row `i` of all together."""


def product_cross_entropy(
    x: torch.Tensor,
    w: torch.Tensor,
    groups: torch.Tensor | None = None,
    *,
    positives: bool = False,
    both: bool = False,
) -> torch.Tensor:
    r"""Return :func:`partner_cross_entropy` with the scores :math:`x_i^\top w_j`.

    From about a thousand rows on, the matrix of scores is not stored: memory grows with the number
    of rows.

    Parameters
    ----------
    x, w : Tensor (n, d)
        Row `i` of both is a pair.
    groups, positives
        As in :func:`partner_cross_entropy`.
    both : bool, default=False
        Whether it is the mean of both directions, from `x` to `w` and back.

    Returns
    -------
    Tensor ()
        In nats.
    """
    if not are_faster(x):
        scores = x @ w.T
        loss = partner_cross_entropy(scores, groups, positives=positives)
        if not both:
            return loss
        return (loss + partner_cross_entropy(scores.T, groups, positives=positives)) / 2
    dtype = torch.promote_types(x.dtype, w.dtype)
    x, w = (rows.to(torch.promote_types(dtype, torch.float32)) for rows in (x, w))
    if not positives:
        found = cross_entropies_in_tiles(x, w, groups, columns=both)
    else:
        found = [
            contrast_of_scores(_products, [a], [b], groups, positives=True)
            for a, b in ([(x, w), (w, x)] if both else [(x, w)])
        ]
    losses = (found[0] + found[1]) / 2 if both else found[0]
    return losses.mean().to(dtype)


def contrast_of_scores(
    score: Callable[[Rows, Rows], torch.Tensor],
    rows: Rows,
    columns: Rows,
    groups: torch.Tensor | None = None,
    *,
    positives: bool = False,
    both: bool = False,
    n_terms: int = 1,
    contrast: Callable[..., torch.Tensor] = cross_entropy_of_rows,
) -> torch.Tensor:
    """Return the contrast of each row, with scores of any kind.

    Many rows are computed in chunks, once more in the backward pass, so that the memory of their
    scores is bounded.

    Parameters
    ----------
    score : callable
        ``(rows, columns) -> Tensor (k, l)``, given `k` elements of `rows` and `l` of `columns`.
    rows, columns : sequence of Tensor (n, ...)
        What the scores of each row, and of each column, depend on.
    groups, positives
        As in :func:`partner_cross_entropy`.
    both : bool, default=False
        Whether it is the mean of the losses of rows and columns.
    n_terms : int, default=1
        Number of matrices (k, l) that the scores are computed from.
    contrast : callable
        Loss of some rows, with the arguments of :func:`cross_entropy_of_rows`.

    Returns
    -------
    Tensor (n,)
    """
    n = len(rows[0])
    numbers = torch.arange(n, device=rows[0].device)
    if is_one_chunk(n, n * n_terms):
        scores = score(rows, columns)
        losses = contrast(scores, numbers, groups, positives=positives)
        if not both:
            return losses
        return (losses + contrast(scores.T, numbers, groups, positives=positives)) / 2

    def of_rows(numbers: torch.Tensor, *chunk: torch.Tensor) -> torch.Tensor:
        return contrast(score(chunk, columns), numbers, groups, positives=positives)

    def of_columns(numbers: torch.Tensor, *chunk: torch.Tensor) -> torch.Tensor:
        return contrast(score(rows, chunk).T, numbers, groups, positives=positives)

    losses = torch.cat(by_row_chunks(of_rows, [numbers, *rows], n * n_terms))
    if not both:
        return losses
    back = torch.cat(by_row_chunks(of_columns, [numbers, *columns], n * n_terms))
    return (losses + back) / 2


def _products(rows: Rows, columns: Rows) -> torch.Tensor:
    return rows[0] @ columns[0].T
