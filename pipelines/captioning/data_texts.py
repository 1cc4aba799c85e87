"""Features of texts and tables that need no pretrained network: words and counts of objects."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer


def words(**settings: Any) -> TfidfVectorizer:
    """Return TF-IDF of words, or of n-grams of characters with ``analyzer="char_wb"``.

    Parameters
    ----------
    **settings
        Parameters of `TfidfVectorizer` other than these defaults: words of any length, in two texts
        at least, with logarithmic counts.
    """
    defaults: dict[str, Any] = {"min_df": 2, "sublinear_tf": True}
    if settings.get("analyzer", "word") == "word":
        defaults["token_pattern"] = r"\w+"
    ngrams = tuple(settings.get("ngram_range", (1, 1)))  # a list in YAML
    return TfidfVectorizer(**(defaults | settings | {"ngram_range": ngrams}))


class ObjectCounts(TransformerMixin, BaseEstimator):
    """Counts of the objects in each box of `fetch_nlvr`, sorted over the boxes.

    Of each box: objects of each colour and type (9), of each size (3, by thirds of the largest),
    and the highest object of each colour (3). As statements do not say which box they are about,
    each of these is sorted over the three boxes.
    """

    def fit(self, objects: NDArray[np.float32], y: None = None) -> Self:
        """Learn nothing."""
        return self

    def transform(self, objects: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the features (n, 45) of tables (n, 3, 8, 10)."""
        there, colours, types = objects[..., :1], objects[..., 1:4], objects[..., 4:7]
        kinds = np.einsum("nboc,nbot->nbct", colours, types).reshape(*objects.shape[:2], 9)
        size = np.ceil(objects[..., 7:8] * 3).clip(1, 3) == np.arange(1, 4)
        sizes = (there * size).sum(axis=2)
        height = ((1 - objects[..., 9:10]) * colours).max(axis=2)
        of_boxes = np.concatenate([kinds, sizes, height], axis=2)
        return np.sort(of_boxes, axis=1).reshape(len(objects), -1).astype(np.float32)
