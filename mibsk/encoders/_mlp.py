"""Multilayer perceptron."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from numbers import Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval
from torch import nn

from ._factory import EncoderFactory


class MLP(EncoderFactory):
    r"""Multilayer perceptron over the flattened input.

    .. math:: h_l = \mathrm{ReLU}(\mathrm{BN}(W_l h_{l-1})), \quad z = W h_L + b

    Parameters
    ----------
    hidden : sequence of int, default=(256, 128)
        Widths of the hidden layers; an empty sequence gives a linear encoder. The controlled
        experiments of [1]_ use (512, 256) for images and (64, 64) for factors.
    batch_norm : bool, default=True
        Normalise each hidden layer over the batch [2]_.
    dropout : float in [0, 1), default=0.0
        Probability of dropping a hidden unit during training.

    References
    ----------
    .. [1] Almudévar et al., "Aligning Multimodal Representations through an Information
       Bottleneck", ICML 2025, arXiv:2506.04870.
    .. [2] Ioffe and Szegedy, "Batch Normalization", ICML 2015.

    Examples
    --------
    >>> import torch
    >>> from mibsk.encoders import MLP
    >>> encoder = MLP(hidden=(32,))(input_shape=(8, 8), n_outputs=4)
    >>> encoder(torch.zeros(5, 8, 8)).shape
    torch.Size([5, 4])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden": ["array-like"],
        "batch_norm": ["boolean"],
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }
    _width_lists: ClassVar[dict[str, int]] = {"hidden": 0}

    def __init__(
        self,
        hidden: Sequence[int] = (256, 128),
        *,
        batch_norm: bool = True,
        dropout: float = 0.0,
    ) -> None:
        self.hidden = hidden
        self.batch_norm = batch_norm
        self.dropout = dropout

    def _build_trunk(self, input_shape: tuple[int, ...]) -> tuple[list[nn.Module], int]:
        widths = (prod(input_shape), *self.hidden)
        layers: list[nn.Module] = [nn.Flatten()]
        for n_in, n_out in pairwise(widths):
            # no bias before BatchNorm, which subtracts it with the mean
            layers.append(nn.Linear(n_in, n_out, bias=not self.batch_norm))
            layers += activation(n_out, batch_norm=self.batch_norm, dropout=self.dropout)
        return layers, widths[-1]


def activation(width: int, *, batch_norm: bool, dropout: float) -> list[nn.Module]:
    """Return the layers that follow a linear layer: BatchNorm, ReLU, dropout."""
    layers: list[nn.Module] = [nn.BatchNorm1d(width)] if batch_norm else []
    layers.append(nn.ReLU())
    if dropout:
        layers.append(nn.Dropout(dropout))
    return layers
