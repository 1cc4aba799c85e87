"""Means over the batches of an epoch: loss, and geometry of the embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import torch

from ..losses import Embedding, LossParts, pairwise_mean

UNIFORMITY_ROWS = 256  # rows of a batch compared with each other


class EpochMeans:
    r"""Sums over the batches of an epoch, kept on the device and read once.

    Recorded are the loss and its parts, the modality gap, alignment (mean squared distance of
    partners) and uniformity, :math:`\log E\, e^{-2 \|z - z'\|^2}` over pairs of the first 256 rows
    of a batch, averaged over the modalities [1]_. Rows that lack a modality do not count in it.

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
        # numbers of rows, or tensors if rows lack modalities
        self.n_paired: Any = 0  # mean over the pairs of modalities
        self.n_present: Any = 0  # (n_modalities, 1)
        self.n_compared: Any = 0  # (n_modalities,)
        # tensors on the device of the batches, from the first one on
        self.sums: Any = 0  # (1 + n_parts,)
        self.distances: Any = 0  # ()
        self.embeddings: Any = 0  # (n_modalities, n_components)
        self.potentials: Any = 0  # (n_modalities,)

    @torch.no_grad()
    def add(
        self,
        parts: LossParts,
        embeddings: Mapping[str, Embedding],
        present: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        """Add a batch, and the masks of the rows that each modality has, if some lack some."""
        means = torch.stack([embedding.mean.detach() for embedding in embeddings.values()])
        n = means.shape[1]
        self.sums += n * torch.stack([parts.total, *parts.values()])
        self.embeddings += means.sum(1)  # 0 in rows without the modality
        self.n_rows += n
        if present is not None:
            self._add_incomplete(means, torch.stack([present[name] for name in embeddings]))
            return
        self.distances += n * pairwise_mean(_squared_distance, list(means))
        self.potentials += n * _mean_potential(means[:, :UNIFORMITY_ROWS])
        self.n_paired += n
        self.n_present += n
        self.n_compared += n

    def _add_incomplete(self, means: torch.Tensor, has: torch.Tensor) -> None:
        """Add the geometry of a batch (m, n, d), of which rows `has` (m, n) are embeddings."""
        for a, b in combinations(range(len(has)), 2):
            both = has[a] & has[b]
            share = 2 / (len(has) * (len(has) - 1))
            self.distances += share * ((means[a] - means[b]).square().sum(1) * both).sum()
            self.n_paired += share * both.sum()
        self.n_present += has.sum(1, keepdim=True)
        part, known = means[:, :UNIFORMITY_ROWS], has[:, :UNIFORMITY_ROWS].to(means.dtype)
        potentials = _potentials(part) * known[:, :, None] * known[:, None, :]
        off_diagonal = potentials.sum((1, 2)) - potentials.diagonal(dim1=1, dim2=2).sum(1)
        k = known.sum(1)
        weight = has.sum(1) * (k > 1)
        self.potentials += weight * off_diagonal / (k * (k - 1)).clamp(min=1)
        self.n_compared += weight

    def read(self) -> dict[str, float]:
        """Return the means by name; of the geometry, over the modalities that had rows."""
        # a modality without rows is 0 / 0
        mean: Any = torch.mean if isinstance(self.n_present, int) else torch.nanmean
        centres = self.embeddings / self.n_present
        gap = mean(torch.stack([_distance(a, b) for a, b in combinations(centres, 2)]))
        uniformity = mean((self.potentials / self.n_compared).log())
        alignment = self.distances / self.n_paired
        values = [*(self.sums / self.n_rows).unbind(), alignment, gap, uniformity]
        return dict(zip(self.names, torch.stack(values).tolist(), strict=True))


def _squared_distance(z: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return (z - w).square().sum(1).mean()


def _distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(a - b)


def _mean_potential(Z: torch.Tensor) -> torch.Tensor:
    """Return the mean Gaussian potential of pairs of unit rows, (m, n, d) -> (m,)."""
    n = Z.shape[1]
    potentials = _potentials(Z)
    own = potentials.diagonal(dim1=1, dim2=2).sum(1)
    return (potentials.sum((1, 2)) - own) / (n * (n - 1))


def _potentials(Z: torch.Tensor) -> torch.Tensor:
    """Return the Gaussian potentials of unit rows, exp(-2 |z - z'|²), (m, n, d) -> (m, n, n)."""
    return (Z @ Z.mT).mul_(4).sub_(4).exp_()
