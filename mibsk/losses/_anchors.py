"""Losses of one modality against all others, averaged over the modalities."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch


def check_aligned(embeddings: Sequence[torch.Tensor]) -> None:
    """Raise ``ValueError`` unless there are two or more, all (n, d), to exclude broadcasting."""
    shapes = [tuple(z.shape) for z in embeddings]
    if len(shapes) < 2 or len(shapes[0]) != 2 or len(set(shapes)) > 1:
        raise ValueError(
            "expected the embeddings of two or more modalities, all of one shape (n, d), with row "
            f"i of all together; got {', '.join(map(str, shapes)) or 'none'}."
        )


def mean_over_anchors(
    row_losses: Callable[[torch.Tensor, list[torch.Tensor]], torch.Tensor],
    embeddings: Sequence[torch.Tensor],
) -> torch.Tensor:
    r"""Mean of ``row_losses(z, others)`` over the choices of one modality.

    .. math:: \frac1M \sum_m \ell_i(z_m, z_{\ne m})

    Parameters
    ----------
    row_losses : callable
        ``(z, others) -> Tensor (n,)``, with `z` (n, d) and the list of the other modalities.
    embeddings : sequence of Tensor (n, d)
        Embedding of each modality.

    Returns
    -------
    Tensor (n,)
        Loss of each row.
    """
    embeddings = list(embeddings)
    losses = [
        row_losses(z, [*embeddings[:m], *embeddings[m + 1 :]]) for m, z in enumerate(embeddings)
    ]
    return torch.stack(losses).mean(0)
