"""Base class of the encoder factories, which validate parameters and add the head to a trunk."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from numbers import Integral
from typing import ClassVar

from sklearn.base import BaseEstimator
from torch import nn


class EncoderFactory(BaseEstimator, ABC):
    """Hyperparameters of an encoder; calling the factory builds the module.

    An encoder is a trunk, which computes the features, and a head, the linear layer that maps them
    to the outputs. A subclass implements `_build_trunk`.

    The constructor only assigns, so that a factory can be cloned, printed and searched over
    (``get_params``, ``set_params``). Ranges are declared in ``_parameter_constraints``.
    """

    reads_sparse: ClassVar[bool] = False
    """Whether the module reads sparse rows, as pairs ``(indices, values)``."""

    _width_lists: ClassVar[dict[str, int]] = {}
    """Minimal length of the parameters that are sequences of positive integers."""

    @property
    def scales_input(self) -> bool:
        """Whether dense input is standardised before it reaches the module."""
        return True

    def __call__(self, input_shape: tuple[int, ...], n_outputs: int) -> nn.Sequential:
        r"""Build a module that maps (n, \*input_shape) to (n, n_outputs)."""
        self._validate_params()
        params = self.get_params(deep=False)
        for name, shortest in self._width_lists.items():
            if len(check_sizes(name, params[name])) < shortest:
                raise ValueError(f"{name} is empty: expected at least one width.")
        input_shape = check_sizes("input_shape", input_shape)
        if not input_shape:
            raise ValueError("input_shape is empty: expected the shape of one row, such as (10,).")
        (n_outputs,) = check_sizes("n_outputs", [n_outputs])
        trunk, n_features = self._build_trunk(input_shape)
        return nn.Sequential(*trunk, nn.Linear(n_features, n_outputs))

    @abstractmethod
    def _build_trunk(self, input_shape: tuple[int, ...]) -> tuple[list[nn.Module], int]:
        r"""Build layers that map (n, \*input_shape) to (n, n_features); return them and n_features.

        Parameters are valid when this is called.
        """


def check_sizes(name: str, sizes: Iterable[object]) -> tuple[int, ...]:
    """Return `sizes` as a tuple of positive ints; ValueError naming the parameter otherwise."""
    checked = []
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, Integral) or size < 1:
            raise ValueError(f"{name} holds {size!r}: expected positive integers.")
        checked.append(int(size))
    return tuple(checked)
