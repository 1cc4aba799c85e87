"""Arrays in memory and tensors on an accelerator, read and converted alike."""

from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from .tensors import is_tensor

FloatMatrix = NDArray[np.float64]
Matrix = NDArray[Any]  # float32 or float64, or such a tensor on an accelerator


def on_accelerator(X: Any) -> bool:
    """Whether `X` is a tensor to compute with on its own device, rather than as an array."""
    return is_tensor(X) and X.device.type not in ("cpu", "meta")


def on_one_device(X: Any, Y: Any) -> tuple[Matrix, Matrix]:
    """Move both to the accelerator if one of them is there, as float32 if their types differ."""
    if not on_accelerator(X) and not on_accelerator(Y):
        return X, Y
    import torch

    device = X.device if on_accelerator(X) else Y.device
    X, Y = (torch.as_tensor(Z, device=device) for Z in (X, Y))
    return (X, Y) if X.dtype == Y.dtype else (X.float(), Y.float())


def double(X: Matrix) -> Matrix:
    """Return an array as C-contiguous float64; a tensor on an accelerator is returned as it is."""
    return X if on_accelerator(X) else np.ascontiguousarray(X, dtype=np.float64)


def as_double(X: Any) -> Any:
    """Return `X` as float64, also on an accelerator, unless that has no float64 (MPS)."""
    if on_accelerator(X) and X.device.type == "mps":
        return X
    xp = array_namespace(X)
    return xp.astype(X, xp.float64, copy=False)


def to_numpy(X: Any) -> NDArray[Any]:
    """Return `X` as a NumPy array."""
    return X.cpu().numpy() if is_tensor(X) else np.asarray(X)
