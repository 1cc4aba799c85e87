"""Choice of the input scaling of each modality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import scipy.sparse as sp

from .._checks.parameters import suggest
from ..encoders import InputScaling, Scaling

InputScalings = str | None | Mapping[str, str | None]
"""One choice for all modalities, or one for each of some of them."""

_KNOWN = get_args(Scaling)


def choices_of_scaling(given: Any, names: list[str]) -> dict[str, Scaling | None]:
    """Return the choice for each modality; "auto" for those that a mapping leaves out.

    Raises
    ------
    TypeError, ValueError
        If a choice is unknown, or a mapping names an unknown modality.
    """
    if not isinstance(given, Mapping):
        return dict.fromkeys(names, _checked("input_scaling", given))
    for name in given:
        if name not in names:
            raise ValueError(
                f"input_scaling names the modality {name!r}, but the data have {names}."
                + suggest(name, names)
            )
    return {name: _checked(f"input_scaling[{name!r}]", given.get(name, "auto")) for name in names}


def learn_scaling(rows: Any, choice: Scaling | None) -> InputScaling | None:
    """Learn the scaling of dense rows; sparse rows have none."""
    if sp.issparse(rows):
        return None
    if choice is None:  # of bytes, only the type is changed, as encoders need float32
        return None if rows.dtype.kind == "f" else InputScaling([0.0], [1.0])
    return InputScaling.from_array(rows, choice)


def _checked(parameter: str, given: Any) -> Any:
    message = f"{parameter} must be {', '.join(map(repr, _KNOWN))} or None, got {given!r}."
    if not isinstance(given, str | None):
        raise TypeError(message)
    if given is not None and given not in _KNOWN:
        raise ValueError(message + suggest(given, _KNOWN))
    return given
