"""The small network that finds words in pictures."""

from __future__ import annotations

from torch import nn


def feature_map(n_channels: int, width: int) -> nn.Sequential:
    """Return convolutions from pictures (n, n_channels, h, w) to (n, width, h / 8, w / 8)."""
    return nn.Sequential(
        *_convolution(n_channels, 32, size=5, stride=2),
        *_convolution(32, 64, stride=2),
        *_convolution(64, 96),
        nn.MaxPool2d(2),
        *_convolution(96, width),
    )


def _convolution(n_in: int, n_out: int, *, size: int = 3, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(n_in, n_out, size, stride=stride, padding=size // 2, bias=False)
    return [convolution, nn.BatchNorm2d(n_out), nn.ReLU()]
