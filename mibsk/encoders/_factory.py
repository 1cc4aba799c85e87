"""What all encoder factories share: parameters validated when the module is built."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from numbers import Integral

from sklearn.base import BaseEstimator
from torch import nn


class EncoderFactory(BaseEstimator, ABC):
    """Recipe for an encoder: holds hyperparameters, builds the module when called.

    The constructor only assigns, so that a recipe can be cloned, printed and searched over
    (``get_params``, ``set_params``). Ranges stand in ``_parameter_constraints``.
    """

    def __call__(self, input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
        r"""Build a module that maps (n, \*input_shape) to (n, n_outputs)."""
        self._validate_params()
        input_shape = check_sizes("input_shape", input_shape)
        if not input_shape:
            raise ValueError("input_shape is empty: expected the shape of one row, such as (10,).")
        (n_outputs,) = check_sizes("n_outputs", [n_outputs])
        return self._build(input_shape, n_outputs)

    @abstractmethod
    def _build(self, input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
        """Build the module from valid parameters."""


def check_sizes(name: str, sizes: Iterable[object]) -> tuple[int, ...]:
    """Return `sizes` as a tuple of positive ints; ValueError naming the parameter otherwise."""
    checked = []
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, Integral) or size < 1:
            raise ValueError(f"{name} holds {size!r}: expected positive integers.")
        checked.append(int(size))
    return tuple(checked)
