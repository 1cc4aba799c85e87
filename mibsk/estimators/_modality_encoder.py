"""The encoder of one modality, as a transformer of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted


class ModalityEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Embed the rows of one modality with a fitted aligner.

    :meth:`mibsk.IBAligner.encoder` returns one. It is fitted already.

    Parameters
    ----------
    aligner : IBAligner
        A fitted aligner.
    modality : str
        Which of its modalities.

    Examples
    --------
    >>> from mibsk import IBAligner
    >>> from mibsk.datasets import load_digits_halves
    >>> halves = load_digits_halves().data
    >>> aligner = IBAligner(n_components=8, max_epochs=1, random_state=0).fit(halves)
    >>> aligner.encoder("left").transform(halves["left"][:3]).shape
    (3, 8)
    """

    def __init__(self, aligner: Any, modality: str) -> None:
        self.aligner = aligner
        self.modality = modality

    def fit(self, X: Any, y: Any = None) -> ModalityEncoder:
        """Check that the aligner is fitted and knows the modality; `X` is not looked at."""
        check_is_fitted(self.aligner)
        self.aligner.check_modality(self.modality)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self.aligner, "net_")

    def __sklearn_clone__(self) -> ModalityEncoder:
        return self  # it is fitted already: a clone would lose the aligner's weights

    def transform(self, X: Any) -> np.ndarray:
        """Return the embeddings of rows of this modality, (n, n_components) of unit norm."""
        check_is_fitted(self)
        return self.aligner.embed_modality(self.modality, X)

    @property
    def _n_features_out(self) -> int:
        return self.aligner.module_.n_components
