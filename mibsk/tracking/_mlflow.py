"""MLflow, imported when it is needed."""

from __future__ import annotations

import os
from types import ModuleType

from ..exceptions import NotInstalledError


def import_mlflow() -> ModuleType:
    """Return the module; without it raise `NotInstalledError` naming the command that installs it.

    Telemetry is off unless the environment says otherwise.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow
    except ImportError as error:
        raise NotInstalledError(
            "mlflow is needed for tracking: pip install 'mibsk[tracking]'."
        ) from error
    return mlflow
