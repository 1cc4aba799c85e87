"""Whether the closed form of the inputs is part of an aligner."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Literal

from ..data import StreamSource
from ._data import TrainingData
from ._input_directions import BASIS_VALUES
from ._params import AlignerParams

MIN_RANK = 32  # with fewer principal directions, the closed form is left out
MAX_WIDTH = BASIS_VALUES // MIN_RANK


def closed_form_role(
    aligner: AlignerParams, data: TrainingData, *, whole: bool
) -> Literal["beside", "alone"] | None:
    """Return whether the closed form stands beside the networks or alone, or None.

    It stands beside them with ``encoders="auto"`` in a whole training, except for a stream, whose
    pairs cannot be held out, and for rows that are too wide.

    Raises
    ------
    ValueError
        If it is to stand alone, but cannot be found for these data, or for some modalities only.
    """
    widest = max([prod(spec.shape) for spec in data.inputs.values()])
    can = not isinstance(data.source, StreamSource) and widest <= MAX_WIDTH
    if isinstance(aligner.encoders, Mapping):
        for name, spec in aligner.encoders.items():
            if isinstance(spec, str) and spec == "canonical":
                raise ValueError(
                    f"encoders[{name!r}]='canonical': the closed form is found for all modalities "
                    "together. Pass encoders='canonical', or another encoder for this modality."
                )
        return None
    if not isinstance(aligner.encoders, str) or aligner.encoders not in ("auto", "canonical"):
        return None
    if aligner.encoders == "auto":
        return "beside" if can and whole else None
    if not whole:
        raise ValueError(
            "encoders='canonical' is found from all pairs at once: use fit, or partial_fit of "
            "CanonicalBottleneck, which adds up the pairs of several calls."
        )
    if not can:
        raise ValueError(
            "encoders='canonical' needs pairs that can be read several times, and rows of at most "
            f"{MAX_WIDTH} values: pass a Dataset with a length and smaller rows, or use "
            "encoders='network'."
        )
    return "alone"
