from ._callback import MlflowCallback
from ._run import continue_run, use_store
from .flavor import load_model, log_model, save_model

__all__ = [
    "MlflowCallback",
    "continue_run",
    "load_model",
    "log_model",
    "save_model",
    "use_store",
]
