"""Linear encoder."""

from math import prod
from typing import Any, ClassVar

from torch import nn

from ._factory import EncoderFactory


class Linear(EncoderFactory):
    r"""Linear map of the flattened input: :math:`f(x) = W x + b`.

    Its features are the flattened input itself. It has no parameters.

    Examples
    --------
    >>> import torch
    >>> from mibsk.encoders import Linear
    >>> encoder = Linear()(input_shape=(8, 8), n_outputs=4)
    >>> encoder(torch.zeros(5, 8, 8)).shape
    torch.Size([5, 4])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}

    def _build_trunk(self, input_shape: tuple[int, ...]) -> tuple[list[nn.Module], int]:
        return [nn.Flatten()], prod(input_shape)
