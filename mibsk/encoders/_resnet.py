"""Residual networks for small images."""

from numbers import Integral
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from ._factory import EncoderFactory
from ._images import ChannelsFirst, image_size


class ResNet(EncoderFactory):
    r"""Residual network for small images, as in section 4.2 of [1]_.

    A 3x3 convolution; three stages of ``(depth - 2) / 6`` blocks with `width`, 2 `width` and
    4 `width` channels, of which the second and third start with stride 2; the mean over
    positions; a linear layer. A block computes

    .. math:: y = \mathrm{ReLU}(\mathrm{BN}(W_2\,\mathrm{ReLU}(\mathrm{BN}(W_1 x))) + s(x))

    with the parameter-free shortcut `s` (option A): the identity, or, where the shape changes,
    every second position with zeros for the new channels.

    Parameters
    ----------
    depth : int, default=20
        Number of layers with weights, of the form 6n + 2: 20, 32, 44, 56 and 110 in [1]_.
    width : int, default=16
        Channels of the first stage.

    References
    ----------
    .. [1] He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.

    Examples
    --------
    >>> import torch
    >>> from mibsk.encoders import ResNet
    >>> encoder = ResNet(depth=20)(input_shape=(32, 32, 3), n_outputs=64)
    >>> encoder(torch.zeros(2, 32, 32, 3)).shape
    torch.Size([2, 64])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "depth": [Interval(Integral, 8, None, closed="left")],
        "width": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, depth: int = 20, *, width: int = 16) -> None:
        self.depth = depth
        self.width = width

    def _build_trunk(self, input_shape: tuple[int, ...]) -> tuple[list[nn.Module], int]:
        n_blocks, rest = divmod(self.depth - 2, 6)
        if rest:
            raise ValueError(
                f"depth={self.depth}: expected 6n + 2, such as {6 * n_blocks + 2} or "
                f"{6 * n_blocks + 8}."
            )
        n_channels = image_size(input_shape)[0]
        layers: list[nn.Module] = [
            ChannelsFirst(input_shape),
            _conv3x3(n_channels, self.width),
            nn.BatchNorm2d(self.width),
            nn.ReLU(),
        ]
        n_in = self.width
        for stage in range(3):
            n_out = self.width * 2**stage
            for block in range(n_blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                layers.append(ResidualBlock(n_in, n_out, stride=stride))
                n_in = n_out
        return [*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()], n_in


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a parameter-free shortcut around them."""

    def __init__(self, n_in: int, n_out: int, *, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.n_new_channels = n_out - n_in
        self.residual = nn.Sequential(
            _conv3x3(n_in, n_out, stride=stride),
            nn.BatchNorm2d(n_out),
            nn.ReLU(),
            _conv3x3(n_out, n_out),
            nn.BatchNorm2d(n_out),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, n_in, H, W) to (n, n_out, ceil(H / stride), ceil(W / stride))."""
        shortcut = x
        if self.stride > 1:
            shortcut = shortcut[:, :, :: self.stride, :: self.stride]
        if self.n_new_channels:
            shortcut = nn.functional.pad(shortcut, (0, 0, 0, 0, 0, self.n_new_channels))
        return nn.functional.relu(self.residual(x) + shortcut)


def _conv3x3(n_in: int, n_out: int, *, stride: int = 1) -> nn.Conv2d:
    conv = nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return conv
