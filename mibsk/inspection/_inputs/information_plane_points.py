"""Points of the information plane: means over factors per modality and step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..drawing.style import MODALITY_COLORS
from .factor_probing import FactorProbing
from .fraction_tables import KINDS, as_number, read_kind
from .models import as_runs, shown_names

_COLUMNS = {"leakage": "leaked", "kept": "kept"}  # kind -> coordinate


def points_from_fractions(
    fractions: Any, errors: Any, names: Mapping[str, str] | None
) -> pd.DataFrame:
    """Return one row per modality and step: the means over factors.

    The columns are ``modality``, ``step``, ``leaked``, ``kept`` and, with `errors`,
    ``leaked_error`` and ``kept_error``. The parameters are those of
    `InformationPlaneDisplay.from_fractions`.
    """
    rows = []
    for step in _steps(fractions, "fractions"):
        if not isinstance(fractions[step], Mapping):
            raise TypeError(
                f"fractions[{step!r}] must map modalities to fractions, got "
                f"{type(fractions[step]).__name__}."
            )
        for modality, kinds in fractions[step].items():
            where = f"fractions[{step!r}][{modality!r}]"
            row = {"modality": modality, "step": float(step)}
            for kind in KINDS:
                found = read_kind(kinds, kind, where, allow_empty=kind == "leakage")
                row[_COLUMNS[kind]] = float(np.mean(list(found.values()))) if found else np.nan
                if errors is not None:
                    row[f"{_COLUMNS[kind]}_error"] = _error(errors, step, modality, kind)
            rows.append(row)
    return _finish(pd.DataFrame(rows), names)


def points_from_embeddings(
    probing: FactorProbing, embeddings: Any, embeddings_test: Any, names: Mapping[str, str] | None
) -> pd.DataFrame:
    """Probe the embeddings of each step and return the means over factors and runs.

    The columns are those of :func:`points_from_fractions`, with errors if any step has several
    runs. The parameters are those of `InformationPlaneDisplay.from_embeddings`.
    """
    tables = []
    for step in _steps(embeddings, "embeddings"):
        runs = as_runs(embeddings[step])
        tests: list[Any] = [None] * len(runs)
        if embeddings_test is not None:
            found = embeddings_test.get(step) if isinstance(embeddings_test, Mapping) else None
            tests = as_runs(found)
            if found is None or len(tests) != len(runs):
                raise ValueError(
                    f"embeddings_test must have every step and run of embeddings, for {step!r} "
                    "it has not."
                )
        for run, (Z, Z_test) in enumerate(zip(runs, tests, strict=True)):
            table = probing.fractions(Z, Z_test, f"embeddings[{step!r}]")
            means = table.groupby(["modality", "kind"], sort=False)["fraction"].mean().unstack()
            tables.append(means.reset_index().assign(step=float(step), run=run))
    points = pd.concat(tables, ignore_index=True).rename(columns=_COLUMNS)
    grouped = points.groupby(["step", "modality"], sort=False)[list(_COLUMNS.values())]
    result = grouped.mean()
    if points["run"].any():
        result = result.join(grouped.std(ddof=1).add_suffix("_error"))
    return _finish(result.reset_index(), names)


def _steps(mapping: Any, argument: str) -> list[Any]:
    """Return the keys, which are numbers, in ascending order."""
    if not isinstance(mapping, Mapping):
        raise TypeError(
            f"{argument} must map steps, such as beta, to one entry each, got "
            f"{type(mapping).__name__}."
        )
    if not mapping:
        raise ValueError(f"{argument} has no step: pass at least one.")
    for step in mapping:
        if isinstance(step, bool) or not isinstance(step, int | float | np.number):
            raise TypeError(f"steps must be numbers, such as beta, {argument} has {step!r}.")
        if not np.isfinite(step):
            raise ValueError(f"steps must be finite, {argument} has {step!r}.")
    return sorted(mapping)


def _error(errors: Any, step: Any, modality: str, kind: str) -> float:
    where = f"[{step!r}][{modality!r}]"
    try:
        value = errors[step][modality].get(kind, np.nan)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            "errors must be {step: {modality: {'leakage': number, 'kept': number}}} for every step "
            f"and modality of fractions, {where} is missing."
        ) from error
    return as_number(value, f"errors{where}[{kind!r}]", is_error=True)


def _finish(points: pd.DataFrame, names: Mapping[str, str] | None) -> pd.DataFrame:
    """Return the points, sorted by modality and step, with names to show, if they can be drawn."""
    modalities = list(dict.fromkeys(points["modality"]))
    if len(modalities) > len(MODALITY_COLORS):
        raise ValueError(
            f"at most {len(MODALITY_COLORS)} modalities can be told apart, got {len(modalities)}: "
            "draw others in a separate figure."
        )
    if (lost := points["kept"].isna()).any():
        modality = points["modality"][lost].iloc[0]
        raise ValueError(
            f"modality {modality!r} carries no shared factor that varies: leave it out, or name "
            "those it should keep with shared=."
        )
    order = np.lexsort([points["step"], points["modality"].map(modalities.index)])
    shown = shown_names(dict.fromkeys(modalities), names)
    points = points.assign(modality=points["modality"].map(shown))
    return points.iloc[order].reset_index(drop=True)
