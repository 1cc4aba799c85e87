"""Estimators with the scikit-learn API."""

from ._aligner import IBAligner
from ._aligner_cv import IBAlignerCV
from ._fit_together import fit_together
from ._modality_encoder import ModalityEncoder

__all__ = ["IBAligner", "IBAlignerCV", "ModalityEncoder", "fit_together"]
