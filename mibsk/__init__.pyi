from . import (
    data,
    datasets,
    encoders,
    exceptions,
    inspection,
    losses,
    metrics,
    onnx,
    reporting,
    tracking,
)
from .data import ClassPairs, Modalities
from .estimators import IBAligner, ModalityEncoder
from .onnx import OnnxEncoder

__version__: str

__all__ = [
    "ClassPairs",
    "IBAligner",
    "Modalities",
    "ModalityEncoder",
    "OnnxEncoder",
    "data",
    "datasets",
    "encoders",
    "exceptions",
    "inspection",
    "losses",
    "metrics",
    "onnx",
    "reporting",
    "tracking",
]
