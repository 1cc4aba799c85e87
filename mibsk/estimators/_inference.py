"""Embedding of rows with a trained encoder, a few at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from ..data._rows import make_rows
from ..encoders import Encoder

ROWS_AT_A_TIME = 1024


def chunks(n_rows: int) -> Iterator[range]:
    """Yield the row numbers of one chunk after the other."""
    for start in range(0, n_rows, ROWS_AT_A_TIME):
        yield range(start, min(start + ROWS_AT_A_TIME, n_rows))


def embed_rows(encoder: Encoder, prepared: Any, device: torch.device) -> np.ndarray:
    """Return the embeddings of prepared rows, float32 (n, n_components)."""
    rows = make_rows(prepared, device)
    embedded = np.empty((len(rows), encoder.n_components), np.float32)
    with torch.inference_mode():
        for chunk in chunks(len(rows)):
            indices = torch.arange(chunk.start, chunk.stop)
            embedded[chunk.start : chunk.stop] = encoder(rows.take(indices)).cpu()
    return embedded
