"""Fractions of information per model, kind and factor: nested mappings become a checked table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..._checks.parameters import suggest
from .models import check_models

KINDS = ("leakage", "kept")
Fractions = Mapping[str, Mapping[str, Mapping[str, float]]]


def fraction_table(
    fractions: Fractions, errors: Fractions | None, numeric: Iterable[Any] | None
) -> pd.DataFrame:
    """Return one row per model, kind and factor, in the order of the first model.

    The columns are ``model``, ``kind``, ``factor``, ``fraction``, ``error`` (NaN without `errors`)
    and ``of``: "variance" for factors in `numeric`, "entropy" for others, "unknown" if it is None.
    """
    check_models(fractions, "fractions")
    first = next(iter(fractions))
    rows = []
    for model in fractions:
        for kind in KINDS:
            factors = list(read_kind(fractions[first], kind, f"fractions[{first!r}]"))
            values = _numbers(fractions, "fractions", model, kind, factors)
            spreads = [np.nan] * len(factors)
            if errors is not None:
                spreads = _numbers(errors, "errors", model, kind, factors)
            rows += [
                (model, kind, str(factor), value, spread)
                for factor, value, spread in zip(factors, values, spreads, strict=True)
            ]
    table = pd.DataFrame(rows, columns=["model", "kind", "factor", "fraction", "error"])
    return table.assign(of=_measured(table["factor"], numeric))


def _measured(factors: pd.Series[Any], numeric: Iterable[Any] | None) -> Any:
    """Return what each fraction is a fraction of."""
    if numeric is None:
        return "unknown"
    if isinstance(numeric, str) or not isinstance(numeric, Iterable):
        raise TypeError(f"numeric must be a list of factors, got {numeric!r}.")
    names, known = [str(factor) for factor in numeric], list(dict.fromkeys(factors))
    for name in names:
        if name not in known:
            raise ValueError(
                f"numeric has {name!r}, the factors are {known}." + suggest(name, known)
            )
    return np.where(factors.isin(names), "variance", "entropy")


def _numbers(
    models: Fractions, argument: str, model: str, kind: str, factors: list[str]
) -> list[float]:
    """Return the numbers of one model and kind, in the order of `factors`."""
    where = f"{argument}[{model!r}]"
    if not isinstance(models, Mapping) or model not in models:
        raise ValueError(f"{argument} must have every model, {model!r} is missing.")
    found = read_kind(models[model], kind, where, are_errors=argument == "errors")
    where = f"{where}[{kind!r}]"
    if missing := [factor for factor in factors if factor not in found]:
        raise ValueError(
            f"{where} must have the factors of the first model, {factors}, "
            f"{missing[0]!r} is missing." + suggest(missing[0], found)
        )
    if extra := [factor for factor in found if factor not in factors]:
        raise ValueError(f"{where} has {extra[0]!r}, which the first model has not: {factors}.")
    return [found[factor] for factor in factors]


def read_kind(
    kinds: Any, kind: str, where: str, *, are_errors: bool = False, allow_empty: bool = False
) -> dict[str, float]:
    """Return factor -> number of one kind, checked; `where` names `kinds` in error messages."""
    expected = f"{where} must be {{'leakage': {{factor: number}}, 'kept': {{factor: number}}}}"
    if not isinstance(kinds, Mapping):
        raise TypeError(f"{expected}, got {type(kinds).__name__}.")
    if unknown := [name for name in kinds if name not in KINDS]:
        raise ValueError(f"{expected}, got {unknown[0]!r}." + suggest(unknown[0], KINDS))
    if kind not in kinds:
        raise ValueError(f"{expected}, {kind!r} is missing.")
    found, where = kinds[kind], f"{where}[{kind!r}]"
    if not isinstance(found, Mapping):
        raise TypeError(f"{where} must map factor -> number, got {type(found).__name__}.")
    if not found and not allow_empty:
        raise ValueError(f"{where} holds no factor: pass at least one.")
    return {
        factor: as_number(value, f"{where}[{factor!r}]", is_error=are_errors)
        for factor, value in found.items()
    }


def as_number(value: Any, where: str, *, is_error: bool = False) -> float:
    """Return a fraction in [0, 1] or, if `is_error`, a standard deviation or NaN, checked."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{where} must be a number, got {value!r}.")
    if is_error and value < 0:
        raise ValueError(f"{where} must be at least 0, got {value}.")
    if not is_error and not 0 <= value <= 1:
        raise ValueError(f"{where} must be in [0, 1], got {value}: use fractions.")
    return float(value)
