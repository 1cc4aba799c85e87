"""Distribution of an embedding, the input of the loss terms."""

from __future__ import annotations

from typing import NamedTuple

import torch


class Embedding(NamedTuple):
    """A batch of embeddings of one modality.

    Parameters
    ----------
    mean : Tensor (n, d)
        Mean, with unit norm.
    log_var : Tensor (n, d) or None
        Logarithm of the diagonal variance; None for a deterministic encoder.
    """

    mean: torch.Tensor
    log_var: torch.Tensor | None = None


def check_paired(z: torch.Tensor, w: torch.Tensor) -> None:
    """Raise ``ValueError`` unless both are (n, d), to exclude broadcasting."""
    if z.ndim != 2 or z.shape != w.shape:
        raise ValueError(
            "paired embeddings must have one shape (n, d), with row i of both a pair; got "
            f"{tuple(z.shape)} and {tuple(w.shape)}."
        )
