"""Lines of a report that are measured together, since they share what is computed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

from .. import metrics
from ..metrics.together import estimates, permutation_tests
from ._tasks import Options, Task


class Together:
    """Metrics of second moments, measured when the first of them is asked for.

    Parameters
    ----------
    tasks : sequence of Task
        All lines of the report.
    how : Options
        Options of the report.
    """

    def __init__(self, tasks: Sequence[Task], how: Options) -> None:
        self._tasks = [task for task in tasks if task.entry.of == "pair" and not task.arrays.unit]
        self._how = how
        self._estimates: dict[Hashable, Any] = {}
        self._tests: dict[Hashable, Any] = {}
        self._measured: set[Hashable] = set()

    def estimate(self, task: Task) -> float | metrics.Estimate | None:
        """Return the value with its interval, or None if it must be measured alone."""
        kind = "estimate", task.line.n_rows, task.entry.resample_rows
        if self._starts(kind, task):
            alike = [
                each
                for each in self._tasks
                if kind[1:] == (each.line.n_rows, each.entry.resample_rows)
            ]
            X, Y = task.arrays()
            ci: dict[Hashable, metrics.Bootstrap | None] = {
                each.line.key: bootstrap(each, self._how) for each in alike
            }
            self._estimates |= estimates(_calls(alike), X, Y, ci)
        return self._estimates.get(task.line.key)

    def permutation_test(self, task: Task) -> metrics.PermutationTest | None:
        """Return the permutation test, or None if it must be computed alone."""
        kind, n = ("test", task.n_tested), task.n_tested
        if self._starts(kind, task):
            alike = [
                each
                for each in self._tasks
                if each.entry.group == "alignment" and each.n_tested == n
            ]
            X, Y = replace(task.arrays, n=n)()
            self._tests |= permutation_tests(
                _calls(alike),
                X,
                Y,
                n_permutations=self._how.n_permutations,
                random_state=self._how.seed,
            )
        return self._tests.get(task.line.key)

    def _starts(self, kind: Hashable, task: Task) -> bool:
        """Whether a task is the first of its kind."""
        first = any(task is each for each in self._tasks) and kind not in self._measured
        if first:
            self._measured.add(kind)
        return first


def bootstrap(task: Task, how: Options) -> metrics.Bootstrap | None:
    """Return the settings of the interval of a line."""
    if how.ci is None:
        return None
    return metrics.Bootstrap(
        how.ci,
        n_resamples=task.n_resamples,
        max_rows=task.entry.resample_rows,
        random_state=how.seed,
        groups=None if "groups" in task.params else task.groups,
    )


def _calls(tasks: Sequence[Task]) -> dict[Hashable, Any]:
    return {task.line.key: (task.entry.metric, task.params) for task in tasks}
