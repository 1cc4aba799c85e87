"""Embeddings of rows that were read of a file."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from ..bundle import Bundle
from ._corpus import Chunk


def embed_chunk(bundle: Bundle, modality: str, path: Path, chunk: Chunk) -> np.ndarray:
    """Return embeddings (n, n_components), NaN of missing rows.

    Raises
    ------
    ValueError
        If a row cannot be embedded; the error names the file.
    """
    try:
        with warnings.catch_warnings():  # an array has no names, but the columns of training
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            return np.asarray(bundle.embed(modality, chunk.rows))
    except (TypeError, ValueError) as error:
        where = f", where row 0 is row {chunk.start} of the file" if chunk.start else ""
        raise ValueError(f"{path}{where}: {error}") from error
