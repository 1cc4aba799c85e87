"""One step of training: embeddings of a batch, the loss of them all, and its gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ..data import Batch
from ..losses import Embedding, LossParts


def training_step(module: Any, batch: Batch) -> dict[str, Any]:
    """Add the gradients of the loss of a batch to the parameters.

    Parameters
    ----------
    module : AlignmentModule
        In training mode; it may be compiled.
    batch : Batch
        The rows.

    Returns
    -------
    dict
        ``loss``, its ``parts`` and the ``embeddings`` of the batch, for the callbacks of skorch.
    """
    embeddings = module(batch)
    parts = loss_parts(module, embeddings, batch)
    loss = parts.total
    loss.backward()
    parts = LossParts(*(part.detach() for part in parts))
    return {"loss": loss.detach(), "parts": parts, "embeddings": embeddings}


@torch.no_grad()
def validation_step(module: Any, batch: Batch) -> dict[str, Any]:
    """Return what :func:`training_step` returns, in evaluation mode and without gradients."""
    embeddings = module(batch)
    parts = loss_parts(module, embeddings, batch)
    return {"loss": parts.total, "parts": parts, "embeddings": embeddings}


def loss_parts(module: Any, embeddings: Mapping[str, Embedding], batch: Batch) -> LossParts:
    """Return the parts of the loss of a batch, from the embeddings of all of its rows.

    Every step goes through this function with the rows of one process, so that it is the place to
    gather those of others. The inputs are read only if a term takes them.
    """
    objective = module.objective
    inputs = module.inputs(batch) if objective.takes_inputs else None
    parts: LossParts = objective(
        embeddings, present=batch.present, groups=batch.groups, inputs=inputs
    )
    return parts
