"""Fractions of information per model, kind and factor: nested mappings become a checked table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .._checks.parameters import suggest
from ._models import check_models

KINDS = ("leakage", "kept")
Fractions = Mapping[str, Mapping[str, Mapping[str, float]]]


def fraction_table(fractions: Fractions, errors: Fractions | None) -> pd.DataFrame:
    """Return one row per model, kind and factor, in the order of the first model.

    Parameters
    ----------
    fractions : mapping of model -> kind -> factor -> number in [0, 1]
        All models have both kinds and the same factors.
    errors : mapping like `fractions`, or None
        Standard deviations, at least 0.

    Returns
    -------
    DataFrame
        With columns ``model``, ``kind``, ``factor``, ``fraction`` and ``error`` (NaN without
        `errors`).

    Raises
    ------
    ValueError
        If a model, kind or factor is missing, or a number is out of range.
    TypeError
        If a mapping or a number is expected and something else came.
    """
    check_models(fractions, "fractions")
    first = next(iter(fractions.values()))
    rows = []
    for model in fractions:
        for kind in KINDS:
            factors = list(_factors(first, kind, f"fractions[{next(iter(fractions))!r}]"))
            values = _numbers(fractions, "fractions", model, kind, factors, high=1.0)
            spreads = [np.nan] * len(factors)
            if errors is not None:
                spreads = _numbers(errors, "errors", model, kind, factors, high=np.inf)
            rows += [
                (model, kind, str(factor), value, spread)
                for factor, value, spread in zip(factors, values, spreads, strict=True)
            ]
    return pd.DataFrame(rows, columns=["model", "kind", "factor", "fraction", "error"])


def _numbers(
    models: Fractions, argument: str, model: str, kind: str, factors: list[str], *, high: float
) -> list[float]:
    """Return the numbers of one model and kind, in the order of `factors`."""
    where = f"{argument}[{model!r}]"
    if not isinstance(models, Mapping) or model not in models:
        raise ValueError(f"{argument} must have every model, {model!r} is missing: add it")
    found = _factors(models[model], kind, where)
    where = f"{where}[{kind!r}]"
    if missing := [factor for factor in factors if factor not in found]:
        raise ValueError(
            f"{where} must have the factors {factors} as the first model has, "
            f"{missing[0]!r} is missing." + suggest(missing[0], found)
        )
    if extra := [factor for factor in found if factor not in factors]:
        raise ValueError(f"{where} has {extra[0]!r}, which the first model has not: {factors}")
    _check_range(found, where, high)
    return [float(found[factor]) for factor in factors]


def read_fractions(
    kinds: Any, kind: str, where: str, *, empty: bool = False
) -> Mapping[str, float]:
    """Return factor -> fraction in [0, 1] of one kind; none only if it may be `empty`.

    Raises
    ------
    ValueError
        If a kind or factor is missing, or a number is out of range.
    TypeError
        If a mapping or a number is expected and something else came.
    """
    found = _factors(kinds, kind, where, empty=empty)
    _check_range(found, f"{where}[{kind!r}]", 1.0)
    return found


def _check_range(found: Mapping[str, float], where: str, high: float) -> None:
    for factor, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise TypeError(f"{where}[{factor!r}] must be a number, got {value!r}")
        if not 0 <= value <= high:
            allowed = "in [0, 1]" if high == 1 else "at least 0"
            raise ValueError(f"{where}[{factor!r}] must be {allowed}, got {value}: use fractions")


def _factors(kinds: Any, kind: str, where: str, *, empty: bool = False) -> Mapping[str, float]:
    """Return factor -> number of one kind, at least one unless it may be `empty`."""
    expected = f"{where} must be {{'leakage': {{factor: number}}, 'kept': {{factor: number}}}}"
    if not isinstance(kinds, Mapping):
        raise TypeError(f"{expected}, got {type(kinds).__name__}")
    if unknown := [name for name in kinds if name not in KINDS]:
        raise ValueError(f"{expected}, got {unknown[0]!r}." + suggest(unknown[0], KINDS))
    if kind not in kinds:
        raise ValueError(f"{expected}, {kind!r} is missing")
    found = kinds[kind]
    if not isinstance(found, Mapping):
        raise TypeError(f"{where}[{kind!r}] must map factor -> number, got {type(found).__name__}")
    if not found and not empty:
        raise ValueError(f"{where}[{kind!r}] holds no factor: pass at least one")
    return found
