"""The one torch module that is trained: all encoders and the objective."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from .._checks.parameters import suggest
from ..data import InputSpec
from ..data._rows import EncoderInput
from ..data._source import Batch
from ..encoders import Encoder, InputScaling, auto_encoder, make_encoder
from ..losses import Embedding, IBObjective, Temperature


class AlignmentModule(nn.Module):
    """One encoder per modality, and the objective whose temperature is learned with them.

    All that training changes lies in this module, so that a checkpoint of it, or a copy of its best
    epoch, is complete.

    Parameters
    ----------
    encoders : mapping of str to Encoder
        One per modality.
    objective : IBObjective
        Gives the loss of a batch of embeddings.
    autocast_dtype : torch.dtype or None, default=None
        Lower precision in which the encoders, not the loss, run.
    """

    def __init__(
        self,
        encoders: Mapping[str, Encoder],
        objective: IBObjective,
        autocast_dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.names = list(encoders)
        self.encoders = nn.ModuleList(encoders.values())  # names may hold what ModuleDict forbids
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


def build_alignment_module(
    inputs: Mapping[str, InputSpec],
    scalings: Mapping[str, InputScaling | None],
    *,
    encoders: Any,
    n_components: int,
    sufficiency: str,
    minimality: str,
    beta: float,
    temperature: Temperature,
    autocast_dtype: torch.dtype | None,
) -> AlignmentModule:
    """Build encoders and objective from the parameters of an aligner.

    Weights are drawn from torch's current generator.
    """
    if isinstance(encoders, Mapping):
        for name in encoders:
            if name not in inputs:
                raise ValueError(
                    f"encoders names the modality {name!r}, but the data have {list(inputs)}."
                    + suggest(name, inputs)
                )
    probabilistic = minimality == "variational"
    n_outputs = 2 * n_components if probabilistic else n_components
    built = {}
    for name, spec in inputs.items():
        chosen = encoders.get(name, "auto") if isinstance(encoders, Mapping) else encoders
        if isinstance(chosen, str) and chosen == "auto":
            chosen = auto_encoder(spec.shape, spec.is_sparse)
        backbone = make_encoder(chosen, spec.shape, n_outputs, sparse=spec.is_sparse)
        built[name] = Encoder(
            backbone,
            n_components,
            scaling=scalings[name],
            probabilistic=probabilistic,
            modality=name,
        )
        _try(built[name], spec)
    objective = IBObjective(sufficiency, minimality, beta, temperature)
    return AlignmentModule(built, objective, autocast_dtype)


def _try(encoder: Encoder, spec: InputSpec) -> None:
    """Embed two rows of zeros, so that an encoder that does not fit is known before training."""
    shape = (2, 1) if spec.is_sparse else (2, *spec.shape)
    values = torch.zeros(shape, dtype=getattr(torch, spec.dtype))
    rows = (torch.zeros(shape, dtype=torch.int64), values) if spec.is_sparse else values
    encoder.eval()
    try:
        with torch.no_grad():
            encoder(rows)
    except (IndexError, RuntimeError) as error:
        raise ValueError(
            f"encoder of modality {spec.name!r} cannot read a batch of shape {shape}: "
            f"{str(error).splitlines()[0]}. Pass one for rows of shape {spec.shape}."
        ) from error
    encoder.train()
