"""Canonical variates of the input, in closed form, beside the embedding of a network."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..data import EncoderInput, Features
from ._projection import Projection
from ._sparse import sparse_product

NORM_EPS = 1e-6


class ClosedForm(nn.Module):
    r"""Weighted canonical variates of the scaled input, beside the embedding of a network.

    With the variates `u` and the embedding `v`, both scaled to unit norm, the result is

    .. math:: z = \frac{(\alpha u, v)}{\sqrt{1 + \alpha^2}}

    so that the inner product of two results is the mean of the inner products of `u` and of `v`,
    with weights :math:`\alpha^2` and 1. For :math:`\alpha = \infty` it is `u`. It has no trained
    parameters and is not in the state dict, which contains the state of training.

    Parameters
    ----------
    weight : ndarray (n_variates, n_values)
        Weights of the flattened input; those of sparse input are transposed.
    bias : ndarray (n_variates,)
        Constants.
    alpha : float
        Weight :math:`\alpha > 0` of the variates.
    projection : Projection, default=None
        Reduces the dimension of the result, which is scaled to unit norm again.
    """

    weight: Tensor
    bias: Tensor

    def __init__(
        self,
        weight: NDArray,
        bias: NDArray,
        alpha: float,
        projection: Projection | None = None,
    ) -> None:
        super().__init__()
        for name, value in (("weight", weight), ("bias", bias)):
            # contiguous, so that the product is the same after the model is read from a file
            buffer = torch.from_numpy(np.array(value, np.float32, order="C"))
            self.register_buffer(name, buffer, persistent=False)
        self.alpha = alpha
        self.projection = projection

    def variates(self, x: EncoderInput) -> Tensor:
        r"""Map (n, \*input_shape), or a sparse pair (n, L), to variates (n, c) of unit norm."""
        if isinstance(x, Tensor):
            found = nn.functional.linear(x.to(torch.float32).flatten(1), self.weight, self.bias)
        else:
            assert not isinstance(x, Features)  # no tower has read the rows
            found = sparse_product(x, self.weight) + self.bias
        # the squares of large variates would overflow in the norm, and give a row of zeros
        found = found / found.abs().amax(dim=1, keepdim=True).clamp_min(NORM_EPS)
        return nn.functional.normalize(found, dim=1, eps=NORM_EPS)

    def forward(self, x: EncoderInput, v: Tensor) -> Tensor:
        """Map the input and the embedding of the network (n, d) to (n, n_outputs)."""
        norm = math.sqrt(1 + self.alpha**2)
        z = torch.cat([self.variates(x) * (self.alpha / norm), v / norm], dim=1)
        if self.projection is None:
            return z
        weight = self.projection.weight
        if z.device.type == "cpu":  # in float32, such a small product depends on the order of rows
            reduced = nn.functional.linear(z.double(), weight.double()).float()
        else:
            reduced = nn.functional.linear(z, weight)
        return nn.functional.normalize(reduced, dim=1, eps=NORM_EPS)

    @property
    def is_alone(self) -> bool:
        """Whether the embedding of the network is not used."""
        return math.isinf(self.alpha)

    def n_outputs(self, n_network: int) -> int:
        """Return the dimension of the result, beside a network of `n_network` outputs."""
        if self.is_alone:
            return len(self.bias)
        if self.projection is not None:
            return len(self.projection.bias)
        return len(self.bias) + n_network

    def extra_repr(self) -> str:
        """Show the number of variates and their weight when the module is printed."""
        return f"n_variates={len(self.bias)}, alpha={self.alpha:g}"
