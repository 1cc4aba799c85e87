"""Sources of batches of paired rows: whole arrays, or a torch Dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset

from ._class_pairs import ClassPairs
from ._inputs import InputSpec
from ._item_batches import batch_of_items, make_batch
from ._items import stack_items
from ._pairing import FixedPairing, Pairing
from ._presence import Presence
from ._rows import Batch, Rows, make_rows
from ._stream import StreamSource


class Source(Protocol):
    """Pairs that can be indexed."""

    @property
    def pairing(self) -> Pairing:
        """Pairing of the rows."""

    def __len__(self) -> int:
        """Return the number of pairs in an epoch."""

    def take(self, rows: Mapping[str, torch.Tensor]) -> Batch:
        """Return the rows of each modality at these indices, on the device."""

    def with_pairing(self, pairing: Pairing) -> Source:
        """Return the same rows with another pairing, e.g. of a subset."""


@dataclass(frozen=True)
class TensorSource:
    """Pairs whose modalities are whole arrays.

    Parameters
    ----------
    rows : dict of str to Rows
        Rows of each modality: all, or those that are present.
    pairing : Pairing
        Pairs of their numbers.
    device : torch.device
        Device of the batches.
    presence : Presence, default=None
        Which rows have each modality; None if all have all.
    """

    rows: dict[str, Rows]
    pairing: Pairing
    device: torch.device
    presence: Presence | None = None

    def __len__(self) -> int:
        return self.pairing.n_rows

    def take(self, rows: Mapping[str, torch.Tensor]) -> Batch:
        """Return the rows of each modality at these indices, on the device."""
        if self.presence is None:
            return Batch({name: self.rows[name].take(indices) for name, indices in rows.items()})
        found, present = {}, {}
        for name, indices in rows.items():
            places = self.presence.places[name][indices]
            present[name] = places >= 0
            if len(held := places[present[name]]):
                found[name] = self.rows[name].take(held)
        return make_batch(found, present, self.device)

    def with_pairing(self, pairing: Pairing) -> TensorSource:
        """Return the same rows with another pairing."""
        return replace(self, pairing=pairing)


@dataclass(frozen=True)
class DatasetSource:
    """Pairs from a torch Dataset whose items are mappings of modality to row."""

    dataset: Dataset[Mapping[str, Any]]
    specs: dict[str, InputSpec]
    device: torch.device
    pairing: Pairing

    def __len__(self) -> int:
        return self.pairing.n_rows

    def take(self, rows: Mapping[str, torch.Tensor]) -> Batch:
        """Return the rows of each modality at these indices, on the device."""
        # pairs are fixed: the row indices of all modalities are the same
        indices = next(iter(rows.values())).tolist()
        return batch_of_items([self.dataset[i] for i in indices], self.specs, self.device)

    def with_pairing(self, pairing: Pairing) -> DatasetSource:
        """Return the same dataset with another pairing."""
        return replace(self, pairing=pairing)


def dataset_columns(
    dataset: Dataset[Mapping[str, Any]], indices: list[int]
) -> dict[str, np.ndarray]:
    """Return the items at `indices` as one array per modality."""
    return stack_items([dataset[i] for i in indices])


def tensor_source(
    arrays: Mapping[str, Any],
    device: torch.device,
    pairing: Pairing | None = None,
    presence: Presence | None = None,
) -> TensorSource:
    """Return a source of prepared arrays, paired row by row by default.

    Of rows that lack modalities, those that have at least two are paired.
    """
    rows = {name: make_rows(X, device) for name, X in arrays.items()}
    if pairing is None:
        n = len(next(iter(rows.values())))
        numbers = np.arange(n) if presence is None else presence.pairs
        pairing = FixedPairing(list(rows), numbers)
    return TensorSource(rows, pairing, device, presence)


def dataset_source(
    dataset: Dataset[Mapping[str, Any]], specs: dict[str, InputSpec], device: torch.device
) -> DatasetSource:
    """Return a source of a map-style torch Dataset of mappings."""
    pairing = FixedPairing(list(specs), np.arange(len(dataset)))  # type: ignore[arg-type]
    return DatasetSource(dataset, specs, device, pairing)


def make_source(
    X: Any,
    prepared: Mapping[str, Any],
    specs: Mapping[str, InputSpec],
    device: torch.device,
    presence: Presence | None = None,
) -> Source | StreamSource:
    """Return the source of the pairs that `fit` got."""
    if isinstance(X, IterableDataset):
        return StreamSource(X, specs, device)
    if isinstance(X, Dataset):
        return dataset_source(X, dict(specs), device)
    pairing = X.pairing if isinstance(X, ClassPairs) else None
    return tensor_source(prepared, device, pairing, presence)
