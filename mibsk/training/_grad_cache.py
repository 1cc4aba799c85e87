"""Embeddings of a batch in chunks of rows, and their gradients from a cache."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch

from ..data import Batch, first_tensor, slice_rows
from ..losses import Embedding
from ._seeding import random_state, set_random_state


class GradCache:
    """Gradients of a batch whose encoders see a chunk of rows at a time [1]_.

    The chunks are embedded without a graph; the loss of all embeddings gives the gradient of each,
    the cache; then each chunk is embedded again, with a graph, and its part of the cache is
    propagated to the parameters. The second pass starts from the random state and the buffers of
    the first one, so that dropout and batch statistics of a chunk are the same in both.

    Parameters
    ----------
    module : AlignmentModule
        Encoders and objective; it may be compiled.
    batch : Batch
        The rows.
    chunk_size : int
        Largest number of rows of one modality in a chunk.

    References
    ----------
    .. [1] Gao, Zhang, Han and Callan. *Scaling Deep Contrastive Learning Batch Size under Memory
       Limited Setup*. RepL4NLP 2021, arXiv 2101.06983.
    """

    def __init__(self, module: Any, batch: Batch, chunk_size: int) -> None:
        self.module, self.batch, self.chunk_size = module, batch, chunk_size
        self.device = first_tensor(next(iter(batch.values()))).device

    def embeddings(self) -> dict[str, Embedding]:
        """Return the embeddings of all rows, as if the module had embedded them at once."""
        buffers = dict(self.module.encoders.named_buffers())
        self._before = (
            random_state(self.device),
            {name: buffer.clone() for name, buffer in buffers.items()},
        )
        with torch.no_grad():
            self._cache = _embeddings(self.module, self.batch, self.chunk_size)
        for embedding in self._cache.values():
            for tensor in _tensors(embedding):
                tensor.requires_grad_()
        found: dict[str, Embedding] = self.module.of_all_rows(self.batch, self._cache)
        return found

    def backward(self) -> None:
        """Propagate the gradients of the embeddings to the parameters of the encoders."""
        after = random_state(self.device)
        state, buffers = self._before
        set_random_state(state, self.device)
        with torch.no_grad():
            for name, buffer in self.module.encoders.named_buffers():
                buffer.copy_(buffers[name])
        start = dict.fromkeys(self.batch, 0)
        for name, chunk in _chunks(self.batch, self.chunk_size):
            outputs = _tensors(self.module(chunk)[name])
            stop = start[name] + len(outputs[0])
            trained, gradients = [], []
            for output, cached in zip(outputs, _tensors(self._cache[name]), strict=True):
                if output.requires_grad and cached.grad is not None:
                    trained.append(output)
                    gradients.append(cached.grad[start[name] : stop])
            if trained:
                torch.autograd.backward(trained, gradients)
            start[name] = stop
        set_random_state(after, self.device)


@torch.no_grad()
def embed_in_chunks(module: Any, batch: Batch, chunk_size: int) -> dict[str, Embedding]:
    """Return what ``module(batch)`` does, without gradients, from a chunk of rows at a time."""
    found: dict[str, Embedding] = module.of_all_rows(batch, _embeddings(module, batch, chunk_size))
    return found


def is_one_chunk(batch: Batch, chunk_size: int) -> bool:
    """Return whether the rows of each modality are a single chunk."""
    return all(_n_chunks(len(first_tensor(rows)), chunk_size) == 1 for rows in batch.values())


def _embeddings(module: Any, batch: Batch, chunk_size: int) -> dict[str, Embedding]:
    """Return the embeddings of the rows that have each modality."""
    found: dict[str, list[list[torch.Tensor]]] = {name: [] for name in batch}
    for name, chunk in _chunks(batch, chunk_size):
        found[name].append(_tensors(module(chunk)[name]))
    return {
        name: Embedding(*(torch.cat(parts) for parts in zip(*tensors, strict=True)))
        for name, tensors in found.items()
    }


def _chunks(batch: Batch, chunk_size: int) -> Iterator[tuple[str, Batch]]:
    """Yield chunks of rows of one modality, of even size; none has a single row of several."""
    for name, rows in batch.items():
        n = len(first_tensor(rows))
        n_chunks = _n_chunks(n, chunk_size)
        for start, stop in pairwise(i * n // n_chunks for i in range(n_chunks + 1)):
            chunk = Batch({name: slice_rows(rows, start, stop)})
            if batch.present is not None:  # the module has a rule for single rows of such batches
                has = batch.present[name]
                chunk.present = {name: has.new_ones(stop - start)}
            yield name, chunk


def _n_chunks(n: int, chunk_size: int) -> int:
    return max(min(-(-n // chunk_size), n // 2), 1)


def _tensors(embedding: Embedding) -> list[torch.Tensor]:
    return [tensor for tensor in embedding if tensor is not None]
