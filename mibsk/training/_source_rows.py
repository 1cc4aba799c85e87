"""All pairs of a source in their order, for computations in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from .._checks.groups import Groups
from ..data import Batch, EncoderInput, Source, StreamSource, TensorSource

ROWS_AT_A_TIME = 1024
N_DRAWS = 4  # of the partners, where they are drawn at random


def n_draws(source: Source | StreamSource) -> int:
    """Return how often the pairs are read, each time with other partners if they are random."""
    return 1 if isinstance(source, StreamSource) or not source.pairing.is_random else N_DRAWS


def n_comparable(source: Source) -> int:
    """Return the number of pairs that have at least two modalities, which a loss can compare."""
    if not isinstance(source, TensorSource) or source.presence is None:
        return len(source)
    return int(np.count_nonzero(source.presence.n_modalities[source.pairing.rows] > 1))


def groups_of_pairs(source: Source | StreamSource, groups: Groups) -> Groups:
    """Return the group of each pair, given those of all rows of `fit`; a stream has none."""
    if groups is None or isinstance(source, StreamSource):
        return None
    return groups[source.pairing.rows]


def source_batches(
    source: Source | StreamSource, draw: int, n_rows: int = ROWS_AT_A_TIME
) -> Iterator[Batch]:
    """Yield all pairs, `n_rows` at a time, with a draw of partners."""
    if isinstance(source, StreamSource):
        yield from source.batches(n_rows)
        return
    drawn = source.pairing.draw(np.random.default_rng(draw))
    for start in range(0, source.pairing.n_rows, n_rows):
        yield source.take(
            {name: torch.from_numpy(rows[start : start + n_rows]) for name, rows in drawn.items()}
        )


def of_all_rows(
    batch: Batch, name: str, function: Callable[[EncoderInput], torch.Tensor], width: int
) -> torch.Tensor:
    """Return ``function(rows)`` of the rows that have a modality, 0 in the others, (n, width)."""
    if name in batch:
        return batch.scattered(name, function(batch[name]))
    assert batch.present is not None
    has = batch.present[name]
    return torch.zeros((len(has), width), device=has.device)


def masks(batch: Batch, names: Sequence[str]) -> list[NDArray[np.bool_]] | None:
    """Return which rows have each modality, None if all have all."""
    return None if batch.present is None else [batch.present[name].cpu().numpy() for name in names]


def as_rows(batch: EncoderInput, n_features: int) -> np.ndarray | sp.csr_array:
    """Return a batch as an array (n, ...), or as a CSR matrix (n, n_features)."""
    if isinstance(batch, torch.Tensor):
        return batch.cpu().numpy()
    indices, values = (part.cpu().numpy() for part in batch)
    n, length = indices.shape
    ends = np.arange(0, n * length + 1, length)
    return sp.csr_array((values.ravel(), indices.ravel(), ends), shape=(n, n_features))
