"""What a fitted captioner does: captions and embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags, check_random_state

from .._checks.parameters import check_positive
from .._checks.row_names import check_row_names
from ..captioning import (
    BEGIN,
    CAPTION,
    END,
    PICTURE,
    CaptionTokenizer,
    PictureTower,
    QFormer,
    attention_of_queries,
    beam_search,
    check_search,
    check_texts,
    read_captions,
    sample_texts,
)
from ..data import first_tensor, to_batch, with_row_names
from ..encoders import PRETRAINED, Pretrained
from ..metrics import cider_d
from ..training import torch_defaults
from ._aligner import MAX_SEED, IBAligner
from ._check_fitted import check_fitted

_AT_A_TIME = 64  # pictures that are described together


def as_tower(tower: Any) -> Any:
    """Return the image encoder of a captioner, given its parameter `tower`.

    Raises
    ------
    ValueError
        If it is a string other than "pretrained:PATH".
    """
    if not isinstance(tower, str):
        return tower
    if not tower.startswith(PRETRAINED):
        raise ValueError(
            f"tower={tower!r}: expected '{PRETRAINED}PATH', with the path of a folder or an ONNX "
            "file, or an object with a method features."
        )
    return Pretrained(tower.removeprefix(PRETRAINED), output="tokens")


class FittedCaptioner(TransformerMixin, BaseEstimator):
    """Captions and embeddings by a fitted captioner."""

    tower: Any
    n_beams: int
    length_penalty: float
    aligner_: IBAligner
    tokenizer_: CaptionTokenizer

    def transform(self, X: Any, y: Any = None) -> Any:
        """Embed pictures, and captions if they are given.

        Parameters
        ----------
        X : array-like
            Features of n pictures, or images with `tower`, as for `fit`.
        y : sequence of str (m,), default=None
            Captions of any pictures.

        Returns
        -------
        ndarray of float32 (n, n_components_), or a pair with (m, n_components_)
            Rows of unit norm.
        """
        check_fitted(self)
        Z = with_row_names(self, self.embed({PICTURE: X})[PICTURE], X)
        return Z if y is None else (Z, self.embed({CAPTION: y})[CAPTION])

    def embed(self, X: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Embed pictures and captions by name.

        Parameters
        ----------
        X : mapping
            ``"picture"``: features (n, ...), or images with `tower`; ``"caption"``: sequence of
            str (m,). One of them is enough.

        Returns
        -------
        dict of str to ndarray of float32 (n, n_components_)
            Rows of unit norm.
        """
        check_fitted(self)
        found = {}
        for name, rows in X.items():
            if name == CAPTION:
                rows = self._tokens(rows)
            elif name == PICTURE:
                rows = self._features(rows)
            found[name] = self.aligner_.embed_modality(name, rows)
        return found

    def predict(self, X: Any) -> np.ndarray:
        """Return a caption of each picture, with the settings of the captioner.

        Returns
        -------
        ndarray of object (n,)
            Strings.
        """
        found = self.generate(X)
        captions = np.empty(len(found), dtype=object)
        captions[:] = found
        return captions

    @torch_defaults()
    def generate(
        self,
        X: Any,
        *,
        n_beams: int | None = None,
        length_penalty: float | None = None,
        max_length: int | None = None,
        sample: bool = False,
        temperature: float = 1.0,
        random_state: Any = None,
        return_scores: bool = False,
    ) -> Any:
        """Describe pictures, with other settings than those of the captioner.

        Parameters
        ----------
        X : array-like
            Features of n pictures, or images with `tower`.
        n_beams, length_penalty, max_length : default=None
            In place of the parameters of the captioner; `max_length` may be smaller than its own.
        sample : bool, default=False
            Draw the tokens at random, instead of beam search.
        temperature : float, default=1.0
            With `sample`: probabilities to the power of its inverse, > 0.
        random_state : int, RandomState instance or None, default=None
            With `sample`: an integer draws the same captions again.
        return_scores : bool, default=False
            Whether to return scores as well.

        Returns
        -------
        captions : list of str (n,)
        scores : ndarray of float64 (n,)
            With `return_scores`: see :func:`mibsk.captioning.beam_search` and
            :func:`mibsk.captioning.sample_texts`.

        Raises
        ------
        ValueError, TypeError
            If the captioner was fitted without captions (``captioning=0``), features are not like
            those of the training, or a setting is out of range.
        """
        check_fitted(self)
        self._check_describes()
        n_beams = self.n_beams if n_beams is None else n_beams
        length_penalty = self.length_penalty if length_penalty is None else length_penalty
        max_length = self.qformer_.max_length if max_length is None else max_length
        check_search(n_beams=n_beams, length_penalty=length_penalty, max_length=max_length)
        check_positive("temperature", temperature)
        options: dict[str, Any] = {"begin": BEGIN, "end": END, "max_length": max_length - 1}
        if sample:
            generator = torch.Generator().manual_seed(
                int(check_random_state(random_state).randint(MAX_SEED))
            )
            options |= {"temperature": temperature, "generator": generator}
        else:
            options |= {"n_beams": n_beams, "length_penalty": length_penalty}
        captions: list[str] = []
        scores: list[np.ndarray] = []
        for features in self._batches(X):
            memory = self.qformer_.look(features)[1]
            decode = sample_texts if sample else beam_search
            tokens, of_these = decode(self.qformer_, memory, **options)
            captions += self.tokenizer_.decode(tokens.cpu().numpy())
            scores.append(of_these.double().cpu().numpy())
        return (captions, np.concatenate(scores)) if return_scores else captions

    def score(self, X: Any, y: Any) -> float:
        """Return CIDEr-D of the captions of pictures.

        Parameters
        ----------
        X : array-like
            Features of n pictures, or images with `tower`; n >= 2.
        y : sequence of str, or of sequences of str (n,)
            Captions by people.

        Returns
        -------
        float
            In [0, 10]; see :func:`mibsk.metrics.cider_d`.
        """
        check_row_names({"X": X, "y": y})
        captions = self.predict(X)
        return float(cider_d(list(captions), read_captions(y, len(captions)).by_picture))

    @torch_defaults()
    def queries(self, X: Any) -> np.ndarray:
        """Return the states of the queries that have read pictures.

        Returns
        -------
        ndarray of float32 (n, n_queries, width)
            Their mean over the queries determines the embedding.
        """
        check_fitted(self)
        found = [self.qformer_.look(features)[0].cpu() for features in self._batches(X)]
        return torch.cat(found).numpy()

    @torch_defaults()
    def attention(self, X: Any) -> np.ndarray:
        """Return the weights with which each query reads each patch, in the last layer that reads.

        Returns
        -------
        ndarray of float32 (n, n_queries, n_patches)
            Means over the heads; rows sum to 1. Of pooled features, there is one patch.
        """
        check_fitted(self)
        found = [
            attention_of_queries(self.qformer_, features).cpu() for features in self._batches(X)
        ]
        return torch.cat(found).numpy()

    @property
    def qformer_(self) -> QFormer:
        """The trained querying transformer, on the device of the training."""
        return self._tower().qformer

    @property
    def n_components_(self) -> int:
        """Dimension of the embeddings."""
        return self.aligner_.n_components_

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns of `transform`, such as "qformercaptioner0"."""
        check_fitted(self)
        names = [f"{type(self).__name__.lower()}{i}" for i in range(self.n_components_)]
        return np.asarray(names, dtype=object)

    def _features(self, X: Any) -> Any:
        """Return the features of pictures.

        Raises
        ------
        ValueError
            If they have another number of axes.
        """
        tower = as_tower(self.tower)
        features = X if tower is None else tower.features(X)
        shape = np.shape(features) if isinstance(features, list | tuple) else features.shape
        if len(shape) not in (2, 3):
            advice = "" if self.tower else "; of images, pass the image encoder as tower="
            raise ValueError(
                "features of pictures must have the shape (n, d) or (n, n_patches, d), got "
                f"{tuple(shape)}{advice}."
            )
        return features

    def _tokens(self, captions: Any) -> np.ndarray:
        """Return the tokens of captions, as many as the longest caption of the training has."""
        (length,) = self.aligner_.inputs_[CAPTION].shape
        return self.tokenizer_.encode(check_texts(captions), max_length=length, pad=True)

    def _batches(self, X: Any) -> Iterator[torch.Tensor]:
        """Yield the checked and normalised features of some pictures at a time.

        Of no pictures there is one batch without rows, from which results take their shape.
        """
        features, spec = self._features(X), self.aligner_.inputs_[PICTURE]
        tower = self._tower()
        device = torch.device(self.aligner_.net_.device)
        for start in range(0, max(1, len(features)), _AT_A_TIME):
            rows = spec.prepare(features[start : start + _AT_A_TIME], start)
            with torch.inference_mode():
                yield tower.normalised(first_tensor(to_batch(rows, device)))

    def _tower(self) -> PictureTower:
        tower = self.aligner_.module_.encoder(PICTURE).backbone.eval()
        assert isinstance(tower, PictureTower)
        return tower

    def _check_describes(self) -> None:
        if not self.aligner_.encoders.captioning:
            raise ValueError(
                "the captioner was fitted with captioning=0, and has learned no captions: fit it "
                "with captioning=1.0."
            )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "aligner_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        return tags
