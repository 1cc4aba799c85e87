"""Items of torch Datasets, stacked to one array per modality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._checks.vector_cells import stack_rows


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
    return {
        name: stack_rows(f"modality {name!r}", [item[name] for item in items]) for name in items[0]
    }
