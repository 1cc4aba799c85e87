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
from ._items import stack_items
from ._pairing import FixedPairing, Pairing
from ._rows import EncoderInput, Rows, make_rows
from ._stream import StreamSource


class Source(Protocol):
    """Pairs that can be indexed."""

    @property
    def pairing(self) -> Pairing:
        """Pairing of the rows."""

    def __len__(self) -> int:
        """Return the number of pairs in an epoch."""

    def take(self, rows: Mapping[str, torch.Tensor]) -> dict[str, EncoderInput]:
        """Return the rows of each modality at these indices, on the device."""

    def with_pairing(self, pairing: Pairing) -> Source:
        """Return the same rows with another pairing, e.g. of a subset."""


@dataclass(frozen=True)
class TensorSource:
    """Pairs whose modalities are whole arrays."""

    rows: dict[str, Rows]
    pairing: Pairing

    def __len__(self) -> int:
        return self.pairing.n_rows

    def take(self, rows: Mapping[str, torch.Tensor]) -> dict[str, EncoderInput]:
        """Return the rows of each modality at these indices, on the device."""
        return {name: self.rows[name].take(indices) for name, indices in rows.items()}

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

    def take(self, rows: Mapping[str, torch.Tensor]) -> dict[str, EncoderInput]:
        """Return the rows of each modality at these indices, on the device."""
        # pairs are fixed: the row indices of all modalities are the same
        indices = next(iter(rows.values())).tolist()
        columns = dataset_columns(self.dataset, indices)
        every = torch.arange(len(indices))
        return {
            name: make_rows(spec.prepare(columns[name]), self.device).take(every)
            for name, spec in self.specs.items()
        }

    def with_pairing(self, pairing: Pairing) -> DatasetSource:
        """Return the same dataset with another pairing."""
        return replace(self, pairing=pairing)


def dataset_columns(
    dataset: Dataset[Mapping[str, Any]], indices: list[int]
) -> dict[str, np.ndarray]:
    """Return the items at `indices` as one array per modality."""
    return stack_items([dataset[i] for i in indices])


def tensor_source(
    arrays: Mapping[str, Any], device: torch.device, pairing: Pairing | None = None
) -> TensorSource:
    """Return a source of prepared arrays, paired row by row by default."""
    rows = {name: make_rows(X, device) for name, X in arrays.items()}
    if pairing is None:
        pairing = FixedPairing(list(rows), np.arange(len(next(iter(rows.values())))))
    return TensorSource(rows, pairing)


def dataset_source(
    dataset: Dataset[Mapping[str, Any]], specs: dict[str, InputSpec], device: torch.device
) -> DatasetSource:
    """Return a source of a map-style torch Dataset of mappings."""
    pairing = FixedPairing(list(specs), np.arange(len(dataset)))  # type: ignore[arg-type]
    return DatasetSource(dataset, specs, device, pairing)


def make_source(
    X: Any, prepared: Mapping[str, Any], specs: Mapping[str, InputSpec], device: torch.device
) -> Source | StreamSource:
    """Return the source of the pairs that `fit` got."""
    if isinstance(X, IterableDataset):
        return StreamSource(X, specs, device)
    if isinstance(X, Dataset):
        return dataset_source(X, dict(specs), device)
    return tensor_source(prepared, device, X.pairing if isinstance(X, ClassPairs) else None)
