"""Estimators with the scikit-learn API."""

from .._checks import training_packages  # noqa: F401
from ._aligner import IBAligner
from ._aligner_cv import IBAlignerCV
from ._canonical_bottleneck import CanonicalBottleneck
from ._fit_together import fit_together
from ._modality_encoder import ModalityEncoder
from ._paired import PairedTransformer
from ._qformer_captioner import QFormerCaptioner

__all__ = [
    "CanonicalBottleneck",
    "IBAligner",
    "IBAlignerCV",
    "ModalityEncoder",
    "PairedTransformer",
    "QFormerCaptioner",
    "fit_together",
]
