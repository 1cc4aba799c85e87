"""Estimators in scikit-learn's manner."""

from ._aligner import IBAligner
from ._modality_encoder import ModalityEncoder

__all__ = ["IBAligner", "ModalityEncoder"]
