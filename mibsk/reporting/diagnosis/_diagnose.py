"""A diagnosis of paired tables, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..._checks.parameters import check_scalar
from ..._checks.row_names import check_row_names
from .._label_files import as_names, check_factors
from .._label_groups import split_groups
from .._measure import Progress
from ._diagnosis import Diagnosis, LearningCurve, Nonlinear, Point, Warned, sharing_of
from ._findings import warnings_of
from ._held_out import Blocks, ClosedForms, HeldOut, hold_out_in_turn
from ._nonlinear import with_kernel
from ._numbers import mean_difference, share_of_rows
from ._shared import TESTED_OF_MANY, TESTED_ROWS, Shared, find_shared, pairing_test, subsets_of
from ._tables import FEWEST_ROWS, Prepared, check_tables, complete_rows, prepare

MAX_ROWS = 10_000


def diagnose(
    data: Mapping[str, ArrayLike],
    labels: Any = None,
    *,
    match: str | Iterable[str] | None = None,
    groups: str | ArrayLike | None = None,
    ci: float = 0.95,
    n_permutations: int = 199,
    max_rows: int = MAX_ROWS,
    random_state: int = 0,
    progress: Progress | None = None,
) -> Diagnosis:
    """Say what paired tables share, before anything is trained.

    Whether they share anything linear and how many directions, whether the rows suffice, and
    whether :class:`mibsk.IBAligner` is likely to add to :class:`mibsk.CanonicalBottleneck`, each
    with an interval.

    Parameters
    ----------
    data : mapping of str to array-like or tensor (n_samples, ...)
        The tables, at least two: row i of all belongs together. Rows of more dimensions, such as
        images, are flattened. Rows of NaN alone are missing: only rows that all tables have are
        used.
    labels : DataFrame, mapping or array-like (n_samples,), default=None
        Labels of the rows, one column per factor. A column of the tables that determines one is
        reported.
    match : str or iterable of str, default=None
        Factors of the labels: every row that agrees with the query in all of them counts as its
        partner where recall@1 is measured, as for pairs by class.
    groups : str or array-like of shape (n_samples,), default=None
        Groups of rows that are not independent, such as recordings of one speaker, or the name of
        the column of `labels` that has them. They are held out and permuted as a whole, and the
        intervals count independent rows.
    ci : float, default=0.95
        Level of the intervals.
    n_permutations : int, default=199
        Number of permutations of the partners; 0: no test.
    max_rows : int, default=10000
        Largest number of rows, drawn at random; fewer if one table has more than 6,700 columns.
    random_state : int, default=0
        Seed of all random choices.
    progress : callable, default=None
        Called as ``progress(n_done, n_all, title_of_the_next)``.

    Returns
    -------
    Diagnosis

    Raises
    ------
    ValueError, TypeError
        If the data or an option cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.reporting import diagnose
    >>> rng = np.random.default_rng(0)
    >>> hidden = rng.standard_normal((200, 2))
    >>> X, Y = (
    ...     np.hstack([hidden, rng.standard_normal((200, 4))]) + 0.3 * rng.standard_normal((200, 6))
    ...     for _ in range(2)
    ... )
    >>> found = diagnose({"x": X, "y": Y})
    >>> found.sharing, found.shared.n_directions, found.shared.test.p_value
    ('linear', 2, 0.005)
    >>> found.network
    'not shown'
    """
    matrices = check_tables(data)
    check_row_names({**data, "labels": labels, "groups": groups})
    n = len(next(iter(matrices.values())))
    check_scalar("ci", ci, low=0, high=1, strict=True)
    check_scalar("n_permutations", n_permutations, low=0, integer=True)
    check_scalar("max_rows", max_rows, low=FEWEST_ROWS, integer=True)
    check_scalar("random_state", random_state, low=0, integer=True)
    match = as_names(match)
    if labels is None and match:
        raise ValueError(f"labels are needed for the factor {match[0]!r}: pass them too.")
    numbered, labels = split_groups(groups, labels, n, wanted=match)
    factors, notes = None, list[str]()
    if labels is not None:
        factors, notes = check_factors(labels, n, "labels", match=match)
    complete, incomplete = complete_rows(matrices)
    if incomplete:
        matrices = {name: X[complete] for name, X in matrices.items()}
        numbered = None if numbered is None else numbered[complete]
        factors = None if factors is None else factors.iloc[complete]
    prepared = prepare(matrices, numbered, max_rows, np.random.default_rng(random_state))
    factors = None if factors is None else factors.iloc[prepared.rows]
    subsets = subsets_of(len(matrices))
    steps = _Steps(progress, 4 + len(subsets))

    def shared_by(*chosen: int, **how: Any) -> Shared:
        names = [prepared.tables[i].name for i in chosen]
        steps.begin("what " + " and ".join(names) + " share")
        return find_shared(
            names,
            [prepared.views[i] for i in chosen],
            prepared.groups,
            level=ci,
            n_permutations=n_permutations,
            rng=np.random.default_rng(random_state),
            **how,
        )

    tested = TESTED_ROWS if len(matrices) == 2 else TESTED_OF_MANY
    shared = shared_by(*range(len(matrices)), tested_rows=tested, with_null=True)
    of_subsets = tuple(shared_by(*some, tested_rows=tested) for some in subsets)
    classes = np.arange(len(prepared.rows), dtype=np.intp)
    if match and factors is not None:
        classes = np.asarray(factors.groupby(match).ngroup(), np.intp)
    learning, nonlinear = _held_out(
        prepared, shared, classes, ci, n_permutations, random_state, steps
    )
    steps.begin("columns")
    found = [] if incomplete is None else [Warned("missing rows", incomplete)]
    found += [Warned(*each) for each in warnings_of(prepared, shared, factors)]
    found += [Warned("label", note) for note in notes]
    if sharing_of(shared, nonlinear) == "not shown":
        found.append(_unpaired(prepared))
    steps.end()
    return Diagnosis(
        tables=tuple(prepared.tables),
        n_rows=len(prepared.rows),
        n_groups=None if prepared.groups is None else int(prepared.groups.max()) + 1,
        shared=shared,
        subsets=of_subsets,
        learning=learning,
        nonlinear=nonlinear,
        warnings=tuple(found),
        options={
            "match": match,
            "ci": ci,
            "n_permutations": n_permutations,
            "max_rows": max_rows,
            "random_state": random_state,
        },
    )


class _Steps:
    """Tells which step comes next."""

    def __init__(self, progress: Progress | None, n_steps: int) -> None:
        self.progress, self.n_steps, self.done = progress, n_steps, 0

    def begin(self, title: str) -> None:
        if self.progress is not None:
            self.progress(self.done, self.n_steps, title)
        self.done += 1

    def end(self) -> None:
        if self.progress is not None:
            self.progress(self.done, self.n_steps, "")


def _held_out(
    prepared: Prepared,
    shared: Shared,
    classes: NDArray[np.intp],
    level: float,
    n_permutations: int,
    seed: int,
    steps: _Steps,
) -> tuple[LearningCurve, Nonlinear]:
    """Return recall@1 of held-out rows over the rows, and with features of a kernel."""
    views, groups = prepared.views, prepared.groups
    blocks = Blocks.of(len(views[0]), groups, np.random.default_rng(seed))
    sizes = [size for size in (1, 2, 4) if size <= blocks.n_parts]
    steps.begin("learning curve")
    closed = ClosedForms(views, blocks, separate_ridges=True)
    linear = hold_out_in_turn(closed, blocks, classes, sizes, seed)
    of_rows = None if groups is None else np.unique(groups[linear.rows], return_inverse=True)[1]
    steps.begin("relations that are not linear")
    features = with_kernel(views, np.random.default_rng(seed))
    kernel = hold_out_in_turn(
        ClosedForms(features, blocks, separate_ridges=True), blocks, classes, sizes[-1:], seed
    )
    test = None
    if sharing_of(shared, None) == "not shown":
        test = pairing_test(
            features, groups, n_permutations=n_permutations, rng=np.random.default_rng(seed)
        )
    before, after = (found.hits[sizes[-1]] for found in (linear, kernel))
    nonlinear = Nonlinear(
        recall=share_of_rows(after, of_rows, level),
        difference=mean_difference(after - before, of_rows, level),
        test=test,
    )
    return _curve(linear, of_rows, sizes, level), nonlinear


def _curve(linear: HeldOut, groups: Any, sizes: list[int], level: float) -> LearningCurve:
    points = tuple(
        Point(round(linear.n_train[size]), share_of_rows(linear.hits[size], groups, level))
        for size in sizes
    )
    gain = None
    if len(sizes) > 1:
        gain = mean_difference(linear.hits[sizes[-1]] - linear.hits[sizes[-2]], groups, level)
    return LearningCurve(points, gain, round(linear.n_candidates), linear.chance)


def _unpaired(prepared: Prepared) -> Warned:
    return Warned(
        "unpaired",
        "partners share no more than shuffled ones: if you expected more, check that row i is the "
        "same thing in all tables, since one of them may be sorted in another way or lack some of "
        "the rows",
    )
