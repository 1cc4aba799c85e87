"""Embedding of rows with a trained encoder, in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset, IterableDataset

from .._checks.rows import check_embeddings, n_rows
from ..data import InputSpec, dataset_columns, prepared_chunks, stream_chunks, to_batch
from ..encoders import Encoder
from ._devices import exact_convolutions
from ._torch_defaults import torch_defaults

ROWS_AT_A_TIME = 1024


def dataset_chunks(X: Dataset[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the items of a torch Dataset in chunks, as one array per modality."""
    if isinstance(X, IterableDataset):
        yield from stream_chunks(X, ROWS_AT_A_TIME)
        return
    n: int = len(X)  # type: ignore[arg-type]
    for start in range(0, n, ROWS_AT_A_TIME):
        yield dataset_columns(X, list(range(start, min(start + ROWS_AT_A_TIME, n))))


@torch_defaults()
def embed_rows(encoder: Encoder, spec: InputSpec, X: Any, device: torch.device) -> np.ndarray:
    """Check the rows of one modality and embed them in chunks, in evaluation mode.

    Returns
    -------
    ndarray of float32 (n, n_components)
        NaN in rows that are missing.

    Raises
    ------
    ValueError, TypeError
        If the rows do not match those of `fit`, or an embedding is not finite.
    """
    if _is_training(encoder):  # `eval` sets attributes of all parts
        encoder.eval()
    ready = spec.ready(X, ROWS_AT_A_TIME)
    if ready is not None:  # few rows, as in a server
        return _embed(encoder, spec, ready, None, device)
    embedded = np.full((n_rows(spec.name, X), encoder.n_outputs), np.nan, np.float32)
    for rows, prepared in prepared_chunks(spec, X, ROWS_AT_A_TIME):
        embedded[rows] = _embed(encoder, spec, prepared, rows, device)
    return embedded


def _is_training(module: nn.Module | None) -> bool:
    """Whether a module or one of its parts is in training mode; faster than `modules`."""
    return module is not None and (
        module.training or any(map(_is_training, module._modules.values()))
    )


def _embed(
    encoder: Encoder, spec: InputSpec, prepared: Any, rows: Any, device: torch.device
) -> np.ndarray:
    with torch.inference_mode(), exact_convolutions(device):
        z: np.ndarray = encoder(to_batch(prepared, device)).cpu().numpy()
    check_embeddings(spec.name, z, prepared, rows)
    return z
