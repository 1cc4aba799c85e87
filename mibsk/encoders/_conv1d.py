"""Convolutions over time."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from ._factory import EncoderFactory


class Conv1d(EncoderFactory):
    """Convolutions over time, for sequences such as log-mel spectrograms.

    Blocks of convolution with stride 2, batch normalisation and ReLU; then the mean and the
    maximum over time, concatenated; then a linear layer. Each block halves the length, rounding
    up, so any length is accepted.

    Parameters
    ----------
    channels : sequence of int, default=(64, 128, 128)
        Output channels of the blocks.
    kernel_size : int, default=5
        Width of the convolutions in frames; must be odd.
    dropout : float in [0, 1), default=0.0
        Probability of dropping a unit after each block during training.

    Notes
    -----
    Rows are (channels, time), or (time,) for one channel.

    Examples
    --------
    >>> import torch
    >>> from mibsk.encoders import Conv1d
    >>> encoder = Conv1d()(input_shape=(40, 64), n_outputs=16)
    >>> encoder(torch.zeros(2, 40, 64)).shape
    torch.Size([2, 16])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "channels": ["array-like"],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }
    _width_lists: ClassVar[dict[str, int]] = {"channels": 1}

    def __init__(
        self,
        channels: Sequence[int] = (64, 128, 128),
        *,
        kernel_size: int = 5,
        dropout: float = 0.0,
    ) -> None:
        self.channels = channels
        self.kernel_size = kernel_size
        self.dropout = dropout

    def _build_trunk(self, input_shape: tuple[int, ...]) -> tuple[list[nn.Module], int]:
        if len(input_shape) > 2:
            raise ValueError(
                f"Conv1d got rows of shape {input_shape}: expected (channels, time) or (time,)."
            )
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size={self.kernel_size} is even: expected an odd number.")
        layers: list[nn.Module] = []
        if len(input_shape) == 1:
            layers.append(nn.Unflatten(1, (1, input_shape[0])))
            n_in = 1
        else:
            n_in = input_shape[0]
        for n_out in self.channels:
            padding = self.kernel_size // 2
            layers += [
                nn.Conv1d(n_in, n_out, self.kernel_size, stride=2, padding=padding, bias=False),
                nn.BatchNorm1d(n_out),
                nn.ReLU(),
            ]
            if self.dropout:
                layers.append(nn.Dropout(self.dropout))
            n_in = n_out
        return [*layers, MeanMaxPool()], 2 * n_in


class MeanMaxPool(nn.Module):
    """Concatenation of the mean and the maximum over time."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels, time) to (n, 2 * channels)."""
        return torch.cat([x.mean(dim=-1), x.amax(dim=-1)], dim=-1)
