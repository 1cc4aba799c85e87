"""Callbacks of scikit-learn (version 1.9 and later): the tasks of a fit are reported to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Self

from ..training import Trained

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9: no method set_callbacks
    CallbackSupportMixin, with_callbacks = object, None

Attributes = Callable[[], dict[str, Any]]
"""Returns the attributes of the estimator as if its fit had stopped at this point."""


class CallbackSupport(CallbackSupportMixin):
    """Method `set_callbacks`, if scikit-learn has callbacks."""


@contextmanager
def callbacks_of(estimator: Any) -> Iterator[None]:
    """Tear down the callbacks of an estimator at the end of the context, also after an error."""
    try:
        yield
    finally:
        if hasattr(estimator, "_callback_fit_ctx"):
            with_callbacks(_nothing)(estimator)


def _nothing(estimator: Any) -> None:
    """Fit nothing: what `with_callbacks` does afterwards is what is wanted."""


def has_callbacks(estimator: Any) -> bool:
    """Whether callbacks were set on an estimator, or passed on by a meta-estimator."""
    return bool(getattr(estimator, "_skl_callbacks", None))


@dataclass(frozen=True)
class FitTask:
    """A task in the fit of an estimator, which is reported to its callbacks.

    Parameters
    ----------
    estimator : estimator, default=None
        The estimator.
    context : sklearn.callback.CallbackContext, default=None
        The task in the framework of scikit-learn. None: nothing is reported.
    X, y : object, default=None
        The training data of the task.
    """

    estimator: Any = None
    context: Any = None
    X: Any = None
    y: Any = None

    @classmethod
    def of_fit(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        name: str = "fit",
        n_subtasks: int = 0,
        sequential: bool = True,
    ) -> Self:
        """Set up the callbacks, and begin the task of a whole fit inside :func:`callbacks_of`."""
        if with_callbacks is None:
            return cls()
        context = estimator._init_callback_context(
            task_name=name, max_subtasks=n_subtasks, sequential_subtasks=sequential
        )
        task = cls(estimator, context, X, y)
        task.begin()
        return task

    def subtask(self, name: str, *, task_id: int | None = None, n_subtasks: int = 0) -> Self:
        """Return a task that is part of this one."""
        if self.context is None:
            return self
        context = self.context.subcontext(task_name=name, task_id=task_id, max_subtasks=n_subtasks)
        return replace(self, context=context)

    def begin(self, attributes: Attributes | None = None) -> None:
        """Report the begin of the task."""
        if self.context is not None:
            self.context.call_on_fit_task_begin(
                estimator=self.estimator,
                X=self.X,
                y=self.y,
                reconstruction_attributes=attributes,
            )

    def end(self, attributes: Attributes | None = None) -> bool:
        """Report the end of the task, and return whether a callback asks to stop."""
        return self.context is not None and self.context.call_on_fit_task_end(
            estimator=self.estimator, X=self.X, y=self.y, reconstruction_attributes=attributes
        )

    @contextmanager
    def fits(self, estimator: Any) -> Iterator[None]:
        """Pass the callbacks on to the estimator whose fit is this task."""
        if self.context is None:
            yield
            return
        with self.context.propagate_callback_context(estimator):
            self.begin()
            yield
        self.end()


class TrainingTasks:
    """The training of an aligner as a task, with its epochs as subtasks.

    Parameters
    ----------
    aligner : IBAligner
        The aligner, with callbacks.
    X, y : object
        Its training data.
    name : str
        Name of the task.
    """

    def __init__(self, aligner: Any, X: Any, y: Any, name: str) -> None:
        self.aligner, self.X, self.y, self.name = aligner, X, y, name

    def begin_training(self, n_epochs: int) -> None:
        """Set up the callbacks."""
        self._fit = FitTask.of_fit(
            self.aligner, self.X, self.y, name=self.name, n_subtasks=n_epochs
        )

    def begin_epoch(self, stopped: Callable[[], Trained]) -> None:
        """Report the begin of an epoch."""
        self._epoch = self._fit.subtask("epoch")
        self._epoch.begin(lambda: {"trained_": stopped()})

    def end_epoch(self, stopped: Callable[[], Trained] | None) -> bool:
        """Report the end of an epoch, and return whether a callback asks to stop."""
        return self._epoch.end(None if stopped is None else lambda: {"trained_": stopped()})

    def end_training(self, trained: Trained) -> None:
        """Report the end of the training."""
        self._fit.end(lambda: {"trained_": trained})
