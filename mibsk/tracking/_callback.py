"""Training curves that appear in MLflow while the model trains."""

from __future__ import annotations

from typing import Any

from skorch.callbacks import Callback

from ._mlflow import import_mlflow


class MlflowCallback(Callback):
    """Log each epoch's loss and its parts, gap, temperature and time into the active MLflow run.

    Pass it in `IBAligner(callbacks=[MlflowCallback()])`. Starting and ending the run, and its
    parameters, are left to the caller.
    """

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Require an active run, before hours of training go untracked."""
        if import_mlflow().active_run() is None:
            raise RuntimeError(
                "MlflowCallback needs an active run: train inside `with mlflow.start_run():`."
            )

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Log the last epoch."""
        epoch = net.history[-1]
        import_mlflow().log_metrics(_numbers(epoch), step=epoch["epoch"])


def _numbers(epoch: dict[str, Any]) -> dict[str, float]:
    """Return what is to be logged of one epoch of a skorch history."""
    return {
        key: float(value)
        for key, value in epoch.items()
        if isinstance(value, int | float) and key != "epoch" and not key.endswith("_batch_count")
    }
