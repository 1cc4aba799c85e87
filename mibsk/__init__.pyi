from . import (
    canonical,
    data,
    datasets,
    embedding,
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
from .estimators import (
    CanonicalBottleneck,
    IBAligner,
    IBAlignerCV,
    ModalityEncoder,
    QFormerCaptioner,
    fit_together,
)
from .onnx import OnnxEncoder

__version__: str

__all__ = [
    "CanonicalBottleneck",
    "ClassPairs",
    "IBAligner",
    "IBAlignerCV",
    "Modalities",
    "ModalityEncoder",
    "OnnxEncoder",
    "QFormerCaptioner",
    "canonical",
    "data",
    "datasets",
    "embedding",
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
