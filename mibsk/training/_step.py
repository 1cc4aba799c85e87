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
        ``loss``, its ``parts``, the ``embeddings`` of the batch and which of them are ``present``,
        for the callbacks of skorch; of all rows, if several processes have a part each.
    """
    cache = None
    if chunk_size is not None and not is_one_chunk(batch, chunk_size):
        cache = GradCache(module, batch, chunk_size)
    embeddings = module(batch) if cache is None else cache.embeddings()
    present = batch.present
    if batch.part is None:
        parts = loss_parts(module, embeddings, batch)
    else:
        embeddings, whole = batch.part.whole(module, embeddings, batch)
        present = whole.present
        parts = module.objective(
            embeddings, present=present, groups=whole.groups, inputs=whole.inputs
        )
    loss = parts.total
    loss.backward()
    if cache is not None:
        cache.backward()
    detached = loss.detach()
    return {
        "loss": detached,
        "parts": parts.detach(),
        "embeddings": embeddings,
        "present": present,
    }


@torch.no_grad()
def validation_step(module: Any, batch: Batch, chunk_size: int | None) -> dict[str, Any]:
    """Return what :func:`training_step` returns, in evaluation mode and without gradients."""
    embeddings = embed(module, batch, chunk_size)
    parts = loss_parts(module, embeddings, batch)
    return {
        "loss": parts.total,
        "parts": parts,
        "embeddings": embeddings,
        "present": batch.present,
    }


@torch.no_grad()
def embed(module: Any, batch: Batch, chunk_size: int | None) -> dict[str, Embedding]:
    """Return the embeddings of a batch without gradients, 0 in rows that lack a modality."""
    if chunk_size is not None and not is_one_chunk(batch, chunk_size):
        return embed_in_chunks(module, batch, chunk_size)
    found: dict[str, Embedding] = module(batch)
    return found


def loss_parts(module: Any, embeddings: Mapping[str, Embedding], batch: Batch) -> LossParts:
    """Return the parts of the loss of a batch; the inputs are read only if a term takes them."""
    objective = module.objective
    inputs = module.inputs(batch) if objective.takes_inputs else None
    parts: LossParts = objective(
        embeddings, present=batch.present, groups=batch.groups, inputs=inputs
    )
    if objective.further:
        means = {name: each.mean for name, each in embeddings.items()}
        backbones = {name: module.encoder(name).backbone for name in batch}
        further = [term(backbones, batch, means) for term in objective.further.values()]
        parts = parts._replace(further=tuple(further))
    return parts
