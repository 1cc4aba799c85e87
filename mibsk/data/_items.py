"""Items of torch Datasets, stacked to one array per modality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def stack_items(items: list[Any]) -> dict[str, np.ndarray]:
    """Return items of a dataset, all of them mappings of the same names, as arrays."""
    for item in items:
        if not isinstance(item, Mapping):
            raise TypeError(
                "a torch Dataset must yield mappings of modality name to row, got "
                f"{type(item).__name__}."
            )
        if item.keys() != items[0].keys():
            raise ValueError(
                "every item of a torch Dataset must have the same modalities, got "
                f"{sorted(items[0])} and {sorted(item)}."
            )
    return {name: _stack(name, [np.asarray(item[name]) for item in items]) for name in items[0]}


def _stack(name: str, rows: list[np.ndarray]) -> np.ndarray:
    if len(shapes := {row.shape for row in rows}) > 1:
        raise ValueError(
            f"modality {name!r} must have rows of one shape, got {sorted(shapes)}. Pad or crop "
            "them first."
        )
    return np.stack(rows)
