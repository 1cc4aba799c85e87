"""Items of torch Datasets and lists of records, stacked to one array per modality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._checks.masks import check_unmasked
from .._checks.vector_cells import stack_rows


def is_records(X: Any) -> bool:
    """Whether `X` is a list of mappings, which scikit-learn also makes of a part of a Dataset."""
    return isinstance(X, list | tuple) and len(X) > 0 and isinstance(X[0], Mapping)


def stack_items(items: Sequence[Any]) -> dict[str, np.ndarray]:
    """Return items of a dataset, all of them mappings of the same names, as arrays."""
    for number, item in enumerate(items):
        if not isinstance(item, Mapping):
            raise TypeError(
                "a torch Dataset or a list of records must yield mappings of modality name to row, "
                f"got {type(item).__name__} at position {number}."
            )
        if item.keys() != items[0].keys():
            raise ValueError(
                "every item of a torch Dataset or a list of records must have the same modalities, "
                f"got {list(items[0])} at position 0 and {list(item)} at position {number}."
            )
    return {name: _stack(f"modality {name!r}", [item[name] for item in items]) for name in items[0]}


def _stack(what: str, rows: list[Any]) -> np.ndarray:
    check_unmasked(what, rows)
    return stack_rows(what, rows)
