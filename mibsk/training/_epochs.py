"""Number of epochs of a training."""

from __future__ import annotations

from ..data import Batches, Source, StreamSource
from ._params import AlignerParams

FEWEST_EPOCHS = 20
FEWEST_STEPS = 300


def n_epochs(aligner: AlignerParams, source: Source | StreamSource) -> int:
    """Return `max_epochs`; "auto" is 20 epochs, or as many as it takes for 300 steps."""
    if aligner.max_epochs != "auto":
        return int(aligner.max_epochs)
    if isinstance(source, StreamSource):  # of unknown length
        return FEWEST_EPOCHS
    n_steps = len(Batches(source, aligner.batch_size, seed=None))
    return max(FEWEST_EPOCHS, -(-FEWEST_STEPS // n_steps))
