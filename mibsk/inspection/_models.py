"""The door of the Displays: models by key, and the names to show for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._style import MODEL_COLORS


def check_models(models: Any, argument: str) -> None:
    """Raise unless `models` maps at least one model, and no more than there are colours.

    Raises
    ------
    TypeError
        If it is no mapping.
    ValueError
        If it is empty or too large.
    """
    if not isinstance(models, Mapping):
        raise TypeError(
            f"{argument} must be a mapping of model -> data, got {type(models).__name__}: pass "
            "{'my model': ...} for a single one"
        )
    if not 1 <= len(models) <= len(MODEL_COLORS):
        raise ValueError(
            f"{argument} must hold 1 to {len(MODEL_COLORS)} models, got {len(models)}: draw "
            "others in a figure of their own"
        )


def shown_names(models: Mapping[str, Any], names: Mapping[str, str] | None) -> dict[str, str]:
    """Return key -> name to show for every model; the key where `names` has none.

    `names` may hold more: one mapping serves figures of different models.

    Raises
    ------
    ValueError
        If two models would have one name.
    """
    names = {} if names is None else names
    shown = {key: str(names.get(key, key)) for key in models}
    if len(set(shown.values())) < len(shown):
        raise ValueError(f"names must tell the models apart, got {shown}")
    return shown
