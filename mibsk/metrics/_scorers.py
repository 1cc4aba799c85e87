"""Metrics as scorers by name, for scikit-learn's searches and cross-validation."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import Any, Self

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import MetadataRequest

from .._checks.parameters import suggest
from .._checks.row_names import check_row_names
from .catalogue import CATALOGUE, Description

_SCORED = {
    ("neg_" if metric.better == "lower" else "") + metric.name: metric
    for metric in CATALOGUE
    if metric.scored
}


def get_scorer_names() -> list[str]:
    """Return the names that :func:`get_scorer` accepts.

    Returns
    -------
    list of str
        Sorted. A metric of which lower is better has the prefix ``neg_`` and is negated, as in
        scikit-learn.

    Examples
    --------
    >>> from mibsk.metrics import get_scorer_names
    >>> get_scorer_names()[:2]
    ['cka', 'cka_unbiased']
    """
    return sorted(_SCORED)


def get_scorer(name: str, **options: Any) -> EmbeddingScorer:
    """Return the scorer of that name, for ``scoring=`` in scikit-learn.

    scikit-learn accepts only its own names as strings; pass the scorer, or a mapping of several:
    ``GridSearchCV(aligner, grid, scoring=get_scorer("cka"))``.

    Parameters
    ----------
    name : str
        One of :func:`get_scorer_names`.
    **options : dict
        Further arguments of the metric, such as ``k=5``.

    Returns
    -------
    callable ``(estimator, X, y=None) -> float``
        The greater the better. With more than two modalities the mean over the pairs of them (over
        both directions for retrieval). "neg_leakage" and "kept" read classes or numbers ``y``
        from the embedding of each modality, and take the mean (over several factors, too); with
        ``set_score_request(groups=True)``, scikit-learn's metadata routing passes them groups.

    Raises
    ------
    ValueError
        If the name is unknown.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from mibsk import IBAligner, Modalities
    >>> from mibsk.datasets import load_digits_halves
    >>> from mibsk.metrics import get_scorer
    >>> halves = Modalities(load_digits_halves().data)[:400]
    >>> search = GridSearchCV(
    ...     IBAligner(max_epochs=2, random_state=0),
    ...     {"beta": [0.0, 3.0]},
    ...     scoring={name: get_scorer(name) for name in ("cka", "neg_modality_gap")},
    ...     refit="cka",
    ...     cv=2,
    ... ).fit(halves)
    >>> [key for key in search.cv_results_ if key.startswith("mean_test")]
    ['mean_test_cka', 'mean_test_neg_modality_gap']
    """
    if name not in _SCORED:
        raise ValueError(
            f"unknown scorer {name!r}, there are {get_scorer_names()}." + suggest(name, _SCORED)
        )
    return EmbeddingScorer(name, options)


class EmbeddingScorer:
    """A metric of the embeddings of held-out rows by an aligner, or a pipeline that ends with one.

    Created by :func:`get_scorer`.

    Parameters
    ----------
    name : str
        Name of the scorer.
    options : dict
        Further arguments of the metric.
    """

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        self.name, self.options = name, options
        self._groups_request: bool | str | None = None

    def __call__(self, estimator: Any, X: Any, y: Any = None, *, groups: Any = None) -> float:
        """Embed the rows and measure.

        Parameters
        ----------
        estimator : fitted IBAligner, or Pipeline
            It must have `embed`.
        X : mapping of str to array-like or table
            Held-out rows, in the form of the data in `fit`.
        y : array-like (n,), DataFrame or mapping, default=None
            Labels for "neg_leakage" and "kept"; of two tables, the second.
        groups : array-like (n,), default=None
            Groups of the rows for "neg_leakage" and "kept", as in :func:`leakage`; other metrics
            ignore them.

        Raises
        ------
        TypeError
            If the estimator has no `embed`.
        ValueError
            If labels are needed and missing, or there is only one modality.
        """
        check_row_names({"X": X, "y": y})
        if isinstance(estimator, Pipeline):
            if len(estimator) > 1:
                X = estimator[:-1].transform(X)
            estimator = estimator[-1]
        if not hasattr(estimator, "embed"):
            raise TypeError(
                f"scorer {self.name!r} needs an estimator with `embed`, such as IBAligner, or a "
                f"Pipeline that ends with one, got {type(estimator).__name__}."
            )
        embedded = estimator.embed(X, y)
        scored = _SCORED[self.name]
        options = {**scored.arguments, **self.options}
        if self._reads_labels:
            options = {"groups": groups} | options
            values = self._of_labels(scored, options, estimator, embedded, y)
        else:
            is_table = hasattr(X, "columns")  # one of which may be called "labels"
            labels = None if is_table else getattr(X, "labels", None)
            values = self._of_modalities(scored, options, embedded, labels)
        return (-1 if scored.better == "lower" else 1) * float(np.mean(values))

    def set_score_request(self, *, groups: bool | str | None = None) -> Self:
        """Request `groups` from scikit-learn's metadata routing; other metrics ignore them.

        Parameters
        ----------
        groups : bool, str or None, default=None
            Whether to request them, or the name under which they are passed.

        Returns
        -------
        self
        """
        self._groups_request = groups
        return self

    def get_metadata_routing(self) -> MetadataRequest:
        """Return what the scorer requests from scikit-learn's metadata routing."""
        request = MetadataRequest(owner=self)
        if self._reads_labels:
            request.score.add_request(param="groups", alias=self._groups_request)
        return request

    @property
    def _reads_labels(self) -> bool:
        return _SCORED[self.name].of in ("shared", "nuisance")

    def _of_labels(
        self,
        scored: Description,
        options: dict[str, Any],
        estimator: Any,
        embedded: dict[str, Any],
        y: Any,
    ) -> list[float]:
        is_pair = getattr(getattr(estimator, "form_", None), "is_pair", False)
        if y is None or is_pair:
            raise ValueError(
                f"scorer {self.name!r} reads labels y from the embeddings: pass them as y beside "
                "a mapping or one table."
            )
        found = [scored.metric(Z, y, **options) for Z in embedded.values()]
        return [
            float(np.mean(list(value.values()))) if isinstance(value, dict) else value
            for value in found
        ]

    def _of_modalities(
        self, scored: Description, options: dict[str, Any], embedded: dict[str, Any], labels: Any
    ) -> list[float]:
        if len(embedded) < 2:
            raise ValueError(
                f"scorer {self.name!r} compares modalities, got {list(embedded)} alone."
            )
        pairs = list(combinations(embedded.values(), 2))
        if scored.of == "both ways":
            pairs = list(permutations(embedded.values(), 2))
            if labels is not None:  # pairs drawn by class: any row of the class is relevant
                options = {"labels": (labels, labels)} | options
        return [float(scored.metric(Z, W, **options)) for Z, W in pairs]

    def __repr__(self) -> str:
        options = "".join(f", {key}={value!r}" for key, value in self.options.items())
        return f"get_scorer({self.name!r}{options})"
