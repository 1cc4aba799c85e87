"""Training curves in MLflow, logged while the model trains."""

from __future__ import annotations

from numbers import Real
from typing import Any

from skorch.callbacks import Callback

from ._mlflow import import_mlflow


class MlflowCallback(Callback):
    """Log all numbers in the history of an aligner to the active MLflow run, after each epoch.

    Pass it as `IBAligner(callbacks=[MlflowCallback()])`. The caller starts and ends the run, and
    logs its parameters.
    """

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Raise ``RuntimeError`` unless there is an active run."""
        if import_mlflow().active_run() is None:
            raise RuntimeError(
                "MlflowCallback needs an active run: call `fit` inside `with mlflow.start_run():`."
            )

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Log the last epoch."""
        epoch = net.history[-1]
        numbers = {
            name: float(value)
            for name, value in epoch.items()
            if isinstance(value, Real) and name != "epoch" and not name.endswith("_batch_count")
        }
        import_mlflow().log_metrics(numbers, step=epoch["epoch"])
