"""Torch module of all encoders and the objective."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ..data import Batch
from ..encoders import Encoder, flat_inputs
from ..losses import Embedding, IBObjective


class AlignmentModule(nn.Module):
    """One encoder per modality, and the objective with its learned temperature.

    It contains all parameters of training, so that its state dict is complete.

    Parameters
    ----------
    encoders : mapping of str to Encoder
        Encoder of each modality.
    objective : IBObjective
        Loss of a batch of embeddings.
    autocast_dtype : torch.dtype or None, default=None
        Reduced precision of the encoders, but not of the loss.
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
        """Dimension in which the encoders are trained."""
        return self.encoder(self.names[0]).n_components

    @property
    def n_outputs(self) -> int:
        """Dimension of the embeddings."""
        return self.encoder(self.names[0]).n_outputs

    def forward(self, batch: Batch) -> dict[str, Embedding]:
        """Return the float32 embeddings of the modalities in `batch`."""
        embeddings = {}
        for name, rows in batch.items():
            encoder: Any = self.encoders[self.names.index(name)]
            if self.autocast_dtype is None:
                embeddings[name] = Embedding(*encoder.distribution(rows))
                continue
            with torch.autocast(rows[0].device.type, dtype=self.autocast_dtype):
                mean, log_var = encoder.distribution(rows)
            log_var = None if log_var is None else log_var.float()
            embeddings[name] = Embedding(mean.float(), log_var)
        return embeddings

    def inputs(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Return the flat input rows (n, p) of the modalities in `batch`, without gradients."""
        return {name: flat_inputs(self.encoder(name), rows) for name, rows in batch.items()}
