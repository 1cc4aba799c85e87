"""One step of training: embeddings of a batch, the loss of them all, and its gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ..data import Batch
from ..losses import Embedding, LossParts
from ._grad_cache import GradCache, embed_in_chunks, is_one_chunk


def training_step(module: Any, batch: Batch, chunk_size: int | None) -> dict[str, Any]:
    """Add the gradients of the loss of a batch to the parameters.

    Parameters
    ----------
    module : AlignmentModule
        In training mode; it may be compiled.
    batch : Batch
        The rows.
    chunk_size : int or None
        Largest number of rows that an encoder processes at a time; None for all.

    Returns
    -------
    dict
        ``loss``, its ``parts`` and the ``embeddings`` of the batch, for the callbacks of skorch.
    """
    cache = None
    if chunk_size is not None and not is_one_chunk(batch, chunk_size):
        cache = GradCache(module, batch, chunk_size)
    embeddings = module(batch) if cache is None else cache.embeddings()
    parts = loss_parts(module, embeddings, batch)
    loss = parts.total
    loss.backward()
    if cache is not None:
        cache.backward()
    parts = LossParts(*(part.detach() for part in parts))
    return {"loss": loss.detach(), "parts": parts, "embeddings": embeddings}


@torch.no_grad()
def validation_step(module: Any, batch: Batch, chunk_size: int | None) -> dict[str, Any]:
    """Return what :func:`training_step` returns, in evaluation mode and without gradients."""
    embeddings = embed(module, batch, chunk_size)
    parts = loss_parts(module, embeddings, batch)
    return {"loss": parts.total, "parts": parts, "embeddings": embeddings}


@torch.no_grad()
def embed(module: Any, batch: Batch, chunk_size: int | None) -> dict[str, Embedding]:
    """Return the embeddings of a batch without gradients, 0 in rows that lack a modality."""
    if chunk_size is not None and not is_one_chunk(batch, chunk_size):
        return embed_in_chunks(module, batch, chunk_size)
    found: dict[str, Embedding] = module(batch)
    return found


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
