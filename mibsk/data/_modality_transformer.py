"""Base class of scikit-learn transformers of the rows of one modality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import validate_data

from .._checks.parameters import suggest
from .._checks.text import is_text
from ._columns import by_name, check_names_differ
from ._inputs import InputSpec
from ._items import is_records, stack_items
from ._missing import present_rows, rows_with_missing


class ModalityTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base class of transformers of rows described by an :class:`InputSpec`.

    Properties must raise no error other than ``AttributeError``, because `hasattr` and the HTML
    representation of estimators read them.
    """

    @property
    def input_(self) -> InputSpec:
        """Modality, kind, shape and type of the rows."""
        raise NotImplementedError

    @property
    def n_features_in_(self) -> int:
        """Number of columns; not defined for images, sequences, texts and labels."""
        spec = self.input_
        if spec.kind not in ("dense", "sparse") or len(spec.shape) != 1:
            raise AttributeError(f"rows of modality {spec.name!r} have no columns.")
        return spec.shape[0]

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns, if a data frame was passed to `fit`."""
        if not self.input_.columns:
            raise AttributeError(f"columns of modality {self.input_.name!r} have no names.")
        return np.asarray(self.input_.columns, dtype=object)

    def read_rows(self, X: Any) -> Any:
        """Return the rows of this modality from the argument of `transform`.

        Columns of a table are validated by scikit-learn, and returned in the order of fit.

        Raises
        ------
        ValueError
            If a mapping lacks the modality, columns differ or have duplicate names, or a single
            row is 1-d.
        """
        spec = self.input_
        if type(X) is np.ndarray and X.ndim > 1 and X.shape[1:] == spec.shape and not spec.columns:
            return X
        name = spec.name
        if isinstance(X, Mapping) and not sp.issparse(X):  # a DOK matrix is a mapping too
            return entry(X, name)
        if is_records(X):
            return entry(stack_items(X), name)
        if not hasattr(self, "n_features_in_"):
            return X
        if not hasattr(X, "shape") or tuple(X.shape[1:]) in ((), (1,)):
            rows = rows_with_missing(
                name, X
            )  # a column of vectors has as many columns as they have values
            X = X if getattr(X, "shape", None) == rows.shape else rows
        if len(X.shape) == 2:
            check_names_differ(X)
            X = by_name(X, getattr(self, "feature_names_in_", ()))
            validate_data(self, X, skip_check_array=True, reset=False)
        elif (
            len(X.shape) == 1 and self.n_features_in_ > 1 and not is_text(present_rows(name, X)[0])
        ):
            raise ValueError(
                f"modality {name!r} has rows of {self.n_features_in_} columns, got a 1-d array of "
                f"shape {tuple(X.shape)}. Reshape your data: X.reshape(1, -1) if it is one row."
            )
        return X

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def entry(given: Mapping[str, Any], name: str) -> Any:
    """Return the rows of one modality of a mapping.

    Raises
    ------
    ValueError
        If `given` lacks the modality.
    """
    if name not in given:
        raise ValueError(f"missing modality {name!r}; got {list(given)}." + suggest(name, given))
    return given[name]
