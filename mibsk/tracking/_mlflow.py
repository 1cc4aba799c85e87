"""Late import of MLflow."""

from __future__ import annotations

import os
from types import ModuleType

from ..exceptions import NotInstalledError


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
        raise NotInstalledError(
            "mlflow is needed for tracking: pip install 'mibsk[tracking]'."
        ) from error
    return mlflow
