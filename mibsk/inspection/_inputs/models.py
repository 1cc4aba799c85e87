"""Models by key: how many can be drawn, and the names to show for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..drawing.style import MODEL_COLORS


def check_models(models: Any, argument: str) -> None:
    """Check that `models` is a mapping of at least one model, and at most one per colour."""
    if not isinstance(models, Mapping):
        raise TypeError(
            f"{argument} must be a mapping of model -> data, got {type(models).__name__}: pass "
            "{'my model': ...} for a single one."
        )
    if not 1 <= len(models) <= len(MODEL_COLORS):
        raise ValueError(
            f"{argument} must hold 1 to {len(MODEL_COLORS)} models, got {len(models)}: draw "
            "others in a separate figure."
        )


def as_runs(value: Any) -> list[Any]:
    """Return a list or tuple of runs as a list, and anything else as the only run."""
    return list(value) if isinstance(value, list | tuple) else [value]


def shown_names(models: Mapping[str, Any], names: Mapping[str, str] | None) -> dict[str, str]:
    """Return key -> name to show for every model; the key where `names` lacks it.

    `names` may have further keys, so that one mapping serves figures of different models.
    """
    names = {} if names is None else names
    shown = {key: str(names.get(key, key)) for key in models}
    if len(set(shown.values())) < len(shown):
        raise ValueError(f"names must differ between models, got {shown}.")
    return shown
