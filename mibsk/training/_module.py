"""Torch module of all encoders and the objective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from ..data import Batch, first_tensor
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
    dtypes : sequence of torch.dtype or None, default=None
        Reduced precision of each encoder, but not of the loss; None is float32, also for all.
    """

    def __init__(
        self,
        encoders: Mapping[str, Encoder],
        objective: IBObjective,
        dtypes: Sequence[torch.dtype | None] | None = None,
    ) -> None:
        super().__init__()
        self.names = list(encoders)
        self.encoders = nn.ModuleList(encoders.values())  # ModuleDict forbids some names
        self.objective = objective
        self.dtypes = [None] * len(encoders) if dtypes is None else list(dtypes)

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
        embeddings = {}
        for name, rows in batch.items():
            number = self.names.index(name)
            encoder: Any = self.encoders[number]
            alone = batch.present is not None and self.training and len(first_tensor(rows)) == 1
            if alone:  # batch normalisation has no statistics of one row
                encoder.eval()
            if (dtype := self.dtypes[number]) is None:
                embeddings[name] = Embedding(*encoder.distribution(rows))
            else:
                with torch.autocast(first_tensor(rows).device.type, dtype=dtype):
                    mean, log_var = encoder.distribution(rows)
                log_var = None if log_var is None else log_var.float()
                embeddings[name] = Embedding(mean.float(), log_var)
            if alone:
                encoder.train()
        return embeddings if batch.present is None else self.of_all_rows(batch, embeddings)

    def of_all_rows(self, batch: Batch, embeddings: dict[str, Embedding]) -> dict[str, Embedding]:
        """Return embeddings of the rows that have each modality, with 0 in the others."""
        if batch.present is None:
            return embeddings
        found = {}
        for name, has in batch.present.items():
            if name in embeddings:
                mean, log_var = embeddings[name]
                spread = None if log_var is None else batch.scattered(name, log_var)
                found[name] = Embedding(batch.scattered(name, mean), spread)
                continue
            zeros = torch.zeros((len(has), self.n_components), device=has.device)
            probabilistic = self.objective.minimality_term.needs_variance
            found[name] = Embedding(zeros, zeros if probabilistic else None)
        return found

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
