"""Torch tensors as arrays, told and read without importing torch."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_tensor(X: Any) -> bool:
    """Whether `X` is a torch tensor."""
    return hasattr(X, "detach") and hasattr(X, "layout")


def tensor_to_array(what: str, X: Any) -> np.ndarray:
    """Return the values of a tensor on any device; number formats that NumPy lacks become float32.

    Parameters
    ----------
    what : str
        What it is, for the message.
    X : Tensor
        On any device, with or without gradient.

    Raises
    ------
    TypeError
        If it is sparse, or has no values.
    """
    try:
        plain = X.detach().cpu().resolve_conj().resolve_neg()
        if str(plain.dtype).removeprefix("torch.").startswith(("bfloat", "float8")):
            plain = plain.float()
        return plain.numpy()
    except (NotImplementedError, RuntimeError, TypeError) as error:
        raise TypeError(
            f"{what} must be a dense tensor, got one of {X.dtype} and {X.layout} on {X.device}: "
            f"{str(error).splitlines()[0]}"
        ) from error
