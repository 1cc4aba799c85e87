"""Leaked and kept information of each modality's embeddings, measured on held-out rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..._checks.labels import are_numbers, as_factors
from ..._checks.parameters import suggest
from ..._checks.row_names import check_row_names
from ...metrics import leakage
from .fitted_aligners import are_class_pairs
from .models import as_runs
from .paired_embeddings import as_array


@dataclass(frozen=True)
class FactorProbing:
    """How to measure: the parameters of `LeakageDisplay.from_embeddings` of the same names."""

    labels: Mapping[str, Any]
    shared: Iterable[Any] | None
    nuisances: Iterable[Any] | None
    labels_test: Mapping[str, Any] | None
    test_size: float
    random_state: int | None
    groups: Mapping[str, Any] | None = None
    groups_test: Mapping[str, Any] | None = None

    def fractions(self, embeddings: Any, embeddings_test: Any, where: str) -> pd.DataFrame:
        """Return one row per modality and factor: the fraction of it that the embeddings hold.

        The columns are ``modality``, ``kind`` ("leakage" or "kept"), ``factor``, ``fraction`` and
        ``of`` ("entropy" or, for real numbers, "variance"). Constant factors are left out. `where`
        names `embeddings` in error messages.
        """
        if not isinstance(embeddings, Mapping):
            raise TypeError(
                f"{where} must map modalities to their embeddings, got "
                f"{type(embeddings).__name__}: pass what aligner.embed returns."
            )
        if (embeddings_test is None) != (self.labels_test is None):
            raise ValueError(
                "held-out embeddings and labels_test belong together: pass both or neither."
            )
        for argument in ("groups", "groups_test"):
            _check_groups(getattr(self, argument), embeddings, argument)
        kinds = self._kinds(embeddings)
        rows = []
        for name, Z in embeddings.items():
            check_row_names({f"{where}[{name!r}]": Z, f"labels[{name!r}]": self.labels[name]})
            array = as_array(Z, f"{where}[{name!r}]")
            table = _table(self.labels, name, len(array), "labels")
            held_out: dict[str, Any] = {}
            factors = [f for f in table if f in kinds and table[f].nunique() > 1]
            if embeddings_test is not None:
                Z_test = as_array(_entry(embeddings_test, name), f"{where}_test[{name!r}]")
                test = _table(self.labels_test, name, len(Z_test), "labels_test")
                check_row_names(
                    {
                        f"{where}_test[{name!r}]": embeddings_test[name],
                        f"labels_test[{name!r}]": self.labels_test[name],  # type: ignore[index]
                    }
                )
                if missing := [factor for factor in factors if factor not in test]:
                    raise ValueError(f"labels_test[{name!r}] lacks the factors {missing}.")
                factors = [factor for factor in factors if test[factor].nunique() > 1]
                held_out = {"Z_test": Z_test, "labels_test": test[factors]}
            if self.groups_test is not None:
                held_out["groups_test"] = self.groups_test.get(name)
            if not factors:
                continue
            found: Any = leakage(
                array,
                table[factors],
                test_size=self.test_size,
                random_state=self.random_state,
                groups=None if self.groups is None else self.groups.get(name),
                **held_out,
            )
            held = held_out.get("labels_test", table)
            rows += [
                (name, kinds[factor], factor, found[factor], _measured(table[factor], held[factor]))
                for factor in factors
            ]
        fractions = pd.DataFrame(rows, columns=["modality", "kind", "factor", "fraction", "of"])
        for kind, what in (("leakage", "nuisance"), ("kept", "shared factor")):
            if not (fractions["kind"] == kind).any():
                raise ValueError(
                    f"{where} carry no {what} that varies: labels have "
                    f"{ {name: list(self.labels[name]) for name in embeddings} }; choose factors "
                    "with shared= and nuisances=."
                )
        return fractions

    def check_rows(self, X: Any, y: Any, X_test: Any, y_test: Any) -> None:
        """Compare names of the rows to be embedded with those of their labels."""
        _compare_names({"X": X, "y": y}, "labels", self.labels)
        _compare_names({"X_test": X_test, "y_test": y_test}, "labels_test", self.labels_test)

    def over_runs(self, embeddings: Any, embeddings_test: Any, where: str) -> pd.DataFrame:
        """Return the table of :meth:`fractions`, as means over the runs of a model.

        Both arguments are those of one run, or lists of them. The column ``error`` is the standard
        deviation over runs, NaN for one run.
        """
        runs = as_runs(embeddings)
        tests = [None] * len(runs) if embeddings_test is None else as_runs(embeddings_test)
        if not 1 <= len(runs) == len(tests):
            raise ValueError(
                f"{where} must hold at least one run, and held-out embeddings of each, got "
                f"{len(runs)} and {len(tests)}."
            )
        tables = [self.fractions(*run, where) for run in zip(runs, tests, strict=True)]
        columns = [name for name in tables[0] if name != "fraction"]
        grouped = pd.concat(tables).groupby(columns, sort=False)["fraction"]
        return grouped.agg(fraction="mean", error="std").reset_index()

    def _kinds(self, embeddings: Mapping[str, Any]) -> dict[Any, str]:
        """Return factor -> "leakage" or "kept" for all factors to be measured."""
        tables = {name: list(_factors(self.labels, name, "labels")) for name in embeddings}
        known = list(dict.fromkeys(factor for table in tables.values() for factor in table))
        shared = _chosen("shared", self.shared, known)
        if shared is None:
            shared = [f for f in known if all(f in table for table in tables.values())]
        nuisances = _chosen("nuisances", self.nuisances, known)
        if nuisances is None:
            nuisances = [factor for factor in known if factor not in shared]
        if both := [factor for factor in nuisances if factor in shared]:
            raise ValueError(
                f"a factor is either shared or a nuisance, {both[0]!r} is said to be both."
            )
        return dict.fromkeys(nuisances, "leakage") | dict.fromkeys(shared, "kept")


def _compare_names(rows: dict[str, Any], argument: str, labels: Any) -> None:
    (first, X), second = rows.items()
    if not isinstance(labels, Mapping) or are_class_pairs(X):  # labels of all rows, not of pairs
        return
    for name, factors in labels.items():
        own = {first: X}
        if isinstance(X, Mapping) and getattr(X, "index", None) is None:
            own = {f"{first}[{name!r}]": X.get(name)}
        elif name == "y" and second[1] is not None:
            own = dict([second])
        check_row_names({**own, f"{argument}[{name!r}]": factors})


def _measured(train: pd.Series[Any], test: pd.Series[Any]) -> str:
    """Return what a fraction of a factor is a fraction of."""
    return "variance" if are_numbers(train, test) else "entropy"


def _check_groups(groups: Any, embeddings: Mapping[str, Any], argument: str) -> None:
    """Raise unless groups are None, or a mapping of some of the modalities."""
    if groups is None:
        return
    if not isinstance(groups, Mapping):
        raise TypeError(
            f"{argument} must map modalities to the groups of their rows, got "
            f"{type(groups).__name__}."
        )
    if unknown := [name for name in groups if name not in embeddings]:
        raise ValueError(
            f"{argument} has {unknown[0]!r}, the embeddings have {list(embeddings)}."
            + suggest(unknown[0], embeddings)
        )


def _entry(embeddings_test: Any, name: str) -> Any:
    if not isinstance(embeddings_test, Mapping) or name not in embeddings_test:
        raise ValueError(f"held-out embeddings must have all modalities, {name!r} is missing.")
    return embeddings_test[name]


def _factors(labels: Any, name: str, argument: str) -> Any:
    """Return the table of factors of one modality."""
    expected = "labels must map each modality to a DataFrame with one column per factor"
    if not isinstance(labels, Mapping):
        raise TypeError(f"{expected}, got {type(labels).__name__}.")
    if name not in labels:
        raise ValueError(
            f"{argument} lacks {name!r}, it has {list(labels)}." + suggest(name, labels)
        )
    if not isinstance(labels[name], pd.DataFrame | Mapping):
        raise TypeError(f"{expected}, got {type(labels[name]).__name__} for {name!r}.")
    return labels[name]


def _table(labels: Any, name: str, n_rows: int, argument: str) -> pd.DataFrame:
    factors = _factors(labels, name, argument)
    return pd.DataFrame(as_factors(factors, n_rows, f"{argument}[{name!r}]"))


def _chosen(argument: str, factors: Any, known: list[Any]) -> list[Any] | None:
    """Return the chosen factors, all of which must be known; None stays None."""
    if factors is None:
        return None
    if isinstance(factors, str) or not isinstance(factors, Iterable):
        raise TypeError(f"{argument} must be a list of factors, got {factors!r}.")
    chosen = list(factors)
    for factor in chosen:
        if factor not in known:
            raise ValueError(
                f"{argument} has {factor!r}, labels have {known}." + suggest(factor, known)
            )
    return chosen
