"""Training curves in MLflow, logged while the model trains."""

from __future__ import annotations

import sys
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, NamedTuple, Self

from skorch.callbacks import Callback

from ._mlflow import import_mlflow
from ._process import PROCESS, this_process


class _Run(NamedTuple):
    """A run and its store."""

    tracking_uri: str
    run_id: str

    @property
    def client(self) -> Any:
        """Client of the store."""
        return import_mlflow().MlflowClient(self.tracking_uri)


@dataclass
class _Fit:
    """One training of a net inside a run, and the run that its curves are logged to."""

    net: weakref.ref[Any]
    around: _Run
    run: _Run | None = None
    ended: bool = False

    def end(self, status: str) -> None:
        """End the run, if it is a nested one."""
        if self.run is not None and self.run != self.around and not self.ended:
            self.run.client.set_terminated(self.run.run_id, status)
            self.ended = True


class MlflowCallback(Callback):
    """Log all numbers in the history of an aligner to MLflow, after each epoch.

    Pass it as `IBAligner(callbacks=[MlflowCallback()])`, and call `fit` inside
    ``with mlflow.start_run():`` or ``with tracked_run(name):``. The curves are logged to this run,
    whose parameters the caller logs. Where one run contains several fits, each has a nested run of
    its own, with the parameters of its aligner: the fits of clones of the aligner that are made
    inside the run, as `IBAlignerCV` and the searches of scikit-learn make them, also in other
    processes; and a fit after another one in the same run. A fit with ``warm_start=True`` continues
    the curves.
    """

    # of several processes that train one model together
    first_process_only = True
    # the run that was active where this callback was cloned, or from where it was sent
    parent_: _Run | None = None
    fit_: _Fit | None = None

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Raise ``RuntimeError`` unless there is an active run."""
        import_mlflow()
        around = _active_run() or self._parent_elsewhere()
        if around is None:
            raise RuntimeError(
                "MlflowCallback needs an active run: call `fit` inside `with mlflow.start_run():`."
            )
        if self.fit_ is None or self.fit_.net() is not net or self.fit_.around != around:
            self.fit_ = _Fit(weakref.ref(net), around)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Log the last epoch."""
        fit, epoch, mlflow = self.fit_, net.history[-1], import_mlflow()
        assert fit is not None
        step = epoch["epoch"]
        if fit.run is None:
            fit.run = self._choose_run(fit.around, step, net.settings)
        elif fit.ended:  # this is the second stage of a training
            fit.run.client.update_run(fit.run.run_id, status="RUNNING")
            fit.ended = False
        now = int(1000 * time.time())
        metrics = [
            mlflow.entities.Metric(name, float(value), now, step)
            for name, value in epoch.items()
            if isinstance(value, Real) and name != "epoch" and not name.endswith("_batch_count")
        ]
        fit.run.client.log_batch(fit.run.run_id, metrics=metrics)

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """End a nested run."""
        if self.fit_ is not None:
            was_interrupted = len(net.history) > 0 and "dur" not in net.history[-1]
            self.fit_.end("KILLED" if was_interrupted else "FINISHED")

    def on_train_error(self, net: Any, error: BaseException) -> None:
        """End a nested run of a training that raised an error."""
        if self.fit_ is not None:
            self.fit_.end("FAILED" if isinstance(error, Exception) else "KILLED")

    def _choose_run(self, around: _Run, step: int, settings: Mapping[str, Any]) -> _Run:
        """Return the run around `fit`, or a new nested one if the other contains several fits."""
        client = around.client
        run = client.get_run(around.run_id)
        logged = "train_loss" in run.data.metrics
        curve = client.get_metric_history(around.run_id, "train_loss") if logged else []
        if self.parent_ != around and all(point.step < step for point in curve):
            client.set_tag(around.run_id, PROCESS, this_process())
            return around
        tags = {"mlflow.parentRunId": around.run_id, PROCESS: this_process()}
        nested = client.create_run(run.info.experiment_id, tags=tags)
        for name, value in settings.items():
            client.log_param(nested.info.run_id, name, value)
        return _Run(around.tracking_uri, nested.info.run_id)

    def _parent_elsewhere(self) -> _Run | None:
        """Return the run from which this callback was sent to another process, if it still runs."""
        if self.parent_ is None:
            return None
        mlflow = import_mlflow()
        try:
            run = self.parent_.client.get_run(self.parent_.run_id)
        except mlflow.exceptions.MlflowException:
            return None
        return self.parent_ if run.info.status == "RUNNING" else None

    def __sklearn_clone__(self) -> Self:
        clone = type(self)()
        clone.__setstate__(self.__getstate__())
        return clone

    # a copy, also in another process, belongs to no fit yet
    def __getstate__(self) -> dict[str, Any]:
        return {"parent_": _active_run() or self.parent_}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: a training that is resumed logs to the run that is active then."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Do nothing."""


def _active_run() -> _Run | None:
    if sys.modules.get("mlflow") is None:  # it takes seconds to import, and no run is active
        return None
    mlflow = import_mlflow()
    run = mlflow.active_run()
    return None if run is None else _Run(mlflow.get_tracking_uri(), run.info.run_id)
