"""Pretrained towers from local folders of transformers and from ONNX files."""

from ._factory import PRETRAINED, Pretrained
from ._onnx import OnnxTower
from ._pictures import resize_matrix
from ._trunk import PretrainedTrunk

__all__ = ["PRETRAINED", "OnnxTower", "Pretrained", "PretrainedTrunk", "resize_matrix"]
