"""Linear map of embeddings, computed in closed form after training."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class Projection(nn.Module):
    """Map embeddings linearly: ``z @ weight.T + bias``.

    It has no trained parameters and is not in the state dict, which contains the state of training.

    Parameters
    ----------
    weight : ndarray (n_outputs, n_components)
        Weights.
    bias : ndarray (n_outputs,)
        Constant.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: NDArray, bias: NDArray) -> None:
        super().__init__()
        for name, value in (("weight", weight), ("bias", bias)):
            # contiguous, so that the product is the same after the model is read from a file
            buffer = torch.from_numpy(np.array(value, np.float32, order="C"))
            self.register_buffer(name, buffer, persistent=False)

    def forward(self, z: Tensor) -> Tensor:
        """Map (n, n_components) to (n, n_outputs)."""
        return nn.functional.linear(z, self.weight, self.bias)
