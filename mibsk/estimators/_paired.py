"""Base class of estimators that embed paired data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import validate_data
from torch.utils.data import Dataset

from .. import metrics
from .._checks.parameters import suggest
from .._checks.row_names import check_row_names
from ..data import (
    ClassPairs,
    Form,
    InputSpec,
    MappingForm,
    by_name,
    check_table,
    is_table,
    rows_with_missing,
    with_row_names,
)
from ..encoders import Encoder
from ..training import dataset_chunks, torch_defaults
from ._callback_support import CallbackSupport
from ._check_fitted import check_fitted
from ._fusion import check_fusion, fuse
from ._impute import Imputed, impute
from ._modality_encoder import ModalityEncoder

COLUMNS = ("n_features_in_", "feature_names_in_")


def table_columns(X: Any) -> dict[str, Any]:
    """Check a table, and return its ``n_features_in_`` and ``feature_names_in_``."""
    check_table(X)
    record = BaseEstimator()
    validate_data(record, X, skip_check_array=True)
    return dict(vars(record))


class PairedTransformer(CallbackSupport, TransformerMixin, BaseEstimator):
    """Embedding of paired data, given an embedding of the rows of one modality.

    A derived class has the parameters `modalities` and `fusion`, `fit`, and the methods and
    attributes that raise `NotImplementedError` here.
    """

    modalities: Any
    fusion: str
    form_: Form
    inputs_: dict[str, InputSpec]

    def _set_columns(self, columns: Mapping[str, Any]) -> None:
        """Set ``n_features_in_`` and ``feature_names_in_`` in place of those of an earlier fit."""
        for name in COLUMNS:
            self.__dict__.pop(name, None)
        self.__dict__.update(columns)

    def fit_transform(self, X: Any, y: Any = None, *, groups: Any = None) -> Any:
        """Train, and embed the training data.

        A second table is embedded as well, as in `sklearn.cross_decomposition.CCA`, but a 1-d `y`
        is not, so that the next step of a pipeline gets one array.
        """
        self.fit(X, y, groups=groups)
        is_table = self.form_.is_pair and len(rows_with_missing("y", y).shape) > 1
        return self.transform(X, y if is_table else None)

    def embed(self, X: Any, y: Any = None) -> dict[str, np.ndarray]:
        """Embed each given modality separately.

        Parameters
        ----------
        X : mapping of str to array-like or table
            Data in the form passed to `fit`; a mapping may contain only some modalities.
        y : array-like, default=None
            Rows of the second of two tables.

        Returns
        -------
        dict of str to ndarray of float32 (n, n_components)
            Rows of unit norm; NaN in rows that are missing (None, masked, or NaN alone).

        Raises
        ------
        ValueError, TypeError
            If the data do not match those of `fit`, or an embedding is not finite.
        """
        check_fitted(self)
        return self._each(X, y, self.embed_modality)

    @torch_defaults()
    def _each(
        self, X: Any, y: Any, function: Callable[[str, Any], np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Return ``function(name, rows)`` (n, ...) of each given modality."""
        X = self.check_form(X)
        if isinstance(X, Dataset):
            parts = [self._each(chunk, None, function) for chunk in dataset_chunks(X)]
            if not parts:
                raise ValueError("a torch Dataset must have at least one item.")
            return _concatenated(parts, self.modality_names_)
        return {name: function(name, rows) for name, rows in self.form_.read(X, y).items()}

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return mean recall@1 over all ordered pairs of modalities.

        A row is a hit if the most similar row of the other modality is its partner or, for
        :class:`ClassPairs` and for class labels as `y`, a row of its class. Rows that lack a
        modality are left out of its pairs, which then count with the rows that have both.

        Parameters
        ----------
        X : mapping of str to array-like or table
            All modalities, in the form passed to `fit`.
        y : array-like, default=None
            Rows of the second of two tables; ignored in any other form.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows.

        Returns
        -------
        float
            Mean recall, in [0, 1].
        """
        check_row_names({"X": X, "sample_weight": sample_weight})
        embedded = self.embed(X, y)
        if len(embedded) < len(self.modality_names_):
            raise ValueError(
                f"score compares all of {self.modality_names_}, got only {list(embedded)}."
            )
        labels = X.labels if isinstance(X, ClassPairs) else y if self.form_.label_names else None
        recalls, sizes = [], []
        for z, w in permutations(embedded.values(), 2):
            both = ~np.isnan(z[:, 0] + w[:, 0])
            if both.all():
                part, of_part, weights = (z, w), labels, sample_weight
            elif np.count_nonzero(both) > 1:
                part = z[both], w[both]
                of_part, weights = (
                    None if of is None else np.asarray(of)[both] for of in (labels, sample_weight)
                )
            else:
                continue
            classes = None if of_part is None else (of_part, of_part)
            recalls.append(metrics.recall_at_k(*part, labels=classes, sample_weight=weights))
            sizes.append(len(part[0]))
        if not recalls:
            raise ValueError(
                f"score needs two rows that have both of two modalities of {self.modality_names_}."
            )
        return float(np.mean(recalls) if len(set(sizes)) == 1 else np.average(recalls, None, sizes))

    def embed_modality(self, modality: str, X: Any) -> np.ndarray:
        """Embed rows of one modality."""
        raise NotImplementedError

    @property
    def n_components_(self) -> int:
        """Number of columns of each modality in the output of `transform`."""
        raise NotImplementedError

    @property
    def embedding_width_(self) -> int:
        """Number of columns of an embedding."""
        return self.n_components_

    def as_module(self, modality: str) -> Encoder:
        """Return a copy of the embedding of a modality as a torch module on the CPU."""
        raise NotImplementedError

    def transform(self, X: Any, y: Any = None) -> Any:
        """Embed paired data and fuse the modalities to one array.

        Parameters
        ----------
        X : mapping of str to array-like or table
            Data in the form passed to `fit`.
        y : array-like, default=None
            Rows of the second of two tables.

        Returns
        -------
        ndarray of float32 (n, n_features_out), or a pair of (n, n_components)
            For two tables the embeddings of `X`, and also those of `y` if given. Otherwise the
            modalities, fused as specified by `fusion`: a row that lacks some has the mean of the
            others, or NaN in the columns of those that it lacks.

        Raises
        ------
        ValueError, TypeError
            If the data do not match those of `fit`, or a modality that `fusion` needs is missing.
        """
        check_fitted(self)
        check_fusion(self.fusion, self.modality_names_)
        return with_row_names(self, self._fused(self.embed(X, y), y), X)

    def impute(self, X: Any, modality: str, *, reference: Any) -> Imputed:
        """Return the rows of a modality, taken from reference data where `X` lacks them.

        A row gets that of the reference whose embedding is most similar to the mean of the
        embeddings of what the row has. Nothing of the training is stored in the estimator: pass
        the training data, or any other, as `reference`.

        Parameters
        ----------
        X : mapping of str to array-like, table, or pair of tables
            Data in the form passed to `fit`, of which rows may lack the modality, or all do.
        modality : str
            Name of the modality.
        reference : mapping of str to array-like, table, or pair of tables
            Data that have the modality, in the same form; other modalities are not read.

        Returns
        -------
        Imputed
            `values` (n, ...), `similarity` (n,), and the number of the `donor` (n,) in `reference`.

        Raises
        ------
        ValueError
            If the modality is unknown, `X` has no other modality, a row lacks all of them, or the
            reference has no row of the modality.

        Examples
        --------
        >>> from mibsk import IBAligner
        >>> from mibsk.datasets import load_digits_halves
        >>> halves = load_digits_halves().data
        >>> train, left = halves[:1500], halves["left"][1500:]
        >>> aligner = IBAligner(max_epochs=5, random_state=0).fit(train)
        >>> found = aligner.impute({"left": left}, "right", reference=train)
        >>> found.values.shape, found.similarity.shape
        ((297, 8, 4), (297,))
        """
        check_fitted(self)
        self.check_modality(modality)
        return impute(self, X, modality, reference)

    def _fused(self, embedded: dict[str, np.ndarray], y: Any) -> Any:
        """Return the output of `transform`, given that of each modality."""
        if self.form_.is_pair:
            return tuple(embedded.values()) if y is not None else embedded["x"]
        return fuse(embedded, self.fusion, self.modality_names_)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns of `transform`, such as "image_0" or "ibaligner0"."""
        check_fitted(self)
        width = range(self.n_components_)
        if self.fusion == "concat" and not self.form_.is_pair:
            names = [f"{name}_{i}" for name in self.modality_names_ for i in width]
        else:
            names = [f"{type(self).__name__.lower()}{i}" for i in width]
        return np.asarray(names, dtype=object)

    def encoder(self, modality: str) -> ModalityEncoder:
        """Return the encoder of one modality as a fitted transformer."""
        check_fitted(self)
        self.check_modality(modality)
        return ModalityEncoder(FrozenEstimator(self), modality)

    def check_modality(self, modality: str) -> None:
        """Raise ``ValueError`` if there is no such modality."""
        if modality not in self.modality_names_:
            raise ValueError(
                f"unknown modality {modality!r}; fitted on {self.modality_names_}."
                + suggest(modality, self.modality_names_)
            )

    def check_form(self, X: Any) -> Any:
        """Return `X` if it has the form of `fit`, with columns of a table in the order of fit.

        Raises
        ------
        ValueError, TypeError
            If `X` has another form, or a table other columns.
        """
        if is_table(X):
            check_table(X)
            X = by_name(X, getattr(self, "feature_names_in_", ()))
            validate_data(self, X, skip_check_array=True, reset=False)
        elif not isinstance(self.form_, MappingForm):
            raise TypeError(
                f"fitted on a table, got {type(X).__name__}: pass a table, or use "
                "encoder(modality).transform for the rows of one modality."
            )
        return X

    @property
    def modality_names_(self) -> list[str]:
        """Names of the modalities in the order of `fit`."""
        return self.form_.names

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.modalities is None
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.input_tags.sparse = True
        return tags


def _concatenated(
    parts: Sequence[Mapping[str, np.ndarray]], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return results of chunks of rows as one; NaN where a chunk lacks a modality."""
    found = {}
    for name in names:
        known = next((part[name] for part in parts if name in part), None)
        if known is None:
            continue
        arrays = []
        for part in parts:
            shape = len(next(iter(part.values()))), *known.shape[1:]
            arrays.append(part[name] if name in part else np.full(shape, np.nan, known.dtype))
        found[name] = np.concatenate(arrays)
    return found
