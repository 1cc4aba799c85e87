"""One model compared with the others, paired over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .intervals import over_seeds


def compare(
    measured: Mapping[str, Sequence[Mapping[str, float]]], model: str
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return how much a model exceeds each other one, by measure.

    The differences are those of trainings with the same seed; their mean has Student's t interval.

    Parameters
    ----------
    measured : mapping of str to list of dict
        Model -> measures of each seed, the seeds in the same order for all models.
    model : str
        The model that is compared with the others.

    Returns
    -------
    dict
        Other model -> measure -> ``value``, ``low``, ``high`` and ``n``; empty with a single seed,
        which has no interval.
    """
    ours = measured[model]
    if len(ours) < 2:
        return {}
    return {
        name: {
            measure: asdict(
                over_seeds([a[measure] - b[measure] for a, b in zip(ours, theirs, strict=True)])
            )
            for measure in ours[0]
        }
        for name, theirs in measured.items()
        if name != model
    }
