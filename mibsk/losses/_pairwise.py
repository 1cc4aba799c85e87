"""Mean of a loss of two modalities over all pairs of modalities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import TypeVar

import torch

T = TypeVar("T")


def pairwise_mean(loss: Callable[[T, T], torch.Tensor], items: Sequence[T]) -> torch.Tensor:
    r"""Mean of ``loss(a, b)`` over the unordered pairs, :math:`\binom M2^{-1}\sum_{a<b} L(a, b)`.

    Parameters
    ----------
    loss : callable
        Loss of two modalities, which returns a Tensor ().
    items : sequence
        One entry per modality, at least two, in a fixed order (for one-way losses).

    Returns
    -------
    Tensor ()
    """
    if len(items) < 2:
        raise ValueError(f"a pairwise loss needs at least two modalities, got {len(items)}.")
    return torch.stack([loss(a, b) for a, b in combinations(items, 2)]).mean()
