"""Learned attributes of a fitted aligner, and embedding of rows."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import torch
from sklearn.base import TransformerMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted, validate_data
from torch.utils.data import Dataset

from .._checks.parameters import suggest
from .._checks.rows import as_rows
from ..data import ClassPairs, Form, InputSpec, MappingForm, by_name, check_table, is_table
from ..metrics import recall_at_k
from ..training import AlignmentModule, AlignmentNet, Trained, dataset_chunks, embed_rows
from ._modality_encoder import ModalityEncoder
from ._pickling import PicklingMixin

COLUMNS = ("n_features_in_", "feature_names_in_")


class FittedAligner(TransformerMixin, PicklingMixin):
    """Learned attributes of an aligner, and the embeddings of its encoders."""

    form_: Form
    inputs_: dict[str, InputSpec]
    net_: AlignmentNet

    @property
    def trained_(self) -> Trained:
        """The learned attributes as one object."""
        columns = {name: vars(self)[name] for name in COLUMNS if name in vars(self)}
        return Trained(self.form_, self.inputs_, self.net_, columns)

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Train, and embed the training data.

        A second table is embedded as well, as in `sklearn.cross_decomposition.CCA`, but a 1-d `y`
        is not, so that the next step of a pipeline gets one array.
        """
        self.fit(X, y)
        is_table = self.form_.is_pair and len(as_rows("y", y).shape) > 1
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
            Rows of unit norm.

        Raises
        ------
        ValueError, TypeError
            If the data do not match those of `fit`, or an embedding is not finite.
        """
        check_is_fitted(self)
        X = self.check_form(X)
        if isinstance(X, Dataset):
            parts = [self.embed(chunk) for chunk in dataset_chunks(X)]
            if not parts:
                raise ValueError("a torch Dataset must have at least one item.")
            return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        given = self.form_.read(X, y)
        return {name: self.embed_modality(name, rows) for name, rows in given.items()}

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return mean recall@1 over all ordered pairs of modalities.

        A row is a hit if the most similar row of the other modality is its partner or, for
        :class:`ClassPairs`, a row of its class.

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
        embedded = self.embed(X, y)
        if len(embedded) < len(self.modality_names_):
            raise ValueError(
                f"score compares all of {self.modality_names_}, got only {list(embedded)}."
            )
        labels = (X.labels, X.labels) if isinstance(X, ClassPairs) else None
        recalls = [
            recall_at_k(z, w, labels=labels, sample_weight=sample_weight)
            for z, w in permutations(embedded.values(), 2)
        ]
        return float(np.mean(recalls))

    def embed_modality(self, modality: str, X: Any) -> np.ndarray:
        """Embed rows of one modality.

        Parameters
        ----------
        modality : str
            Name of the modality.
        X : array-like
            Its rows.

        Returns
        -------
        ndarray of float32 (n, n_components)
            Rows of unit norm.
        """
        check_is_fitted(self)
        self.check_modality(modality)
        encoder = self.module_.encoder(modality).eval()
        return embed_rows(encoder, self.inputs_[modality], X, torch.device(self.net_.device))

    def encoder(self, modality: str) -> ModalityEncoder:
        """Return the encoder of one modality as a fitted transformer."""
        check_is_fitted(self)
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

    @property
    def module_(self) -> AlignmentModule:
        """Torch module of encoders and objective."""
        return self.net_.module_

    @property
    def history_(self) -> list[dict[str, Any]]:
        """One dict per epoch: loss and its parts, geometry of the embeddings, weights, time."""
        hidden = ("batches", "train_batch_count", "valid_batch_count")
        return [
            {key: value for key, value in epoch.items() if key not in hidden}
            for epoch in self.net_.history
        ]

    @property
    def loss_terms_(self) -> list[str]:
        """Names of the summands of the loss in `history_`."""
        return list(self.module_.objective.terms)

    @property
    def temperature_(self) -> float:
        """Temperature at the end of training."""
        return self.module_.objective.temperature().item()

    @property
    def beta_(self) -> float:
        """Weight of minimality at the end of training."""
        return float(self.module_.objective.beta)

    @property
    def n_iter_(self) -> int:
        """Number of epochs trained."""
        return len(self.net_.history)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "net_")
