"""The one torch module that is trained: all encoders and the objective."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from .._checks.parameters import suggest
from ..data import Batch, EncoderInput, InputSpec
from ..encoders import Encoder, InputScaling, build_encoder
from ..losses import Embedding, IBObjective


class AlignmentModule(nn.Module):
    """One encoder per modality, and the objective whose temperature is learned with them.

    It holds everything that training changes, so that a checkpoint of it, or a copy of its best
    epoch, is complete.

    Parameters
    ----------
    encoders : mapping of str to Encoder
        One per modality.
    objective : IBObjective
        Computes the loss of a batch of embeddings.
    autocast_dtype : torch.dtype or None, default=None
        Lower precision of the encoders, not of the loss.
    """

    def __init__(
        self,
        encoders: Mapping[str, Encoder],
        objective: IBObjective,
        autocast_dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.names = list(encoders)
        self.encoders = nn.ModuleList(encoders.values())  # ModuleDict forbids some names
        self.objective = objective
        self.autocast_dtype = autocast_dtype

    def encoder(self, name: str) -> Encoder:
        """Return the encoder of a modality."""
        encoder = self.encoders[self.names.index(name)]
        assert isinstance(encoder, Encoder)
        return encoder

    @property
    def n_components(self) -> int:
        """Dimension of the shared space."""
        return self.encoder(self.names[0]).n_components

    def forward(self, batch: Batch) -> dict[str, Embedding]:
        """Return the float32 embeddings of the modalities in `batch`."""
        return {name: self._embed(name, rows) for name, rows in batch.items()}

    def _embed(self, name: str, rows: EncoderInput) -> Embedding:
        encoder = self.encoder(name)
        if self.autocast_dtype is None:
            return Embedding(*encoder.distribution(rows))
        device = rows[0].device.type
        with torch.autocast(device, dtype=self.autocast_dtype):
            mean, log_var = encoder.distribution(rows)
        return Embedding(mean.float(), None if log_var is None else log_var.float())


def build_encoders(
    specs: Any,
    inputs: Mapping[str, InputSpec],
    scalings: Mapping[str, InputScaling | None],
    n_components: int,
    *,
    probabilistic: bool,
) -> dict[str, Encoder]:
    """Build the encoder of each modality; weights are drawn from torch's current generator.

    Parameters
    ----------
    specs : object or mapping of str to object
        One specification for all modalities, or one per name; "auto" for those left out.
    inputs : mapping of str to InputSpec
        What the rows of each modality look like.
    scalings : mapping of str to InputScaling or None
        How their input is standardised.
    n_components : int
        Dimension of the shared space.
    probabilistic : bool
        Whether they give a log-variance beside the mean.

    Raises
    ------
    TypeError, ValueError
        If a specification names another modality, or its encoder cannot read the rows.
    """
    if isinstance(specs, Mapping):
        for name in specs:
            if name not in inputs:
                raise ValueError(
                    f"encoders names the modality {name!r}, but the data have {list(inputs)}."
                    + suggest(name, inputs)
                )
    return {
        name: build_encoder(
            specs.get(name, "auto") if isinstance(specs, Mapping) else specs,
            spec.shape,
            n_components,
            dtype=spec.dtype,
            sparse=spec.is_sparse,
            probabilistic=probabilistic,
            scaling=scalings[name],
            modality=name,
        )
        for name, spec in inputs.items()
    }
