"""Checks of parameters and names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np


def suggest(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the known name nearest to `name`, else ``""``."""
    near = difflib.get_close_matches(str(name), [str(k) for k in known], n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def check_scalar(
    name: str,
    value: Any,
    *,
    low: float,
    integer: bool = False,
    strict: bool = False,
    high: float = np.inf,
) -> None:
    """Raise unless `value` is a number with ``low <= value < high`` (``low <`` when `strict`).

    Raises
    ------
    TypeError
        If `value` is not a number, or not an integer if `integer`.
    ValueError
        If it is out of range or not finite.
    """
    kind = "an integer" if integer else "a finite number"
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral if integer else Real):
        raise TypeError(f"{name} must be {kind}, got {value!r} of type {type(value).__name__}.")
    number = float(value)
    above = number > low if strict else number >= low
    if not (above and number < high):
        upper = "" if high == np.inf else f" and < {high:g}"
        relation = ">" if strict else ">="
        raise ValueError(f"{name} must be {kind} {relation} {low:g}{upper}, got {value!r}.")


def check_positive(name: str, value: Any) -> None:
    """Raise unless `value` is a number in 1e-12..1e12, whose products are not lost in rounding."""
    check_scalar(name, value, low=1e-12, high=1e12)


def check_k(k: Any, upper: int) -> None:
    """Raise unless `k` is an integer in ``1..upper``."""
    check_scalar("k", k, low=-np.inf, integer=True)
    if not 1 <= k <= upper:
        raise ValueError(f"k must be in 1..{upper} for this many rows, got {k}.")


def check_names(names: Iterable[Any]) -> None:
    """Raise unless every name of a modality is a string that can be written to a file.

    Raises
    ------
    TypeError
        If a name is not a string.
    ValueError
        If it is not valid Unicode.
    """
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"modality names must be strings, got {name!r}.")
        if any("\ud800" <= character <= "\udfff" for character in name):
            raise ValueError(f"modality names must be valid Unicode, got {name!r}: rename it.")


def check_seed(random_state: Any) -> None:
    """Raise unless `random_state` is None or a seed that all generators accept."""
    if random_state is not None:
        check_scalar("random_state", random_state, low=0, high=2**32, integer=True)


def check_modality_names(parameter: str, given: Iterable[str], names: list[str]) -> None:
    """Raise ``ValueError`` if a parameter names a modality that the data do not have."""
    for name in given:
        if name not in names:
            raise ValueError(
                f"{parameter} names the modality {name!r}, but the data have {names}."
                + suggest(name, names)
            )
