"""Import the packages for training; packages that need them import this module first."""

from .packages import training_not_installed

try:
    import safetensors  # noqa: F401
    import skorch  # noqa: F401
    import torch  # noqa: F401
except ModuleNotFoundError as error:
    raise training_not_installed() from error
