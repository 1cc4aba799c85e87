"""Items of torch Datasets and lists of records, stacked to one array per modality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._checks.parameters import suggest
from .._checks.vector_cells import stack_rows
from ._missing import missing_entries, rows_with_missing


def is_records(X: Any) -> bool:
    """Whether `X` is a list of mappings, which scikit-learn also makes of a part of a Dataset."""
    return isinstance(X, list | tuple) and len(X) > 0 and isinstance(X[0], Mapping)


def stack_items(items: Sequence[Any]) -> dict[str, np.ndarray]:
    """Return items of a dataset, mappings of names to rows, as one array per modality.

    An item may lack a name, or have None. Missing rows are those of :func:`rows_with_missing`.
    """
    names: dict[str, None] = {}
    for number, item in enumerate(items):
        if not isinstance(item, Mapping):
            raise TypeError(
                "a torch Dataset or a list of records must yield mappings of modality name to row, "
                f"got {type(item).__name__} at position {number}."
            )
        names.update(dict.fromkeys(item))
    return {name: _stack(name, [item.get(name) for item in items]) for name in names}


def _stack(name: str, rows: list[Any]) -> np.ndarray:
    if missing_entries(name, rows) is None:
        return stack_rows(f"modality {name!r}", rows)
    return rows_with_missing(name, rows)


def check_known(given: Mapping[str, Any], names: Sequence[str]) -> None:
    """Raise ``ValueError`` if items of a torch Dataset have other modalities than its first."""
    for name in given:
        if name not in names:
            raise ValueError(
                f"items of a torch Dataset have modality {name!r}, but the first item has "
                f"{list(names)}: the first item must have all names, with None for what it lacks."
                + suggest(name, names)
            )
