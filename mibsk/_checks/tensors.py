"""Torch tensors as arrays, recognised and converted without importing torch."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_tensor(X: Any) -> bool:
    """Whether `X` is a torch tensor."""
    return hasattr(X, "detach") and hasattr(X, "layout")


def tensor_to_array(what: str, X: Any) -> np.ndarray:
    """Return the values of a tensor on any device; dtypes that NumPy lacks become float32.

    Parameters
    ----------
    what : str
        Name used in error messages.
    X : Tensor
        On any device, with or without gradient.

    Raises
    ------
    TypeError
        If it is sparse, or on the meta device.
    """
    try:
        plain = X.detach().cpu().resolve_conj().resolve_neg()
        if str(plain.dtype).removeprefix("torch.").startswith(("bfloat", "float8")):
            plain = plain.float()
        return plain.numpy()
    except (NotImplementedError, RuntimeError, TypeError) as error:
        raise TypeError(
            f"{what} must be a dense tensor, got one of {X.dtype} and {X.layout} on {X.device}: "
            f"{str(error).splitlines()[0]}."
        ) from error
