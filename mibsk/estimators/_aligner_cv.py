"""Aligner with `beta` selected by cross-validation along a path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import check_cv
from sklearn.utils import Tags, get_tags, indexable
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.parallel import Parallel, delayed
from torch.utils.data import IterableDataset

from .. import metrics
from ..data import (
    ClassPairs,
    Form,
    InputSpec,
    Modalities,
    check_table,
    is_mapping,
    is_table,
    read_form,
    with_row_names,
)
from ..training import (
    AlignmentNet,
    FittedBottleneck,
    FittedClosedForm,
    read_training_data,
    torch_defaults,
    with_groups,
)
from ._aligner import IBAligner
from ._callback_support import FitTask, callbacks_of, has_callbacks
from ._check_fitted import check_fitted
from ._fitted import FittedAligner
from ._group_folds import whole_groups
from ._regularization_path import PATH_COLUMNS, check_betas, choose, score_path, walk

_BETAS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


class IBAlignerCV(FittedAligner):
    r""":class:`IBAligner` with `beta` selected by cross-validation.

    On each fold a model is trained with the smallest beta, and then with each next larger one from
    the weights of the previous one, as in lasso paths [2]_. The model on all rows is trained along
    the same path up to the selected beta. Larger betas are thus trained for longer: `max_epochs` of
    the aligner should suffice for the smallest one, so that the models differ only by beta.

    The one-standard-error rule [1]_ selects the largest beta, hence the strongest compression,
    whose mean held-out score is within one standard error of the highest one. With the score
    :math:`s_{bk}` of beta :math:`b` on fold :math:`k` of :math:`K`, and the best :math:`b^*`,

    .. math:: \hat b = \max\{b : \bar s_{b^*} - \bar s_b \le
        \min(\mathrm{sd}_k(s_{b^*k} - s_{bk}), \mathrm{sd}_k(s_{b^*k})) / \sqrt K\}

    The standard error is that of the difference, because hard folds are hard for all betas. It is
    at most that of the best mean, as in the references, so that a beta that fails on some folds is
    not accepted because of the variance of its own scores.

    Parameters
    ----------
    aligner : IBAligner, default=None
        Prototype of the models, which is not fitted; its `beta` is ignored. None is
        ``IBAligner()``.
    betas : array-like of float, default=(0, 0.01, 0.03, 0.1, 0.3, 1, 3)
        Weights of minimality to try, >= 0, ascending. Add larger ones if the last is selected.
    cv : int, splitter or iterable of (train, test), default=5
        As in `sklearn.model_selection.GridSearchCV`. A number of folds is stratified by class for
        :class:`ClassPairs` and for a `y` of class labels that is the second table; with `groups`
        in `fit`, the folds are of whole groups. Pass a splitter such as
        ``KFold(5, shuffle=True, random_state=0)`` for ordered rows.
    scoring : str or callable, default=None
        Score of held-out rows, higher is better: a name for `mibsk.metrics.get_scorer`, or a
        callable ``(estimator, X, y) -> float``, which gets `groups` if it has that argument. None
        is :meth:`IBAligner.score`, mean recall@1, which is not informative for duplicate rows: use
        labels instead, as below.
    rule : {"one-standard-error", "best"}, default="one-standard-error"
        Selected beta: the largest one within one standard error of the best, or the one with the
        highest mean score.
    path_epochs : int, default=None
        Number of epochs for each beta after the first, which is trained for `max_epochs` of the
        aligner. None is a quarter of that.
    n_jobs : int, default=None
        Number of folds trained in parallel. None means 1, and -1 all processors.
    verbose : int, default=0
        If 1, print score and time of each fold and beta.

    Attributes
    ----------
    aligner_ : IBAligner
        Aligner trained on all rows up to the selected beta.
    beta_ : float
        Selected beta.
    best_beta_ : float
        Beta with the highest mean score; the largest in case of ties.
    betas_ : ndarray of float (n_betas,)
        Evaluated betas.
    scores_ : ndarray of float (n_betas, n_folds)
        Held-out scores.
    standard_error_ : ndarray of float (n_betas,)
        Standard error of each beta in the rule above; NaN for a single fold.
    path_ : DataFrame
        One row per fold and beta: ``beta``, ``fold``, ``score``, the total number of epochs
        ``n_iter``, and ``sufficiency``, ``divergence``, ``modality_gap`` and ``temperature`` of the
        training rows in the last epoch of `history_`.
    n_features_in_ : int
        Number of columns; only defined for a table.
    feature_names_in_ : ndarray of str
        Names of the columns, if all are strings.

    See Also
    --------
    mibsk.inspection.PathDisplay : Plot of the path.

    References
    ----------
    .. [1] Breiman, Friedman, Olshen and Stone. *Classification and Regression Trees*. Wadsworth,
       1984, section 3.4.3. Hastie, Tibshirani and Friedman. *The Elements of Statistical Learning*.
       2nd edition, Springer, 2009, section 7.10.
    .. [2] Friedman, Hastie and Tibshirani. *Regularization Paths for Generalized Linear Models via
       Coordinate Descent*. Journal of Statistical Software 33(1), 2010.

    Examples
    --------
    >>> from mibsk import IBAligner, IBAlignerCV
    >>> from mibsk.datasets import load_digits_halves
    >>> bunch = load_digits_halves()
    >>> halves, digits = bunch.data[:400], bunch.labels["left"]["digit"][:400]
    >>> aligner = IBAligner(n_components=16, max_epochs=4, random_state=0)
    >>> search = IBAlignerCV(aligner, betas=[0, 0.3, 3], cv=3).fit(halves)
    >>> search.scores_.shape, search.beta_ in search.betas_
    ((3, 3), True)
    >>> search.transform(halves).shape == (400, 2 * search.n_components_)
    True

    Score retrieval of the same digit instead of the same image:

    >>> from mibsk.metrics import recall_at_k
    >>> def same_digit(aligner, X, y):
    ...     left, right = aligner.embed(X).values()
    ...     return recall_at_k(left, right, labels=(y, y))
    >>> search = IBAlignerCV(aligner, betas=[0, 3], cv=3, scoring=same_digit).fit(halves, digits)
    >>> bool(search.scores_.min() > 0.5)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "aligner": [IBAligner, None],
        "betas": ["array-like"],
        "cv": ["cv_object"],
        "scoring": [str, callable, None],
        "rule": [StrOptions({"one-standard-error", "best"})],
        "path_epochs": [Interval(Integral, 1, None, closed="left"), None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        aligner: IBAligner | None = None,
        *,
        betas: Sequence[float] = _BETAS,
        cv: Any = 5,
        scoring: str | Callable[..., float] | None = None,
        rule: str = "one-standard-error",
        path_epochs: int | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.aligner = aligner
        self.betas = betas
        self.cv = cv
        self.scoring = scoring
        self.rule = rule
        self.path_epochs = path_epochs
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Select beta, and train on all rows.

        Parameters
        ----------
        X : mapping of str to array-like, Modalities, ClassPairs, Dataset, list of dict, or table
            Paired data, as in :meth:`IBAligner.fit`.
        y : array-like, default=None
            With one table and no `modalities`, the second one. With any other form, labels for
            `scoring` and for a stratified splitter.
        groups : array-like of shape (n,), default=None
            Groups of pairs, for the splitter and for :meth:`IBAligner.fit`: rows of one group are
            held out together.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are invalid, or a score is not a finite number. A model
            fitted before is kept.
        mibsk.exceptions.DivergenceError
            If a loss becomes infinite or NaN.
        """
        self._validate_params()
        betas, scorer, aligner = check_betas(self.betas), self._scorer(), self._prototype()
        if isinstance(aligner.encoders, str) and aligner.encoders == "canonical":
            raise ValueError(
                "encoders='canonical' of aligner= does not depend on beta: fit the aligner itself, "
                "or choose encoders='auto'."
            )
        if is_mapping(X) and not isinstance(X, ClassPairs):
            X = Modalities(X)
        form, grouped = _check_data(aligner, X, y, groups)
        X, y, groups = indexable(X, y, groups)
        folds = self._folds(X, y, groups, form, grouped=grouped)
        with callbacks_of(self):
            return self._search(aligner, betas, scorer, (X, y, groups), folds)

    def _search(
        self,
        aligner: IBAligner,
        betas: list[float],
        scorer: Callable[..., float],
        data: tuple[Any, Any, Any],
        folds: list[tuple[np.ndarray, np.ndarray]],
    ) -> Self:
        """Score the paths of the folds, and train on all rows."""
        task = FitTask()  # holds nothing, as it is sent to other processes
        if has_callbacks(self) or has_callbacks(aligner):
            n = len(folds) + 1
            task = FitTask.of_fit(self, *data[:2], n_subtasks=n, sequential=False)
        tasks = [
            task.subtask(name, task_id=i, n_subtasks=len(betas))
            for i, name in enumerate(["fold"] * len(folds) + ["refit"])
        ]
        found = Parallel(n_jobs=self.n_jobs)(
            delayed(score_path)(
                clone(aligner),
                betas,
                self.path_epochs,
                scorer,
                data,
                rows,
                fold,
                tasks[fold],
                verbose=self.verbose,
            )
            for fold, rows in enumerate(folds)
        )
        path = pd.DataFrame([row for rows in found for row in rows], columns=PATH_COLUMNS)
        scores = np.array([[row["score"] for row in rows] for rows in found]).T
        best, within, errors = choose(scores)
        chosen = best if self.rule == "best" else within
        refit = tasks[-1]
        refit.begin()
        *_, trained = walk(clone(aligner), betas[: chosen + 1], self.path_epochs, *data, refit)
        refit.end()
        self.aligner_, self.path_, self.scores_, self.standard_error_ = (
            trained,
            path,
            scores,
            errors,
        )
        self.betas_ = np.array(betas)
        self.best_beta_ = betas[best]
        task.end(dict)
        return self

    def _folds(
        self, X: Any, y: Any, groups: Any, form: Form, *, grouped: bool
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return training and test rows of each fold.

        Raises
        ------
        ValueError
            If there are too few rows in a fold, or too few folds for the rule.
        """
        by_class = isinstance(X, ClassPairs)
        classes = X.labels if by_class and y is None else y
        plain = self.cv is None or isinstance(self.cv, Integral) or _is_splitter(self.cv)
        given = self.cv if plain else _as_folds(self.cv)
        cv = check_cv(given, classes, classifier=by_class or bool(form.label_names))
        if given is None or isinstance(given, Integral):
            cv, groups = (whole_groups(cv, groups), groups) if grouped else (cv, None)
        folds = list(cv.split(X, classes, groups))
        for fold, sides in enumerate(folds):
            if min(map(len, sides)) < 2:
                raise ValueError(
                    f"cv={self.cv!r}: fold {fold} trains on {len(sides[0])} row(s) and scores "
                    f"{len(sides[1])}, while retrieval needs at least 2: use fewer folds."
                )
        if len(folds) < 2 and self.rule != "best":
            raise ValueError(
                f"rule={self.rule!r} needs at least 2 folds, cv={self.cv!r} makes {len(folds)}: "
                'use more, or rule="best".'
            )
        return folds

    def _prototype(self) -> IBAligner:
        return IBAligner() if self.aligner is None else self.aligner

    def _scorer(self) -> Callable[..., float]:
        if self.scoring is None:
            return IBAligner.score
        return metrics.get_scorer(self.scoring) if isinstance(self.scoring, str) else self.scoring

    @property
    def modalities(self) -> Any:
        """Columns of each modality in one table; None for other forms of data."""
        return self._prototype().modalities

    @property
    def form_(self) -> Form:  # type: ignore[override]
        """Form of the arguments of `fit`."""
        return self.aligner_.form_

    @property
    def inputs_(self) -> dict[str, InputSpec]:  # type: ignore[override]
        """Kind, shape and type of the rows of each modality."""
        return self.aligner_.inputs_

    @property
    def net_(self) -> AlignmentNet:  # type: ignore[override]
        """The net trained on all rows."""
        return self.aligner_.net_

    @property
    def bottleneck_(self) -> FittedBottleneck | None:  # type: ignore[override]
        """The closed form after the training on all rows."""
        return self.aligner_.bottleneck_

    @property
    def closed_form_(self) -> FittedClosedForm | None:  # type: ignore[override]
        """Closed form of the inputs, if any."""
        return self.aligner_.closed_form_

    @property
    def n_features_in_(self) -> int:
        """Number of columns of the table."""
        return self.aligner_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns."""
        return self.aligner_.feature_names_in_

    def transform(self, X: Any, y: Any = None) -> Any:
        """Embed paired data and fuse the modalities, as in :meth:`IBAligner.transform`."""
        check_fitted(self)
        return with_row_names(self, self.aligner_.transform(X, y), X)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the score of these rows by `scoring`.

        Parameters
        ----------
        X : mapping of str to array-like or table
            All modalities, in the form passed to `fit`.
        y : array-like, default=None
            Rows of the second of two tables, else labels for `scoring`.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows, if supported by `scoring`, as by the default.

        Returns
        -------
        float
        """
        check_fitted(self)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        return self._scorer()(self.aligner_, X, y, **weights)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns of `transform`, those of the aligner."""
        check_fitted(self)
        return self.aligner_.get_feature_names_out(input_features)

    def __getstate__(self) -> dict[str, Any]:
        return BaseEstimator.__getstate__(self)  # version and device are stored with the aligners

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        of_aligner = get_tags(self._prototype())
        tags.input_tags = of_aligner.input_tags
        tags.target_tags = of_aligner.target_tags
        tags.transformer_tags = of_aligner.transformer_tags
        return tags


def _is_splitter(cv: Any) -> bool:
    return not isinstance(cv, str | bytes) and hasattr(cv, "split")


def _as_folds(cv: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return pairs of (train, test) rows as arrays.

    Raises
    ------
    ValueError
        If they are not pairs of 1-d integer sequences.
    """
    message = f"cv must be a number of folds, a splitter or (train, test) rows, got {cv!r}."
    if isinstance(cv, str | bytes) or not np.iterable(cv):
        raise ValueError(message)
    folds = []
    for sides in cv:
        if not isinstance(sides, tuple | list) or len(sides) != 2:
            raise ValueError(message)
        for rows in sides:
            flat = getattr(rows, "ndim", 1) == 1 and np.iterable(rows)
            if not flat or not all(isinstance(row, Integral) for row in rows):
                raise ValueError(message)
        folds.append((np.asarray(sides[0]), np.asarray(sides[1])))
    return folds


@torch_defaults()
def _check_data(aligner: IBAligner, X: Any, y: Any, groups: Any) -> tuple[Form, bool]:
    """Validate data and parameters before any training.

    Return the form of the data, and whether any group has several rows.

    Raises
    ------
    TypeError, ValueError
        If the data or parameters of the aligner are invalid for `IBAligner.fit`, or the data are a
        stream, whose rows cannot be indexed.
    """
    aligner._validate_params()
    if isinstance(X, IterableDataset):
        raise TypeError(
            "cross-validation selects rows by index, which an IterableDataset does not support: "
            "pass a Dataset with a length, or set beta of IBAligner yourself."
        )
    if is_table(X):
        check_table(X)
    form = read_form(X, y, aligner.modalities)
    device, rng = torch.device("cpu"), np.random.default_rng(0)
    data = read_training_data(X, y, form, device, rng, aligner.input_scaling, aligner.encoders)
    return form, with_groups(aligner, data, groups, X).groups is not None
