"""Rows of one modality that can be taken by index, and batches of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import scipy.sparse as sp
import torch

from ..files.memory_map import file_rows
from ._padding import pad_csr

EncoderInput = torch.Tensor | tuple[torch.Tensor, torch.Tensor]
"""A dense batch (n, ...), or indices and values (n, L) of a sparse one."""


class Batch(dict[str, EncoderInput]):
    """Rows of each modality by name, row `i` of all modalities belonging together.

    Parameters
    ----------
    rows : mapping of str to EncoderInput
        Rows on the device, n for each modality.
    present : mapping of str to Tensor of bool (n,), default=None
        For each modality, which of the rows it has. None: all.
    groups : Tensor of int64 (n,), default=None
        Group of each row; rows of one group are not negatives of each other. None: each row is a
        group of its own.
    """

    def __init__(
        self,
        rows: Mapping[str, EncoderInput],
        present: Mapping[str, torch.Tensor] | None = None,
        groups: torch.Tensor | None = None,
    ) -> None:
        super().__init__(rows)
        self.present, self.groups = present, groups


class Rows(Protocol):
    """Rows that can be taken by index as a batch on the device."""

    def __len__(self) -> int: ...

    def take(self, indices: torch.Tensor) -> EncoderInput:
        """Return the rows at `indices` (int64, on the CPU) on the device."""


class ResidentRows:
    """Dense rows that live on the device: a batch is one gather, and no copy from the host."""

    def __init__(self, X: np.ndarray, device: torch.device) -> None:
        self.tensor = torch.from_numpy(X).to(device)

    def __len__(self) -> int:
        return len(self.tensor)

    def take(self, indices: torch.Tensor) -> torch.Tensor:
        """Return rows (len(indices), ...)."""
        return self.tensor.index_select(0, indices.to(self.tensor.device, non_blocking=True))


class HostRows:
    """Dense rows too large for the device, or mapped from a file: batches are copied over."""

    def __init__(self, X: np.ndarray, device: torch.device) -> None:
        self.X, self.device = file_rows(X), device

    def __len__(self) -> int:
        return len(self.X)

    def take(self, indices: torch.Tensor) -> torch.Tensor:
        """Return rows (len(indices), ...)."""
        batch = self.X[indices.numpy()]
        return torch.from_numpy(np.ascontiguousarray(batch, _dtype(batch))).to(self.device)


class CsrRows:
    """Sparse rows: a batch is a pair (indices, values), padded with value 0 to its longest row."""

    def __init__(self, X: sp.csr_array, device: torch.device) -> None:
        self.X, self.device = X, device

    def __len__(self) -> int:
        return self.X.shape[0]

    def take(self, indices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return column indices and values, both (len(indices), L)."""
        columns, values = pad_csr(self.X, indices.numpy())
        return torch.from_numpy(columns).to(self.device), torch.from_numpy(values).to(self.device)


def to_batch(X: np.ndarray | sp.csr_array, device: torch.device) -> EncoderInput:
    """Return the prepared rows of one modality as one batch on the device, always a copy."""
    if sp.issparse(X):
        columns, values = pad_csr(X, slice(None))
        return torch.from_numpy(columns).to(device), torch.from_numpy(values).to(device)
    return torch.from_numpy(np.array(X, _dtype(X), order="C")).to(device)


def make_rows(X: np.ndarray | sp.csr_array, device: torch.device) -> Rows:
    """Choose where the prepared rows of one modality live."""
    if sp.issparse(X):
        return CsrRows(X, device)
    if isinstance(X, np.memmap) or not _fits(X.nbytes, device):
        return HostRows(X, device)
    if device.type == "cpu" and not (X.flags.writeable and X.flags.c_contiguous):
        return HostRows(X, device)  # torch shares no read-only memory
    return ResidentRows(np.require(X, requirements=["C", "W"]), device)


def _dtype(X: np.ndarray) -> type[np.generic]:
    """Return the type in which encoders get dense rows; a memory map may have any other."""
    return np.uint8 if X.dtype.kind == "b" or X.dtype == np.uint8 else np.float32


def _fits(n_bytes: int, device: torch.device) -> bool:
    """Whether data leave at least half of a GPU's free memory to the training."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return n_bytes < free // 2
