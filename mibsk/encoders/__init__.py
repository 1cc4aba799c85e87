"""One encoder per modality: torch modules that know nothing of losses."""

from ._conv1d import Conv1d
from ._encoder import Encoder
from ._mlp import MLP
from ._registry import (
    auto_encoder,
    encoder_names,
    make_encoder,
    register_encoder,
)
from ._resnet import ResNet
from ._scaling import InputScaling
from ._sparse import SparseMLP
from ._vit import ViT
from ._tmp import build_encoder, frozen_names

__all__ = [
    "Encoder",
    "InputScaling",
    "MLP",
    "ResNet",
    "ViT",
    "Conv1d",
    "SparseMLP",
    "make_encoder",
    "auto_encoder",
    "register_encoder",
    "encoder_names",
]
