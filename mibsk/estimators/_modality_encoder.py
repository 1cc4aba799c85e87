"""Encoder of one modality as a transformer."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import Tags, get_tags
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted
from torch.utils.data import Dataset

from .._checks.parameters import suggest
from ..data import (
    ClassPairs,
    ColumnsForm,
    InputSpec,
    ModalityTransformer,
    entry,
    is_table,
    read_form,
    with_row_names,
)
from ._callback_support import CallbackSupport, FitTask, callbacks_of
from ._check_fitted import check_fitted


class ModalityEncoder(CallbackSupport, ModalityTransformer):
    """Transformer that is trained on all modalities and embeds the rows of one.

    In a pipeline, later steps are thus fitted on one modality and predict from it alone.

    Parameters
    ----------
    aligner : IBAligner
        Aligner of which `fit` trains a clone, or a fitted one as
        ``sklearn.frozen.FrozenEstimator(aligner)``, as in the result of
        :meth:`mibsk.IBAligner.encoder`.
    modality : str
        Name of the modality to embed; "x" or "y" for two tables.

    Attributes
    ----------
    aligner_ : IBAligner
        The trained aligner.
    input_ : InputSpec
        Kind, shape and type of the rows of this modality.
    n_features_in_ : int
        Number of columns of the input of `transform`; only defined for a table.
    feature_names_in_ : ndarray of str
        Names of the columns, if all are strings.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from mibsk import IBAligner, ModalityEncoder
    >>> from mibsk.datasets import load_digits_halves
    >>> bunch = load_digits_halves()
    >>> halves, digits = bunch.data, bunch.labels["left"]["digit"]
    >>> encoder = ModalityEncoder(IBAligner(max_epochs=1, random_state=0), "left")
    >>> model = make_pipeline(encoder, LogisticRegression(max_iter=500)).fit(halves, digits)
    >>> model.predict({"left": halves["left"][:3]}).shape
    (3,)

    With a fitted aligner:

    >>> aligner = IBAligner(n_components=8, max_epochs=1, random_state=0).fit(halves)
    >>> aligner.encoder("left").transform(halves["left"][:3]).shape == (3, aligner.n_components_)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "aligner": [HasMethods(["fit", "embed_modality"])],
        "modality": [str],
    }

    def __init__(self, aligner: Any, modality: str) -> None:
        self.aligner = aligner
        self.modality = modality

    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Train a clone of the aligner, unless it is frozen.

        Parameters
        ----------
        X, y
            All modalities, as in :meth:`mibsk.IBAligner.fit`; ignored if the aligner is frozen.
        groups : array-like of shape (n,), default=None
            As in :meth:`mibsk.IBAligner.fit`.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If the modality is unknown, which is checked before training, or the data are invalid.
        """
        self._validate_params()
        with callbacks_of(self):
            if isinstance(self.aligner, FrozenEstimator):
                check_is_fitted(self.aligner)
                self.aligner_.check_modality(self.modality)
                task = FitTask.of_fit(self, X, y)
            else:
                task = self._train_clone(X, y, groups)
            task.end(dict)
        return self

    def _train_clone(self, X: Any, y: Any, groups: Any) -> FitTask:
        aligner = clone(self.aligner)
        names = read_form(X, y, aligner.modalities).names
        if self.modality not in names:
            raise ValueError(
                f"unknown modality {self.modality!r}; the data have {names}."
                + suggest(self.modality, names)
            )
        task = FitTask.of_fit(self, X, y, n_subtasks=1)
        with task.subtask("fit-aligner").fits(aligner):
            aligner.fit(X, y, **({} if groups is None else {"groups": groups}))
        self._trained = aligner
        return task

    def transform(self, X: Any) -> np.ndarray:
        """Return the embeddings of this modality.

        Parameters
        ----------
        X : array-like, or a mapping that contains this modality
            Rows of the modality; or, if `fit` split one table into modalities, such a table.

        Returns
        -------
        ndarray of float32 (n, n_components)
            Rows of unit norm; NaN in rows that are missing (None, masked, or NaN alone).

        Raises
        ------
        ValueError, TypeError
            If the rows do not match those of `fit`.
        """
        check_fitted(self)
        aligner = self.aligner_
        aligner.check_modality(self.modality)
        if isinstance(X, ClassPairs | Dataset):  # rows of all modalities are read together
            return with_row_names(self, entry(aligner.embed(X), self.modality), X)
        if is_table(X) and self._cuts_a_table():
            rows = aligner.form_.read(aligner.check_form(X))[self.modality]
        else:
            rows = self.read_rows(X)
        embedded = aligner.embed_modality(self.modality, rows)
        if rows is X and type(X) is np.ndarray:  # it has no names
            return embedded
        return with_row_names(self, embedded, {0: rows, 1: X})

    def fit_transform(self, X: Any, y: Any = None, *, groups: Any = None) -> np.ndarray:
        """Train, and return the embeddings of this modality of the training data."""
        self.fit(X, y, groups=groups)
        is_second = self.aligner_.form_.is_pair and self.modality == "y"
        return self.transform(y if is_second and y is not None else X)

    @property
    def aligner_(self) -> Any:
        """The trained aligner."""
        frozen = isinstance(self.aligner, FrozenEstimator)
        return self.aligner.estimator if frozen else self._trained

    @property
    def input_(self) -> InputSpec:
        """Kind, shape and type of the rows of this modality."""
        inputs = self.aligner_.inputs_
        if self.modality not in inputs:
            raise AttributeError(f"the aligner has no modality {self.modality!r}.")
        return inputs[self.modality]

    @property
    def n_features_in_(self) -> int:
        """Number of columns of the input of `transform`."""
        return self.aligner_.n_features_in_ if self._cuts_a_table() else super().n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns of the input of `transform`."""
        if self._cuts_a_table():
            return self.aligner_.feature_names_in_
        return super().feature_names_in_

    @property
    def _n_features_out(self) -> int:
        return self.aligner_.embedding_width_

    def _cuts_a_table(self) -> bool:
        """Whether `fit` got one table, with the columns of all modalities."""
        frozen = isinstance(self.aligner, FrozenEstimator)
        return not frozen and isinstance(self.aligner_.form_, ColumnsForm)

    def __sklearn_is_fitted__(self) -> bool:
        # with a frozen aligner, a clone of this estimator is fitted
        return hasattr(self, "aligner_") and self.aligner_.__sklearn_is_fitted__()

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        of_aligner = get_tags(self.aligner)
        tags.input_tags = of_aligner.input_tags
        frozen = isinstance(self.aligner, FrozenEstimator)
        tags.target_tags.required = of_aligner.target_tags.required and not frozen
        return tags
