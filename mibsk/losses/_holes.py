"""Rows that lack modalities: the rows that a loss can be computed on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from ._embedding import Embedding

Item = torch.Tensor | Embedding
Masks = Sequence[torch.Tensor] | None
"""Which rows have each modality, a Tensor of bool (n,) for each; None: all rows have all."""


def rows_of(item: Item, rows: torch.Tensor) -> Item:
    """Return some rows of the embedding of a modality."""
    if isinstance(item, Embedding):
        log_var = None if item.log_var is None else item.log_var[rows]
        return Embedding(item.mean[rows], log_var)
    return item[rows]


def complete_rows(present: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the numbers of the rows that have all of some modalities."""
    return torch.stack(list(present)).all(0).nonzero().flatten()


def groups_of(groups: torch.Tensor | None, rows: torch.Tensor) -> torch.Tensor | None:
    """Return the groups of some rows, on their device; None if there are no groups."""
    return None if groups is None else groups.to(rows.device)[rows]


def mean_by_rows(values: Sequence[torch.Tensor], n_rows: Sequence[int]) -> torch.Tensor:
    """Return the mean of losses, each of which counts with its number of rows."""
    stacked = torch.stack(list(values))
    if len(set(n_rows)) == 1:
        return stacked.mean()
    return (stacked * (stacked.new_tensor(n_rows) / sum(n_rows))).sum()


def no_loss(items: Sequence[Item]) -> torch.Tensor:
    """Return 0 with gradients of 0, the loss of no rows."""
    tensors = [item.mean if isinstance(item, Embedding) else item for item in items]
    return torch.stack([tensor.sum() for tensor in tensors]).sum() * 0


def mean_over_patterns(
    row_losses: Callable[[list[torch.Tensor], torch.Tensor | None], torch.Tensor],
    embeddings: Sequence[torch.Tensor],
    present: Masks = None,
    groups: torch.Tensor | None = None,
) -> torch.Tensor:
    r"""Return the mean loss of rows, each compared in the modalities that it has.

    For every set :math:`S` of at least two modalities that is the set of some row, the losses are
    computed on the rows that have :math:`S` or more, and count for those that have exactly
    :math:`S`. Without missing modalities this is the mean of one call.

    Parameters
    ----------
    row_losses : callable
        ``(embeddings, groups) -> Tensor (n,)``: the loss of each row, given the embeddings (n, d)
        of some modalities.
    embeddings : sequence of Tensor (n, d)
        Embedding of each modality.
    present : sequence of Tensor of bool (n,), default=None
        Which rows have each modality. None: all.
    groups : Tensor of int64 (n,), default=None
        Group of each row, which is passed on.

    Returns
    -------
    Tensor ()
        0 if no row has two modalities.
    """
    embeddings = list(embeddings)
    if present is None:
        return row_losses(embeddings, groups).mean()
    masks = torch.stack(list(present), 1)  # (n, m)
    patterns, of_row, counts = torch.unique(masks, dim=0, return_inverse=True, return_counts=True)
    total, n_rows = no_loss(embeddings), 0
    for i, (pattern, count) in enumerate(zip(patterns, counts.tolist(), strict=True)):
        chosen = pattern.nonzero().flatten().tolist()
        rows = masks[:, pattern].all(1).nonzero().flatten()
        if len(chosen) < 2 or len(rows) < 2:  # nothing to compare with
            continue
        losses = row_losses([embeddings[m][rows] for m in chosen], groups_of(groups, rows))
        total = total + losses[of_row[rows] == i].sum()
        n_rows += count
    return total / max(n_rows, 1)
