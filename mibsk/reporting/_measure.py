"""Everything that can be measured of two sets of embeddings, in one call."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .. import metrics
from .._checks.matrices import as_matrix, is_real, to_numpy
from .._checks.parameters import check_scalar
from ..data import duplicate_rows
from ._catalogue import CATALOGUE, FEW_RESAMPLES, MANY_COLUMNS, SQUARE, Entry
from ._labels import as_names, check_factors
from ._measurement import Chance, Line, Sample, Side
from ._report import Report
from ._rows import Rows

Progress = Callable[[int, int, str], None]

SIMILARITIES = ("cosine", "dot")
PROBES = ("linear", "mlp")
SAMPLE = 2000  # rows that pictures are drawn from
MANY_REPEATED = 0.01  # share of rows that equal another one, from which on it is said
MAX_CLASSES = 24  # that can be told apart in a picture


def measure(
    X: ArrayLike,
    Y: ArrayLike,
    labels: Any = None,
    *,
    names: tuple[str, str] = ("x", "y"),
    k: int = 10,
    similarity: str = "cosine",
    match: str | Iterable[str] | None = None,
    shared: Iterable[str] = (),
    nuisance: Iterable[str] = (),
    probe: str = "linear",
    ci: float | None = 0.95,
    n_permutations: int = 200,
    max_rows: int | None = None,
    random_state: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Measure how alike two sets of embeddings are, and what each knows.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features_x)
        One side.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        The other; row i is the partner of row i of `X`. With other columns than `X`, what needs one
        space is left out.
    labels : DataFrame, mapping or array-like (n_samples,), default=None
        Classes of the rows, one column per factor.
    names : pair of str, default=("x", "y")
        What to call the sides.
    k : int, default=10
        Number of nearest neighbours.
    similarity : {"cosine", "dot"}, default="cosine"
        Whether neighbours, retrieval and geometry see the direction of each row alone, or the rows
        as they are.
    match : str or iterable of str, default=None
        Factors: in retrieval every row counts that agrees with the query in all of them, not only
        its partner.
    shared, nuisance : iterable of str
        Factors that both sides should know, and that neither should hold.
    probe : {"linear", "mlp"}, default="linear"
        What reads the factors.
    ci : float or None, default=0.95
        Level of the intervals; None for none.
    n_permutations : int, default=200
        Shufflings behind each chance level; 0 for none.
    max_rows : int, default=None
        Use at most so many rows, drawn at random, for everything. None: all rows, and fewer where
        a metric compares each row with all others; each line says how many.
    random_state : int, default=0
        Seed of everything that is drawn.
    progress : callable, default=None
        Called as ``progress(n_done, n_all, what comes next)``.

    Returns
    -------
    Report

    Raises
    ------
    ValueError, TypeError
        If the data or an option cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.reporting import measure
    >>> Z = np.random.default_rng(0).standard_normal((40, 4))
    >>> report = measure(Z, Z, ci=None, n_permutations=0)
    >>> round(report["cka"].value, 6), report["recall_at_1.x_to_y"].value
    (1.0, 1.0)
    """
    names = _check_names(names)
    X, Y = (as_matrix(Z, name) for Z, name in zip((X, Y), names, strict=True))
    if len(X) != len(Y):
        raise ValueError(
            f"row i of {names[0]} must be the partner of row i of {names[1]}, got {len(X)} and "
            f"{len(Y)} rows: give as many in both"
        )
    shared, nuisance, match = (as_names(factors) for factors in (shared, nuisance, match))
    _check_options(k, similarity, match, shared, nuisance, probe, ci, n_permutations, max_rows)
    check_scalar("random_state", random_state, low=0, integer=True)
    wanted = [*shared, *nuisance]
    if labels is None and (wanted or match):
        raise ValueError(f"labels are needed for the factor {(wanted + match)[0]!r}: give them too")
    factors, notes = pd.DataFrame(), list[str]()
    if labels is not None:
        factors, notes = check_factors(labels, len(X), "labels", needed=wanted, match=match)
    how = _How(
        names=names,
        k=min(k, len(X) - 1),
        directions=similarity == "cosine",
        match=match,
        roles=_roles(factors, shared, nuisance),
        probe=probe,
        ci=ci,
        n_permutations=n_permutations,
        max_rows=max_rows,
        seed=random_state,
    )
    if how.k < k:
        notes.append(f"k is {how.k}, since there are {len(X)} rows")
    if X.shape[1] != Y.shape[1]:
        notes.append(
            f"{names[0]} has {X.shape[1]} columns and {names[1]} has {Y.shape[1]}: what needs both "
            "in one space is left out"
        )
    rows = Rows(X, Y, random_state)
    if not match and X.shape[1] == Y.shape[1]:
        notes += _repeated(rows, how)
    lines = tuple(_lines(rows, factors, how, progress))
    return Report(
        x=Side(names[0], tuple(X.shape), str(X.dtype)),
        y=Side(names[1], tuple(Y.shape), str(Y.dtype)),
        lines=lines,
        options={
            "k": k,
            "similarity": similarity,
            "match": match,
            "shared": shared,
            "nuisance": nuisance,
            "probe": probe,
            "ci": ci,
            "n_permutations": n_permutations,
            "max_rows": max_rows,
            "random_state": random_state,
        },
        sample=_sample(rows, factors, how),
        factors={
            str(factor): None if is_real(values) else int(values.nunique())
            for factor, values in factors.items()
        },
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class _How:
    """The options, checked."""

    names: tuple[str, str]
    k: int
    directions: bool
    match: list[str]
    roles: dict[str, str]  # factor -> shared, nuisance or other
    probe: str
    ci: float | None
    n_permutations: int
    max_rows: int | None
    seed: int


@dataclass(frozen=True)
class _Chosen:
    """Some rows of one side or of both, cut out when they are asked for."""

    rows: Rows
    n: int
    unit: bool
    choose: tuple[int, ...]

    def __call__(self) -> tuple[Any, ...]:
        sides = self.rows.take(self.n, unit=self.unit)
        return tuple(sides[i] for i in self.choose)


@dataclass(frozen=True)
class _Task:
    """One line to be measured: what is known of it beforehand, and the call that measures it."""

    line: Line
    entry: Entry
    arrays: _Chosen
    params: dict[str, Any]
    called: list[str]  # names of what the metric calls X and Y

    @property
    def n_resamples(self) -> int:
        wide = max(self.arrays.rows.n_columns) > MANY_COLUMNS
        if wide and self.entry.squares_columns:
            return min(self.entry.n_resamples, FEW_RESAMPLES)
        return self.entry.n_resamples

    def call(self, ci: metrics.Bootstrap | None) -> Any:
        metric = self.entry.described.function
        return metric(*self.arrays(), **self.params, **({} if ci is None else {"ci": ci}))


def _lines(
    rows: Rows, factors: pd.DataFrame, how: _How, progress: Progress | None
) -> Iterator[Line]:
    tasks = list(_tasks(rows, factors, how))
    for done, task in enumerate(tasks):
        if progress is not None:
            progress(done, len(tasks), f"{task.line.title} {task.line.subject}".strip())
        yield _measure_line(task, how)
    if progress is not None:
        progress(len(tasks), len(tasks), "")


def _tasks(rows: Rows, factors: pd.DataFrame, how: _How) -> Iterator[_Task]:
    """Yield what to measure, in the order of the catalogue."""
    for entry in CATALOGUE:
        if entry.described.one_space and len(set(rows.n_columns)) > 1:
            continue
        if entry.retrieves == "classes only" and not how.match:
            continue
        n = min(len(rows), how.max_rows or entry.max_rows)
        for key, subject, choose, factor in _subjects(entry, how):
            params = dict(entry.params)
            if entry.takes_k:
                params["k"] = min(how.k, n - 1)
            if entry.retrieves and how.match:
                classes = factors.groupby(how.match).ngroup().iloc[rows.numbers(n)]
                params["labels"] = (classes, classes)
            if factor is not None:
                params |= {
                    "labels": factors[factor].iloc[rows.numbers(n)],
                    "probe": how.probe,
                    "random_state": how.seed,
                }
            line = Line(
                key=key,
                metric=entry.key,
                group=entry.described.kind,
                title=entry.title,
                subject=subject,
                meaning=entry.meaning,
                source=entry.source,
                better=entry.better,
                n_rows=n,
                logarithmic=entry.span == "rank",
                span=_span(entry, n, min(how.k, n - 1)),
            )
            unit = entry.directions and how.directions
            called = [how.names[i] for i in choose]
            yield _Task(line, entry, _Chosen(rows, n, unit, choose), params, called)


def _subjects(entry: Entry, how: _How) -> Iterator[tuple[str, str, tuple[int, ...], str | None]]:
    """Yield key, name, sides to pass and factor of each line of an entry."""
    x, y = how.names
    compares = entry.described.compares
    if compares == "pair":
        yield entry.key, "", (0, 1), None
    elif compares == "both ways":
        yield f"{entry.key}.x_to_y", f"{x} → {y}", (0, 1), None
        yield f"{entry.key}.y_to_x", f"{y} → {x}", (1, 0), None
    elif compares == "each side":
        for i, side in enumerate("xy"):
            yield f"{entry.key}.{side}", how.names[i], (i,), None
    else:
        for factor, role in how.roles.items():
            if role == entry.role:
                for i, side in enumerate("xy"):
                    yield (
                        f"{entry.key}.{side}.{factor}",
                        f"{factor} in {how.names[i]}",
                        (i,),
                        factor,
                    )


def _span(entry: Entry, n: int, k: int) -> tuple[float, float] | None:
    if entry.span == "k":
        return (0.0, float(k))
    if entry.span == "log n":
        return (0.0, float(np.log(n)))
    if entry.span == "rank":
        return (1.0, float(n))
    return entry.span


def _measure_line(task: _Task, how: _How) -> Line:
    """Measure one line: as much of value, interval and chance level as there is."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = _value(task, how, notes)
        chance = None
        if found and task.entry.tested and how.n_permutations:
            chance = _chance(task, how, notes)
    notes += [str(warning.message) for warning in caught]
    note = "; ".join(dict.fromkeys(_in_words(text, task.called) for text in notes))
    return replace(task.line, **found, chance=chance, note=note)


def _value(task: _Task, how: _How, notes: list[str]) -> dict[str, Any]:
    if how.ci is not None:
        ci = metrics.Bootstrap(
            how.ci,
            n_resamples=task.n_resamples,
            max_rows=task.entry.resample_rows,
            random_state=how.seed,
        )
        try:
            value, low, high = task.call(ci)
        except ValueError as error:
            notes.append(str(error))
        else:
            return {"value": value, "low": low, "high": high, "n_resamples": ci.n_resamples}
    try:
        value = float(task.call(None))
    except ValueError as error:
        notes[:] = [str(error)]
        return {}
    notes[:] = [f"no interval: {text}" for text in notes]
    return {"value": value}


def _chance(task: _Task, how: _How, notes: list[str]) -> Chance | None:
    n = min(task.line.n_rows, task.entry.test_rows)
    params = dict(task.params)
    if task.entry.takes_k:
        params["k"] = min(params["k"], n - 1)
    try:
        found = metrics.permutation_test(
            task.entry.described.function,
            *replace(task.arrays, n=n)(),
            n_permutations=how.n_permutations,
            random_state=how.seed,
            **params,
        )
    except ValueError as error:
        notes.append(f"no chance level: {error}")
        return None
    level = float(found.null.mean())
    return Chance(found.value, level, found.p_value, how.n_permutations, n)


def _repeated(rows: Rows, how: _How) -> Iterator[str]:
    """Say where partners cannot be told from other rows, since these are the same."""
    n = min(len(rows), how.max_rows or SQUARE)
    for name, Z in zip(how.names, rows.take(n, unit=False), strict=True):
        found = duplicate_rows(to_numpy(Z))
        if found.n_rows > MANY_REPEATED * n:
            yield (
                f"{found.n_rows:,} of {n:,} rows of {name} equal another one: a partner among "
                "equal rows does not count as found. If any row that agrees in some factors "
                "will do, name them with match (--match)"
            )


def _sample(rows: Rows, factors: pd.DataFrame, how: _How) -> Sample:
    n = min(len(rows), how.max_rows or SAMPLE, SAMPLE)
    X, Y = (to_numpy(Z) for Z in rows.take(n, unit=how.directions))
    fitting = [f for f in how.roles if factors[f].nunique() <= MAX_CLASSES]
    fitting.sort(key=lambda factor: (factor not in how.match, how.roles[factor] != "shared"))
    shown = next(iter(fitting), None)
    return Sample(X, Y, None if shown is None else factors[shown].iloc[rows.numbers(n)])


def _in_words(text: str, called: list[str]) -> str:
    """Put the names of the sides in place of X, Y and Z in a message."""
    found = dict(zip("XY", called, strict=False)) | {"Z": called[0]}
    return re.sub(r"\b[XYZ]\b", lambda match: found.get(match[0], match[0]), text).rstrip(".")


def _roles(factors: pd.DataFrame, shared: list[str], nuisance: list[str]) -> dict[str, str]:
    roles = dict.fromkeys(map(str, factors), "other")
    return roles | dict.fromkeys(shared, "shared") | dict.fromkeys(nuisance, "nuisance")


def _check_names(names: Any) -> tuple[str, str]:
    names = tuple(names)
    if len(names) != 2 or not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError(f"names must be two names for the sides, got {names!r}")
    if names[0] == names[1]:
        raise ValueError(f"names must tell the sides apart, got {names[0]!r} twice")
    return names


def _check_options(
    k: Any,
    similarity: Any,
    match: Any,
    shared: list[str],
    nuisance: list[str],
    probe: Any,
    ci: Any,
    n_permutations: Any,
    max_rows: Any,
) -> None:
    check_scalar("k", k, low=1, integer=True)
    check_scalar("n_permutations", n_permutations, low=0, integer=True)
    if max_rows is not None:
        check_scalar("max_rows", max_rows, low=2, integer=True)
    if ci is not None:
        check_scalar("ci", ci, low=0, high=1, strict=True)
    for name, value, known in (
        ("similarity", similarity, SIMILARITIES),
        ("probe", probe, PROBES),
    ):
        if value not in known:
            raise ValueError(f"{name} must be one of {known}, got {value!r}")
    if both := sorted({*shared} & {*nuisance}):
        raise ValueError(f"factors cannot be both shared and nuisance: {both}")
