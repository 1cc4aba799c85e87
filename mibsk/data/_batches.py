"""Batches of pairs, of even size, in an order determined by seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch

from ._apart import deal
from ._rows import Batch
from ._source import Source
from ._stream import StreamBatches, StreamSource


class Batches:
    """Iterate over the pairs of a source, epoch after epoch.

    ``n`` rows make ``ceil(n / batch_size)`` batches whose sizes differ by at most one. Every row
    is used in every epoch, and there is no small last batch, with few negatives for a contrastive
    loss and poor statistics for batch normalisation. For the same reason no batch has a single row
    (unless ``n = 1``): an odd `n` with ``batch_size=2`` gives one batch of 3. Pairs of one group of
    `pairing.apart` are dealt to different batches, as :func:`deal` does.

    Parameters
    ----------
    source : Source
        The pairs.
    batch_size : int
        Largest number of rows in a batch; -1 for all.
    seed : int or None
        Order and partners of epoch ``e`` are determined by ``(seed, e)``, so that training can be
        resumed at any epoch. None keeps the order, with one draw of partners (validation).
    first_epoch : int, default=0
        Number of the first epoch.
    """

    def __init__(
        self, source: Source, batch_size: int, seed: int | None, first_epoch: int = 0
    ) -> None:
        self.n_rows = n_rows = len(source.pairing.rows)
        self.source, self.seed, self.epoch = source, seed, first_epoch
        n_batches = 1 if batch_size == -1 else -(-n_rows // batch_size)
        self.n_batches = max(min(n_batches, n_rows // 2), 1)

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[Batch]:
        pairing = self.source.pairing
        if self.seed is None:
            rng, order = np.random.default_rng(0), np.arange(self.n_rows)
        else:
            rng = np.random.default_rng((self.seed, self.epoch))
            order = rng.permutation(self.n_rows)
        bounds = np.arange(self.n_batches + 1) * self.n_rows // self.n_batches
        if self.seed is not None and pairing.apart is not None:
            order = deal(pairing.apart, order, bounds, rng)
        self.epoch += 1
        drawn = {}
        for name, rows in pairing.draw(rng).items():
            drawn[name] = torch.from_numpy(rows[order])
        groups = None if pairing.groups is None else torch.from_numpy(pairing.groups[order])
        for start, stop in pairwise(bounds):
            chosen = {}
            for name, indices in drawn.items():
                chosen[name] = indices[start:stop]
            batch = self.source.take(chosen)
            batch.groups = None if groups is None else groups[start:stop]
            yield batch


def make_batches(
    source: Source | StreamSource, batch_size: int, seed: int | None, first_epoch: int = 0
) -> Batches | StreamBatches:
    """Return the batches of a source; a stream keeps its own order."""
    if isinstance(source, StreamSource):
        return StreamBatches(source, batch_size, first_epoch)
    return Batches(source, batch_size, seed, first_epoch)
