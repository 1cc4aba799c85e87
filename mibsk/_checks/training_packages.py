"""Import the packages for training; packages that need them import this module first."""

from .packages import training_not_installed, without_collection

try:
    with without_collection():
        import torch  # noqa: F401
    with without_collection():  # after torch: the other order takes longer
        import safetensors  # noqa: F401
        import skorch  # noqa: F401
except ModuleNotFoundError as error:
    raise training_not_installed() from error
