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
    schedules,
    tracking,
)
from .data import ClassPairs, Modalities
from .estimators import IBAligner, IBAlignerCV, ModalityEncoder, fit_together
from .onnx import OnnxEncoder

__version__: str

__all__ = [
    "ClassPairs",
    "IBAligner",
    "IBAlignerCV",
    "Modalities",
    "ModalityEncoder",
    "OnnxEncoder",
    "data",
    "datasets",
    "encoders",
    "exceptions",
    "fit_together",
    "inspection",
    "losses",
    "metrics",
    "onnx",
    "reporting",
    "schedules",
    "tracking",
]
