"""Late import of MLflow."""

from __future__ import annotations

import os
from types import ModuleType

from .._checks.packages import not_installed


def import_mlflow() -> ModuleType:
    """Return the module `mlflow`, with telemetry off unless the environment enables it.

    Raises
    ------
    NotInstalledError
        If it is not installed.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow
    except ImportError as error:
        raise not_installed("for tracking", "mlflow") from error
    return mlflow
