"""Torch module of all encoders and the objective."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from ..data import Batch, EncoderInput
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
        """Return the float32 embeddings of the modalities in `batch`, 0 in rows without one."""
        if batch.present is None:
            return {
                name: Embedding(*self._distribution(name, rows)) for name, rows in batch.items()
            }
        embeddings = {}
        for name in batch.present:
            if name in batch:
                mean, log_var = self._distribution(name, batch[name])
                embeddings[name] = Embedding(
                    batch.scattered(name, mean),
                    None if log_var is None else batch.scattered(name, log_var),
                )
            else:
                embeddings[name] = self._of_no_rows(name, batch)
        return embeddings

    def _distribution(
        self, name: str, rows: EncoderInput
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        encoder = self.encoder(name)
        n_rows = len(rows[0] if isinstance(rows, tuple) else rows)
        if not (self.training and n_rows == 1):
            return self._computed(encoder, rows)
        encoder.eval()  # batch normalisation has no statistics of one row
        found = self._computed(encoder, rows)
        encoder.train()
        return found

    def _computed(
        self, encoder: Encoder, rows: EncoderInput
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        if self.autocast_dtype is None:
            return encoder.distribution(rows)
        with torch.autocast(rows[0].device.type, dtype=self.autocast_dtype):
            mean, log_var = encoder.distribution(rows)
        return mean.float(), None if log_var is None else log_var.float()

    def _of_no_rows(self, name: str, batch: Batch) -> Embedding:
        """Return the embedding of a modality that no row of a batch has."""
        assert batch.present is not None
        has = batch.present[name]
        zeros = torch.zeros((len(has), self.n_components), device=has.device)
        probabilistic = self.objective.minimality_term.needs_variance
        return Embedding(zeros, zeros if probabilistic else None)

    def inputs(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Return the flat input rows (n, p) of the modalities in `batch`, without gradients.

        Rows that lack a modality are 0.
        """
        flat = {name: flat_inputs(self.encoder(name), rows) for name, rows in batch.items()}
        if batch.present is None:
            return flat
        inputs = {}
        for name, has in batch.present.items():
            rows = flat.get(name)
            nothing = torch.zeros((len(has), 1), device=has.device)
            inputs[name] = nothing if rows is None else batch.scattered(name, rows)
        return inputs
