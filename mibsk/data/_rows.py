"""Rows of one modality, indexed as batches on the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
import scipy.sparse as sp
import torch

from ..files.memory_map import file_rows
from ._one_hot import OneHot
from ._padding import pad_csr


class Features(NamedTuple):
    """Rows that a frozen tower has read before.

    Parameters
    ----------
    values : Tensor of float32 (n, n_features) or (n, tokens, n_features)
        Input of the layers of the encoder above the tower.
    """

    values: torch.Tensor


EncoderInput = torch.Tensor | tuple[torch.Tensor, torch.Tensor] | Features
"""Dense batch (n, ...), column indices and values (n, L) of a sparse one, or features."""


def first_tensor(rows: EncoderInput) -> torch.Tensor:
    """Return the tensor of a batch, or the first of several; it has its rows and its device."""
    return rows if isinstance(rows, torch.Tensor) else rows[0]


def slice_rows(rows: EncoderInput, start: int, stop: int) -> EncoderInput:
    """Return a part of a batch, without a copy."""
    if isinstance(rows, torch.Tensor):
        return rows[start:stop]
    if isinstance(rows, Features):
        return Features(rows.values[start:stop])
    columns, values = rows
    return columns[start:stop], values[start:stop]


class Batch(dict[str, EncoderInput]):
    """Rows of each modality by name; row `i` of all modalities is a pair.

    Parameters
    ----------
    rows : mapping of str to EncoderInput
        The rows of each modality, on the device: n, or those that are present, in their order. A
        modality without any is left out.
    present : mapping of str to Tensor of bool (n,), default=None
        Which of the n rows have each modality; None if all have all.
    groups : Tensor of int64 (n,), default=None
        Group of each row; rows of one group are not negatives of each other. None: groups of one
        row.
    """

    def __init__(
        self,
        rows: Mapping[str, EncoderInput],
        present: Mapping[str, torch.Tensor] | None = None,
        groups: torch.Tensor | None = None,
    ) -> None:
        super().__init__(rows)
        self.present, self.groups = present, groups
        self.part: Any = None  # what several processes need, each of which has some of the rows

    def scattered(self, name: str, values: torch.Tensor) -> torch.Tensor:
        """Return values (k, d) of the rows that have a modality as (n, d), 0 in the others."""
        if self.present is None:
            return values
        has = self.present[name]
        return values.new_zeros((len(has), *values.shape[1:])).masked_scatter(has[:, None], values)


class Rows(Protocol):
    """Rows that can be indexed as a batch on the device."""

    def __len__(self) -> int: ...

    def take(self, indices: torch.Tensor) -> EncoderInput:
        """Return the rows at `indices` (int64, on the CPU) on the device."""


class ResidentRows:
    """Dense rows stored on the device: a batch is a gather, without a copy from the host."""

    def __init__(self, X: np.ndarray, device: torch.device) -> None:
        self.tensor = torch.from_numpy(X).to(device)

    def __len__(self) -> int:
        return len(self.tensor)

    def take(self, indices: torch.Tensor) -> torch.Tensor:
        """Return rows (len(indices), ...)."""
        return self.tensor.index_select(0, indices.to(self.tensor.device, non_blocking=True))


class HostRows:
    """Dense rows in host memory or a memory map: batches are copied to the device."""

    def __init__(self, X: np.ndarray, device: torch.device) -> None:
        self.X, self.device = file_rows(X), device

    def __len__(self) -> int:
        return len(self.X)

    def take(self, indices: torch.Tensor) -> torch.Tensor:
        """Return rows (len(indices), ...)."""
        batch = self.X[indices.numpy()]
        return torch.from_numpy(np.ascontiguousarray(batch, _dtype(batch))).to(self.device)


class LabelRows:
    """One-hot rows of labels: a batch is made on the device."""

    def __init__(self, X: OneHot, device: torch.device) -> None:
        self.codes, self.n_classes = torch.from_numpy(X.codes).to(device), X.n_classes

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, indices: torch.Tensor) -> torch.Tensor:
        """Return rows (len(indices), n_classes)."""
        codes = self.codes.index_select(0, indices.to(self.codes.device, non_blocking=True))
        batch = torch.zeros((len(codes), self.n_classes), device=codes.device)
        return batch.scatter_(1, codes[:, None], 1.0)


class CsrRows:
    """Sparse rows: a batch is a pair (indices, values), zero-padded to its longest row."""

    def __init__(self, X: sp.csr_array, device: torch.device) -> None:
        self.X, self.device = X, device

    def __len__(self) -> int:
        return self.X.shape[0]

    def take(self, indices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return column indices and values, both (len(indices), L)."""
        columns, values = pad_csr(self.X, indices.numpy())
        return torch.from_numpy(columns).to(self.device), torch.from_numpy(values).to(self.device)


def to_batch(X: np.ndarray | sp.csr_array, device: torch.device) -> EncoderInput:
    """Return a copy of the prepared rows of one modality as one batch on the device."""
    if sp.issparse(X):
        columns, values = pad_csr(X, slice(None))
        return torch.from_numpy(columns).to(device), torch.from_numpy(values).to(device)
    return torch.from_numpy(np.array(X, _dtype(X), order="C")).to(device)


def make_rows(X: np.ndarray | OneHot | sp.csr_array, device: torch.device) -> Rows:
    """Return the prepared rows of one modality, stored on the device or the host."""
    if isinstance(X, OneHot):
        return LabelRows(X, device)
    if sp.issparse(X):
        return CsrRows(X, device)
    if isinstance(X, np.memmap) or not _fits(X.nbytes, device):
        return HostRows(X, device)
    if device.type == "cpu" and not (X.flags.writeable and X.flags.c_contiguous):
        return HostRows(X, device)  # torch cannot share read-only memory
    return ResidentRows(np.require(X, requirements=["C", "W"]), device)


def _dtype(X: np.ndarray) -> type[np.generic]:
    """Return the dtype of dense encoder input; that of a memory map may differ."""
    return np.uint8 if X.dtype.kind == "b" or X.dtype == np.uint8 else np.float32


def _fits(n_bytes: int, device: torch.device) -> bool:
    """Whether data leave at least half of the free GPU memory for training."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return n_bytes < free // 2
