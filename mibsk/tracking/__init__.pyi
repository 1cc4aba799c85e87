from ._bundle import fetch_bundle
from ._callback import MlflowCallback
from ._run import continue_run, tracked_run
from ._store import sqlite_uri, use_store
from .flavor import load_model, log_model, save_model

__all__ = [
    "MlflowCallback",
    "continue_run",
    "fetch_bundle",
    "load_model",
    "log_model",
    "save_model",
    "sqlite_uri",
    "tracked_run",
    "use_store",
]
