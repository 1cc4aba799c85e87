"""Means over the batches of an epoch: loss, and geometry of the embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ..losses import Embedding, LossParts, pairwise_mean

UNIFORMITY_ROWS = 256  # rows of a batch compared with each other


class EpochMeans:
    r"""Sums over the batches of an epoch, kept on the device and read once.

    Recorded are the loss and its parts, the modality gap, alignment (mean squared distance of
    partners) and uniformity, :math:`\log E\, e^{-2 \|z - z'\|^2}` over pairs of the first 256 rows
    of a batch, averaged over the modalities [1]_.

    Parameters
    ----------
    parts : sequence of str
        Names of the parts of the loss.

    References
    ----------
    .. [1] Wang, Isola. *Understanding Contrastive Representation Learning through Alignment and
       Uniformity on the Hypersphere*. ICML 2020.
    """

    def __init__(self, parts: Sequence[str]) -> None:
        self.names = ("loss", *parts, "alignment", "modality_gap", "uniformity")
        self.n_rows = 0
        # tensors on the device of the batches, from the first one on
        self.sums: Any = 0  # (2 + n_parts,)
        self.embeddings: Any = 0  # (n_modalities, n_components)
        self.potentials: Any = 0  # (n_modalities,)

    @torch.no_grad()
    def add(self, parts: LossParts, embeddings: Mapping[str, Embedding]) -> None:
        """Add a batch."""
        means = torch.stack([embedding.mean.detach() for embedding in embeddings.values()])
        n = means.shape[1]
        distance = pairwise_mean(_squared_distance, list(means))
        self.sums += n * torch.stack([parts.total, *parts, distance])
        self.embeddings += means.sum(1)
        self.potentials += n * _mean_potential(means[:, :UNIFORMITY_ROWS])
        self.n_rows += n

    def read(self) -> dict[str, float]:
        """Return the means by name."""
        gap = pairwise_mean(_distance, list(self.embeddings / self.n_rows))
        uniformity = (self.potentials / self.n_rows).log().mean()
        values = [*(self.sums / self.n_rows).unbind(), gap, uniformity]
        return dict(zip(self.names, torch.stack(values).tolist(), strict=True))


def _squared_distance(z: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return (z - w).square().sum(1).mean()


def _distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(a - b)


def _mean_potential(Z: torch.Tensor) -> torch.Tensor:
    """Return the mean Gaussian potential of pairs of unit rows, (m, n, d) -> (m,)."""
    n = Z.shape[1]
    potentials = torch.exp(4 * (Z @ Z.mT) - 4)  # (m, n, n), exp(-2 |z - z'|²)
    own = potentials.diagonal(dim1=1, dim2=2).sum(1)
    return (potentials.sum((1, 2)) - own) / (n * (n - 1))
