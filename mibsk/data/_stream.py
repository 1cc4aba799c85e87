"""Streams of pairs from a torch IterableDataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import torch
from torch.utils.data import IterableDataset

from ._inputs import InputSpec
from ._item_batches import batch_of_items
from ._items import stack_items
from ._rows import Batch


class StreamSource:
    """Pairs from a torch IterableDataset whose items are mappings of modality to row.

    Parameters
    ----------
    dataset : IterableDataset
        Dataset that restarts with each ``iter(dataset)`` and determines the order of the items.
        Its method `set_epoch`, if any, is called with the epoch, from 0, before each epoch.
    specs : dict of str to InputSpec
        Specification of the rows of each modality.
    device : torch.device
        Device of the batches.
    """

    def __init__(
        self,
        dataset: IterableDataset[Mapping[str, Any]],
        specs: Mapping[str, InputSpec],
        device: torch.device,
    ) -> None:
        self.dataset, self.specs, self.device = dataset, specs, device

    def batches(self, size: int) -> Iterator[Batch]:
        """Yield all pairs in batches of `size`, in the order of the last epoch."""
        items = iter(self.dataset)
        while held := list(islice(items, size)):
            yield self.batch(held)

    def batch(self, items: list[Any]) -> Batch:
        """Return items of the dataset as one batch on the device."""
        return batch_of_items(items, self.specs, self.device)


class StreamBatches:
    """Iterate over the pairs of a stream in its order, epoch after epoch.

    Batches have `batch_size` pairs, and the last one may be smaller. A single remaining pair, which
    a contrastive loss could not use, is added to the batch before it.

    Parameters
    ----------
    source : StreamSource
        The pairs.
    batch_size : int
        Number of pairs in a batch; -1 for all.
    first_epoch : int, default=0
        Number of the first epoch.
    """

    def __init__(self, source: StreamSource, batch_size: int, first_epoch: int = 0) -> None:
        self.source, self.epoch = source, first_epoch
        self.batch_size = None if batch_size == -1 else batch_size

    def __iter__(self) -> Iterator[Batch]:
        if hasattr(self.source.dataset, "set_epoch"):
            self.source.dataset.set_epoch(self.epoch)
        self.epoch += 1
        items = iter(self.source.dataset)
        held = list(islice(items, self.batch_size))
        if len(held) < 2:
            raise ValueError(
                f"the IterableDataset gave {len(held)} item(s) in epoch {self.epoch}, while at "
                "least 2 are needed: its __iter__ must restart each time it is called."
            )
        while following := list(islice(items, self.batch_size)):
            if len(following) == 1:
                held += following
                break
            yield self.source.batch(held)
            held = following
        yield self.source.batch(held)


def stream_chunks(dataset: IterableDataset[Any], size: int) -> Iterator[dict[str, Any]]:
    """Yield the items of a dataset as one array per modality, in chunks of `size` rows."""
    items = iter(dataset)
    while chunk := list(islice(items, size)):
        yield stack_items(chunk)
