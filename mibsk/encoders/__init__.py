"""One encoder per modality, a trunk and a head: torch modules that do not depend on the losses."""

from .._checks import training_packages  # noqa: F401
from ._attention_pool import AttentionPool
from ._build import (
    auto_encoder,
    build_encoder,
    frozen_factory,
    make_encoder,
    scales_input,
    spec_of,
    tokenizers_of,
)
from ._closed_form import NORM_EPS, ClosedForm
from ._conv1d import Conv1d, MeanMaxPool
from ._encoder import Encoder
from ._factory import EncoderFactory
from ._flat_inputs import flat_inputs
from ._frozen import Frozen, FrozenFactory, FrozenTrunk, frozen_names
from ._images import ChannelsFirst
from ._joint import JointEncoders, JointTerm
from ._linear import Linear
from ._mlp import MLP
from ._projection import Projection
from ._registry import encoder_names, factory_classes, register_encoder
from ._resnet import ResidualBlock, ResNet
from ._scaling import InputScaling, Scaling, learn_scaling
from ._sparse import SparseLinear, SparseMLP
from ._vit import ViT
from .pretrained import PRETRAINED, OnnxTower, Pretrained, PretrainedTrunk

__all__ = [
    "PRETRAINED",
    "NORM_EPS",
    "ChannelsFirst",
    "MeanMaxPool",
    "ResidualBlock",
    "Encoder",
    "build_encoder",
    "InputScaling",
    "Scaling",
    "EncoderFactory",
    "MLP",
    "Linear",
    "ResNet",
    "ViT",
    "Conv1d",
    "SparseLinear",
    "SparseMLP",
    "AttentionPool",
    "Frozen",
    "FrozenFactory",
    "FrozenTrunk",
    "OnnxTower",
    "Pretrained",
    "PretrainedTrunk",
    "JointEncoders",
    "JointTerm",
    "frozen_factory",
    "frozen_names",
    "flat_inputs",
    "learn_scaling",
    "Projection",
    "ClosedForm",
    "make_encoder",
    "auto_encoder",
    "register_encoder",
    "encoder_names",
    "factory_classes",
    "scales_input",
    "spec_of",
    "tokenizers_of",
]
