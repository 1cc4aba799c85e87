"""What the loss terms take: the distribution of an embedding."""

from __future__ import annotations

from typing import NamedTuple

import torch


class Embedding(NamedTuple):
    """A batch of embeddings of one modality.

    Parameters
    ----------
    mean : Tensor (n, d)
        With unit norm.
    log_var : Tensor (n, d) or None
        Logarithm of the diagonal variance; None for a deterministic encoder.
    """

    mean: torch.Tensor
    log_var: torch.Tensor | None = None


def check_paired(z: torch.Tensor, w: torch.Tensor) -> None:
    """Raise ``ValueError`` unless both are (n, d), so that nothing is broadcast in silence."""
    if z.ndim != 2 or z.shape != w.shape:
        raise ValueError(
            "paired embeddings must have one shape (n, d), row i of both belonging together; got "
            f"{tuple(z.shape)} and {tuple(w.shape)}."
        )
