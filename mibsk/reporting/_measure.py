"""All metrics of two sets of embeddings in one call."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike

from .. import metrics
from .._checks.devices import to_numpy
from .._checks.labels import is_real
from .._checks.matrices import as_matrix
from .._checks.parameters import check_scalar
from .._checks.row_names import check_row_names
from ..data import duplicate_rows
from ..metrics.catalogue import SQUARE
from ..metrics.neighbours import keep_searches, list_length
from ..metrics.probes import PROBES
from ..metrics.statistics import one_blas_thread
from ..metrics.undefined import UndefinedMetricError
from ._label_files import as_names, check_factors
from ._label_groups import split_groups
from ._measurement import Chance, Line, Measurement, Sample, Side
from ._printable import printable
from ._samples import Rows
from ._tasks import Options, Task, tasks_of
from ._together import Together, bootstrap

Progress = Callable[[int, int, str], None]

SIMILARITIES = ("cosine", "dot")
SAMPLE = 2000  # rows in the pictures
MANY_REPEATED = 0.01  # share of rows that equal another one, above which a note says so
MAX_CLASSES = 24  # that can be distinguished in a picture


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
    nuisances: Iterable[str] = (),
    probe: str = "linear",
    groups: str | ArrayLike | None = None,
    ci: float | None = 0.95,
    n_permutations: int = 200,
    max_rows: int | None = None,
    random_state: int = 0,
    progress: Progress | None = None,
) -> Measurement:
    """Measure similarity and information of two sets of embeddings.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features_x)
        One side.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        The other; row i is the partner of row i of `X`. If the numbers of columns differ, metrics
        of one space are left out.
    labels : DataFrame, mapping or array-like (n_samples,), default=None
        Factors of the rows, one column per factor.
    names : pair of str, default=("x", "y")
        Names of the sides.
    k : int, default=10
        Number of nearest neighbours.
    similarity : {"cosine", "dot"}, default="cosine"
        Whether neighbours, retrieval and geometry use rows scaled to unit norm, or the rows as they
        are.
    match : str or iterable of str, default=None
        Factors: in retrieval every row that agrees with the query in all of them is relevant, not
        only its partner.
    shared, nuisances : iterable of str
        Factors that both sides should contain, and that neither should contain.
    probe : {"linear", "mlp"}, default="linear"
        The probe that reads the factors.
    groups : str or array-like of shape (n_samples,), default=None
        Groups of rows that are not independent, such as recordings of one speaker, or the name of
        the column of `labels` that has them. Probes hold out whole groups, and intervals draw them.
        Permutations shuffle rows.
    ci : float or None, default=0.95
        Level of the bootstrap intervals; None: no intervals.
    n_permutations : int, default=200
        Number of permutations of the null distribution; 0 disables it.
    max_rows : int, default=None
        Largest number of rows, drawn at random, for all metrics. None: all rows, and fewer for
        metrics that compare each row with all others; each line says how many.
    random_state : int, default=0
        Seed of all random choices.
    progress : callable, default=None
        Called as ``progress(n_done, n_all, title_of_the_next)``.

    Returns
    -------
    Measurement

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
    check_row_names({"X": X, "Y": Y, "labels": labels, "groups": groups})
    X, Y = (as_matrix(Z, name) for Z, name in zip((X, Y), names, strict=True))
    if len(X) != len(Y):
        raise ValueError(
            f"row i of {names[0]} must be the partner of row i of {names[1]}, got {len(X)} and "
            f"{len(Y)} rows: pass as many in both."
        )
    shared, nuisances, match = (as_names(factors) for factors in (shared, nuisances, match))
    check_scalar("k", k, low=1, integer=True)
    check_scalar("n_permutations", n_permutations, low=0, integer=True)
    check_scalar("random_state", random_state, low=0, integer=True)
    if max_rows is not None:
        check_scalar("max_rows", max_rows, low=2, integer=True)
    if ci is not None:
        check_scalar("ci", ci, low=0, high=1, strict=True)
    if similarity not in SIMILARITIES:
        raise ValueError(f"similarity must be one of {SIMILARITIES}, got {similarity!r}.")
    if probe not in PROBES:
        raise ValueError(f"probe must be one of {PROBES}, got {probe!r}.")
    if both := sorted({*shared} & {*nuisances}):
        raise ValueError(f"factors cannot be both shared and nuisances: {both}.")
    wanted = [*shared, *nuisances]
    if labels is None and (wanted or match):
        raise ValueError(
            f"labels are needed for the factor {(wanted + match)[0]!r}: pass them too."
        )
    numbered, labels = split_groups(groups, labels, len(X), wanted=[*wanted, *match])
    factors, notes = pd.DataFrame(), list[str]()
    if labels is not None:
        factors, notes = check_factors(labels, len(X), "labels", needed=wanted, match=match)
    how = Options(
        names=names,
        k=min(k, len(X) - 1),
        directions=similarity == "cosine",
        match=match,
        roles=_roles(factors, shared, nuisances),
        probe=probe,
        ci=ci,
        n_permutations=n_permutations,
        max_rows=max_rows,
        seed=random_state,
        groups=numbered,
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
    tasks = list(tasks_of(rows, factors, how))
    with keep_searches(None if ci is None else _list_lengths(tasks)):
        lines = tuple(_lines(tasks, how, progress))
    return Measurement(
        x=Side(names[0], tuple(X.shape), str(X.dtype)),
        y=Side(names[1], tuple(Y.shape), str(Y.dtype)),
        lines=lines,
        options={
            "k": k,
            "similarity": similarity,
            "match": match,
            "shared": shared,
            "nuisances": nuisances,
            "probe": probe,
            "groups": None if numbered is None else int(numbered.max()) + 1,
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


def _list_lengths(tasks: list[Task]) -> dict[int, int]:
    """Return how many neighbours the lines need, by the number of rows that are searched."""
    lengths: dict[int, int] = {}
    for task in tasks:
        if task.entry.takes_k:
            n = task.line.n_rows
            length = list_length(n, task.params["k"], task.entry.resample_rows)
            lengths[n] = max(length, lengths.get(n, 0))
    return lengths


def _lines(tasks: list[Task], how: Options, progress: Progress | None) -> Iterator[Line]:
    together = Together(tasks, how)
    for done, task in enumerate(tasks):
        if progress is not None:
            progress(done, len(tasks), f"{task.line.title} {task.line.subject}".strip())
        yield _measure_line(task, how, together)
    if progress is not None:
        progress(len(tasks), len(tasks), "")


def _measure_line(task: Task, how: Options, together: Together) -> Line:
    """Measure one line: value, interval and chance level, as far as they are defined."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = _value(task, how, notes, together)
        chance = None
        if found and task.entry.group == "alignment" and how.n_permutations:
            chance = _chance(task, how, notes, together)
    notes += [str(warning.message).rstrip(".") for warning in caught]
    note = "; ".join(dict.fromkeys(notes))
    return replace(task.line, **found, chance=chance, note=note)


def _value(task: Task, how: Options, notes: list[str], together: Together) -> dict[str, Any]:
    shared = together.estimate(task)
    if isinstance(shared, float):
        return {"value": shared}
    ci = bootstrap(task, how)
    if ci is not None:
        try:
            estimate = task.call(ci) if shared is None else shared
        except ValueError as error:
            notes.append(_reason(error, task.called))
        else:
            found = dict(zip(("value", "low", "high"), estimate, strict=True))
            kept = {"level": ci.level, "replicates": estimate.replicates}
            return {**found, **kept, "n_resamples": ci.n_resamples}
    try:
        value = float(task.call(None))
    except ValueError as error:
        notes[:] = [_reason(error, task.called)]
        return {}
    notes[:] = [f"no interval: {text}" for text in notes]
    return {"value": value}


def _chance(task: Task, how: Options, notes: list[str], together: Together) -> Chance | None:
    n = task.n_tested
    params = dict(task.params)
    if task.entry.takes_k:
        params["k"] = min(params["k"], n - 1)
    try:
        found = together.permutation_test(task)
        if found is None:
            with one_blas_thread():  # a few rows, many times
                found = metrics.permutation_test(
                    task.entry.metric,
                    *replace(task.arrays, n=n)(),
                    n_permutations=how.n_permutations,
                    random_state=how.seed,
                    **params,
                )
    except ValueError as error:
        notes.append(f"no chance level: {_reason(error, task.called)}")
        return None
    level = float(found.null.mean())
    return Chance(found.value, level, found.p_value, how.n_permutations, n, found.calibrated)


def _repeated(rows: Rows, how: Options) -> Iterator[str]:
    """Yield a note on each side in which many rows equal another one."""
    n = min(len(rows), how.max_rows or SQUARE)
    for name, Z in zip(how.names, rows.take(n, unit=False), strict=True):
        found = duplicate_rows(to_numpy(Z))
        if found.n_rows > MANY_REPEATED * n:
            yield (
                f"{found.n_rows:,} of {n:,} rows of {name} equal another one: a partner among "
                "equal rows does not count as found. If any row that agrees in some factors "
                "will do, name them with match (--match)"
            )


def _sample(rows: Rows, factors: pd.DataFrame, how: Options) -> Sample:
    n = min(len(rows), how.max_rows or SAMPLE, SAMPLE)
    X, Y = (to_numpy(Z) for Z in rows.take(n, unit=how.directions))
    fitting = [f for f in how.roles if factors[f].nunique() <= MAX_CLASSES]
    fitting.sort(key=lambda factor: (factor not in how.match, how.roles[factor] != "shared"))
    shown = next(iter(fitting), None)
    return Sample(X, Y, None if shown is None else factors[shown].iloc[rows.numbers(n)])


def _reason(error: Exception, called: list[str]) -> str:
    """Return the message of an error with the names of the sides."""
    if not isinstance(error, UndefinedMetricError):
        return str(error).rstrip(".")
    return error.named({**dict(zip("XY", called, strict=False)), "Z": called[0]}).rstrip(".")


def _roles(factors: pd.DataFrame, shared: list[str], nuisances: list[str]) -> dict[str, str]:
    roles = dict.fromkeys(map(str, factors), "other")
    return roles | dict.fromkeys(shared, "shared") | dict.fromkeys(nuisances, "nuisance")


def _check_names(names: Any) -> tuple[str, str]:
    names = tuple(names)
    if len(names) != 2 or not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError(f"names must be two names for the sides, got {names!r}.")
    if names[0] == names[1]:
        raise ValueError(f"names must differ, got {names[0]!r} twice.")
    first, second = map(printable, names)
    return first, second
