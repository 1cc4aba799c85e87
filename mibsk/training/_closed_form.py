"""The closed form of the inputs, which stands beside the networks or alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from ..data import Source
from ..encoders import ClosedForm, Projection
from ._devices import exact_convolutions
from ._module import AlignmentModule
from ._source_rows import source_batches


@dataclass(frozen=True)
class FittedClosedForm:
    """Weighted canonical variates of the inputs, and their weight beside the networks.

    Parameters
    ----------
    weights, biases : dict of str to ndarray of float32 (c, p) and (c,)
        Linear map of the scaled input of each modality to the weighted variates; of sparse input,
        (p, c).
    correlations : dict of str to ndarray (n_directions,)
        Mean correlation of each direction, as in a `FittedBottleneck`.
    ridges : dict of str to float
        Ridge of each modality.
    direction_weights : ndarray (c,)
        Weights of the directions that are kept.
    alpha : float, default=inf
        Weight of the variates: 0 for the networks alone, infinite for the closed form alone.
    selection : dict of str to ndarray, default={}
        Weights that were compared ("alpha"), with "loss" and "recall" on held-out pairs; empty if
        none were compared.
    networks : dict of str to ndarray (n_directions,), default={}
        Correlations of the embeddings of the networks on the pairs that were held out until the
        weight was chosen ("held_out", "low", "high"); empty if they were not measured.
    projection : ndarray of float32 (k, c + d), default=None
        Reduces the dimension of variates and embeddings of the networks.
    """

    weights: dict[str, np.ndarray]
    biases: dict[str, np.ndarray]
    correlations: dict[str, np.ndarray]
    ridges: dict[str, float]
    direction_weights: np.ndarray
    alpha: float = math.inf
    selection: dict[str, np.ndarray] = field(default_factory=dict)
    networks: dict[str, np.ndarray] = field(default_factory=dict)
    projection: np.ndarray | None = None

    @property
    def n_directions(self) -> int:
        """Number of directions that are kept."""
        return int(self.correlations["kept"].sum())

    @property
    def nothing_shared(self) -> bool:
        """Whether no direction has a correlation distinguishable from zero."""
        return not (self.correlations["low"][:1] > 0).any()

    def describe(self) -> str:
        """Return one line on the choice of the weight."""
        chosen = f"Closed form of the inputs: {self.n_directions} directions, weight {self.alpha:g}"
        if not self.selection:
            return f"{chosen}."
        loss = dict(zip(self.selection["alpha"].tolist(), self.selection["loss"], strict=True))
        return (
            f"{chosen}; held-out loss {loss[self.alpha]:.3f} (networks {loss[0.0]:.3f}, "
            f"alone {loss[math.inf]:.3f})."
        )

    @property
    def is_alone(self) -> bool:
        """Whether the networks are not used."""
        return math.isinf(self.alpha)

    def attach(self, module: AlignmentModule, device: torch.device) -> None:
        """Put the variates beside the networks, unless their weight is 0."""
        for name, weight in self.weights.items():
            beside = None
            if self.alpha:
                projection = None
                if self.projection is not None:
                    projection = Projection(self.projection, np.zeros(len(self.projection)))
                beside = ClosedForm(weight, self.biases[name], self.alpha, projection).to(device)
            module.encoder(name).closed_form = beside

    def reduced(
        self, module: AlignmentModule, source: Source, n_components: int, device: torch.device
    ) -> FittedClosedForm:
        """Return a closed form with which embeddings have at most `n_components` dimensions.

        The projection on the leading principal axes, about 0, of the embeddings of all modalities
        keeps their inner products best. Two dimensions are kept at least, as one is only a sign.

        Parameters
        ----------
        module : AlignmentModule
            Encoders to which this closed form is attached.
        source : Source
            Training pairs.
        n_components : int
            Largest dimension.
        device : torch.device
            Device of the module.
        """
        width, k = module.n_outputs, max(n_components, 2)
        if not self.alpha or self.is_alone or width <= k:
            return self
        products = np.zeros((width, width))
        for batch in source_batches(source, 0):
            with torch.inference_mode(), exact_convolutions(device):
                views = [module.encoder(name)(rows).cpu().numpy() for name, rows in batch.items()]
            rows = np.concatenate(views, dtype=np.float64)
            products += rows.T @ rows
        _, axes = np.linalg.eigh(products)
        return replace(self, projection=axes[:, : -k - 1 : -1].T.astype(np.float32))
