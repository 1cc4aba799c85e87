"""Centroid of the embeddings of each row, over its modalities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch


class Centroids(NamedTuple):
    """Centroids of n rows.

    Parameters
    ----------
    means : Tensor (n, d)
        Mean of the embeddings that a row has; 0 without any.
    counts : Tensor (n,)
        Number of them.
    scatter : Tensor (n,)
        Sum of their squared distances from the mean.
    """

    means: torch.Tensor
    counts: torch.Tensor
    scatter: torch.Tensor


def row_centroids(
    embeddings: Sequence[torch.Tensor], present: Sequence[torch.Tensor] | None = None
) -> Centroids:
    """Return the centroid of each row, in time and memory proportional to the embeddings.

    Parameters
    ----------
    embeddings : sequence of Tensor (n, d)
        Embeddings of at least two modalities, row `i` of all together; those of missing rows are 0.
    present : sequence of Tensor of bool (n,), default=None
        Mask of the rows that each modality has; None for all.

    Raises
    ------
    ValueError
        If there are fewer than two modalities, or their shapes differ.
    """
    shapes = [tuple(z.shape) for z in embeddings]
    if len(shapes) < 2 or len(shapes[0]) != 2 or len(set(shapes)) > 1:
        raise ValueError(
            "expected embeddings of at least two modalities, all of one shape (n, d), with row i "
            f"of all together; got {', '.join(map(str, shapes)) or 'none'}."
        )
    stacked = torch.stack(list(embeddings))  # M, n, d
    counts = stacked.new_full((stacked.shape[1],), len(stacked))
    masks = None
    if present is not None:
        masks = torch.stack(list(present)).to(stacked)  # M, n
        counts = masks.sum(0)
    means = stacked.sum(0) / counts.clamp(min=1)[:, None]
    squares = (stacked - means).square().sum(2)  # M, n
    if masks is not None:
        squares = squares * masks
    return Centroids(means, counts, squares.sum(0))


def mean_of_rows(values: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Return the mean of `values` (n,) over the chosen rows; 0 without any."""
    return torch.where(chosen, values, 0).sum() / chosen.sum().clamp(min=1)
