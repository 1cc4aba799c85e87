"""What a fitted canonical bottleneck knows and computes."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils import Tags, check_random_state
from sklearn.utils.metaestimators import available_if

from .._checks.blocks import tiles
from .._checks.parameters import check_scalar
from .._checks.rows import n_rows
from ..canonical import (
    DirectionsTest,
    coordinate_views,
    direction_information,
    mean_correlation,
    permutation_test,
)
from ..data import Form, InputSpec, prepared_chunks, with_row_names
from ..encoders import Encoder
from ..metrics.statistics import Estimate
from ._canonical_encoder import as_encoder
from ._canonical_rows import PairedRows, sizes
from ._canonical_sharing import SharingReport
from ._canonical_state import CanonicalState
from ._check_fitted import check_fitted
from ._fusion import check_fusion
from ._paired import PairedTransformer

ROWS_AT_A_TIME = 1024
SMALLEST_WEIGHT = 1e-3  # of a direction that is kept although nothing is shared


def _reads_several_tables(estimator: Any) -> bool:
    """Whether modalities are passed separately, rather than as columns of one table."""
    return estimator.modalities is None


class Parts(NamedTuple):
    """Shared and private part of the rows of a modality, which add up to the rows less their mean.

    Parameters
    ----------
    shared, private : ndarray (n, ...)
        In the shape of the rows.
    """

    shared: np.ndarray
    private: np.ndarray


class FittedCanonical(SharingReport, PairedTransformer):
    """Results of a canonical bottleneck, which its state determines."""

    n_components: int
    weights: str | None
    level: float
    _state: CanonicalState

    def transform(self, X: Any, y: Any = None) -> Any:
        """Return the weighted canonical variates, fused to one array.

        Parameters
        ----------
        X : mapping of str to array-like or table
            Data in the form passed to `fit`.
        y : array-like, default=None
            Rows of the second of two tables.

        Returns
        -------
        ndarray of float64 (n, n_features_out), or a pair of (n, n_components_)
            For two tables the variates of `X`, and also those of `y` if given. Otherwise those of
            the modalities, fused as specified by `fusion`.

        Raises
        ------
        ValueError, TypeError
            If the data do not match those of `fit`, or a modality that `fusion` needs is missing.
        """
        check_fitted(self)
        check_fusion(self.fusion, self.modality_names_)
        return with_row_names(self, self._fused(self._each(X, y, self._weighted), y), X)

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
        ndarray of float32 (n, n_components_)
            The weighted variates, scaled to unit norm. A single direction has a constant second
            column, without which only its sign would be left.
        """
        check_fitted(self)
        self.check_modality(modality)
        z = self._weighted(modality, X)
        if self.n_components_ == 1:
            z = np.hstack([z, np.full_like(z, self.weights_[0])])
        norms = np.linalg.norm(z, axis=1, keepdims=True)
        embedded: np.ndarray = (z / np.maximum(norms, np.finfo(np.float32).tiny)).astype(np.float32)
        return embedded

    @available_if(_reads_several_tables)
    def predict(self, X: Any, modality: str | None = None) -> np.ndarray:
        """Return the best linear prediction of one modality from the shared part of the others.

        It is not available with `modalities`, where a table has all of them: use
        :meth:`predict_modality`.

        Parameters
        ----------
        X : mapping of str to array-like or table
            The first of two tables, or a mapping with one modality or more.
        modality : str, default=None
            Name of the predicted modality. None: the second of two tables, or the only modality
            that `X` lacks.

        Returns
        -------
        ndarray (n, ...)
            Rows of the modality in float64; numbers (n,) or class labels (n,) if the second of two
            tables was 1-d. Each is predicted from the modalities that the row of `X` has, and NaN
            if it has none.

        Raises
        ------
        ValueError
            If the modality is unknown or not determined by `X`, no other modality is given, or a
            row without any is to have a class.
        """
        check_fitted(self)
        if modality is None:
            given = self.form_.read(self.check_form(X))
            lacking = [name for name in self.modality_names_ if name not in given]
            if len(lacking) != 1:
                raise ValueError(
                    f"modality= is needed: X has {list(given)} of {self.modality_names_}, so that "
                    "the modality to predict is not determined."
                )
            [modality] = lacking
        spec = self.inputs_.get(modality)
        if spec is not None and spec.kind == "labels":
            return np.asarray(spec.classes)[self._predicted_codes(modality, X)]
        predicted = self.predict_modality(modality, X)
        return predicted[:, 0] if self._state.is_flat and modality == "y" else predicted

    def predict_modality(self, modality: str, X: Any) -> np.ndarray:
        """Return the best linear prediction of one modality from the shared part of the others.

        Parameters
        ----------
        modality : str
            Name of the predicted modality.
        X : mapping of str to array-like or table
            Data in the form passed to `fit`, with at least one other modality. Rows of the
            predicted modality are ignored.

        Returns
        -------
        ndarray of float64 (n, ...)
            Rows of the modality; of class labels, one-hot rows (n, n_classes). Each is predicted
            from the modalities that the row of `X` has, and NaN if it has none.

        Raises
        ------
        ValueError
            If the modality is unknown, or no other modality is given.
        """
        check_fitted(self)
        self.check_modality(modality)
        predicted = self._state.model.predict(modality, self._others(modality, X))
        return predicted.reshape(-1, *self.inputs_[modality].shape)

    def _others(self, modality: str, X: Any) -> dict[str, np.ndarray]:
        """Return the variates (n, n_components_) of the modalities that another is predicted of."""
        given = self.form_.read(self.check_form(X))
        variates = {
            name: self._variates(name, rows) for name, rows in given.items() if name != modality
        }
        if not variates:
            raise ValueError(
                f"to predict {modality!r}, X must have another modality of {self.modality_names_}."
            )
        return variates

    def _predicted_codes(self, modality: str, X: Any) -> np.ndarray:
        """Return the class with the largest prediction of each row (n,), of blocks of rows."""
        model, variates = self._state.model, self._others(modality, X)
        bare = np.all([np.isnan(each).any(axis=1) for each in variates.values()], axis=0)
        if bare.any():
            raise ValueError(
                f"row {bare.argmax()} lacks all modalities from which its class could be predicted "
                f"({np.count_nonzero(bare)} row(s) affected): drop these rows."
            )
        n = len(bare)
        codes = np.empty(n, np.intp)
        for rows in tiles(n, len(model.means[modality])):
            some = {name: each[rows] for name, each in variates.items()}
            codes[rows] = model.predict(modality, some).argmax(axis=1)
        return codes

    def split(self, X: Any, y: Any = None) -> dict[str, Parts]:
        r"""Split rows into the part that the modalities share, and a private part.

        With the variates `u` of a modality and its covariances on the training rows,

        .. math:: x = \mu + \Sigma_{xu} \Sigma_{uu}^{-1} u + r,

        where the private part `r` is uncorrelated with the variates, so that the variances of both
        parts add up to that of `x`. If a modality has more than 2048 columns and rows, this holds
        up to the part of its variance outside the basis of its coordinates.

        Parameters
        ----------
        X : mapping of str to array-like or table
            Data in the form passed to `fit`; a mapping may contain only some modalities.
        y : array-like, default=None
            Rows of the second of two tables.

        Returns
        -------
        dict of str to Parts
            `shared` and `private` (n, ...) of each given modality, in the shape of its rows.
        """
        check_fitted(self)
        each = self._each(X, y, self._parts)
        return {name: Parts(parts[:, 0], parts[:, 1]) for name, parts in each.items()}

    def permutation_test(
        self,
        X: Any,
        y: Any = None,
        *,
        n_permutations: int = 199,
        level: float = 0.05,
        random_state: Any = None,
    ) -> DirectionsTest:
        """Test the number of directions, one after the other, by permutations of the rows.

        The directions are found anew in these rows, and a direction has the p-value of the
        information in it and all weaker ones. The ridge does not depend on the pairs: it is 0 if
        there are at least two rows per column, else 1, and then only the first p-value is exact.

        Parameters
        ----------
        X, y
            Rows of all modalities, in the form passed to `fit`.
        n_permutations : int, default=199
            Number of permutations for each direction.
        level : float, default=0.05
            The test stops at the first direction whose p-value exceeds it.
        random_state : int, RandomState instance or None, default=None
            Seed of the permutations.

        Returns
        -------
        DirectionsTest
            `n_components`, `p_values` and `statistics`.

        References
        ----------
        Winkler, Renaud, Smith and Nichols, "Permutation inference for canonical correlation
        analysis", NeuroImage 220, 2020.
        """
        check_fitted(self)
        check_scalar("n_permutations", n_permutations, low=1, integer=True)
        check_scalar("level", level, low=0, high=1, strict=True)
        seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
        state = self._state
        rows = PairedRows(self.check_form(X), y, state.form)
        chunks, masks = [], []
        for chunk, present in rows.chunks(state.inputs):
            chunks.append(coordinate_views(state.coordinates, sizes(state.inputs), chunk, present))
            every = np.ones(len(chunks[-1][0]), dtype=bool)
            masks.append([every] * len(state.inputs) if present is None else present)
        parts = state.moments.parts
        return permutation_test(
            [
                np.concatenate(views) / state.scale[part]
                for views, part in zip(zip(*chunks, strict=True), parts, strict=True)
            ],
            present=[np.concatenate(each) for each in zip(*masks, strict=True)],
            n_components=self.n_components,
            n_permutations=n_permutations,
            level=level,
            rng=np.random.default_rng(seed),
        )

    def as_module(self, modality: str) -> Encoder:
        """Return the embedding of a modality as a torch module, in float32.

        Raises
        ------
        ValueError
            If the modality is unknown, or float32 cannot hold one of its columns: its values are
            too large against the spread that the directions need.
        """
        check_fitted(self)
        self.check_modality(modality)
        return as_encoder(self.inputs_[modality], self._state.model, self.weights_)

    def _variates(self, modality: str, X: Any) -> np.ndarray:
        """Return the variates of rows of a modality, without weights (n, n_components_)."""
        found = np.full((n_rows(modality, X), self.n_components_), np.nan)
        chunks = prepared_chunks(self.inputs_[modality], X, ROWS_AT_A_TIME, double=True)
        for numbers, rows in chunks:
            found[numbers] = self._state.model.project(modality, rows)
        return found

    def _weighted(self, modality: str, X: Any) -> np.ndarray:
        return self._variates(modality, X) * self.weights_

    def _parts(self, modality: str, X: Any) -> np.ndarray:
        """Return the shared and the private part of rows of a modality (n, 2, ...)."""
        spec, model = self.inputs_[modality], self._state.model
        n = n_rows(modality, X)
        found = np.full((n, 2, prod(spec.shape)), np.nan)
        for numbers, rows in prepared_chunks(spec, X, max(n, 1), double=True):
            shared = model.explained(modality, {modality: model.project(modality, rows)})
            flat = rows.toarray() if spec.is_sparse else rows.reshape(len(rows), -1)
            found[numbers] = np.stack([shared, flat - model.means[modality] - shared], axis=1)
        return found.reshape(-1, 2, *spec.shape)

    @property
    def form_(self) -> Form:  # type: ignore[override]
        """Form of the arguments of `fit`."""
        return self._state.form

    @property
    def inputs_(self) -> dict[str, InputSpec]:  # type: ignore[override]
        """Kind, shape and type of the rows of each modality."""
        return self._state.inputs

    @property
    def n_components_(self) -> int:
        """Number of directions that are kept."""
        return self._state.n_kept

    @property
    def embedding_width_(self) -> int:
        """Number of columns of an embedding."""
        return max(self.n_components_, 2)

    @property
    def n_samples_(self) -> int:
        """Number of pairs."""
        return self._state.n_rows

    @property
    def weights_(self) -> np.ndarray:
        """Weights of the variates (n_components_,)."""
        if self.weights is None:
            return np.ones(self.n_components_)
        # a direction that is not significant may have no positive correlation
        return np.maximum(self._state.solution.weights[: self.n_components_], SMALLEST_WEIGHT)

    @property
    def correlations_(self) -> pd.DataFrame:
        """Correlations of all directions, strongest first."""
        solution = self._state.solution
        return pd.DataFrame(
            {
                "train": mean_correlation(solution.train),
                "held_out": mean_correlation(solution.held_out),
                "low": solution.low,
                "high": solution.high,
                "information": direction_information(solution.held_out),
                "kept": np.arange(len(solution.low)) < self.n_components_,
            }
        )

    @property
    def information_(self) -> Estimate:
        """Gaussian information of the modalities in nats, with its interval."""
        return self._state.information

    @property
    def ridge_(self) -> dict[str, float]:
        """Ridge of each modality."""
        return dict(zip(self.modality_names_, self._state.solution.ridges, strict=True))

    @property
    def shared_variance_(self) -> dict[str, float]:
        """Share of the variance of each modality that is in its shared part."""
        return dict(self._state.model.shares)

    @property
    def loadings_(self) -> dict[str, pd.DataFrame]:
        """Correlation of each column with the variates of its modality."""
        model, found = self._state.model, {}
        for name, spec in self.inputs_.items():
            deviations = model.deviations[name][:, None]
            values = np.divide(
                model.covariances[name][name],
                deviations,
                out=np.zeros_like(model.covariances[name][name]),
                where=deviations > 0,
            )
            found[name] = pd.DataFrame(values, index=list(spec.columns) or None)
        return found

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_state")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64"]
        return tags
