"""Regularization path along beta, and selection of beta by held-out scores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import _safe_indexing
from torch.utils.data import Dataset, Subset

from .._checks.parameters import check_scalar
from ._aligner import IBAligner
from ._callback_support import FitTask
from ._group_folds import takes_groups

_OF_HISTORY = {  # column of the path -> key of an epoch
    "sufficiency": "train_sufficiency",
    "divergence": "train_divergence",
    "modality_gap": "train_modality_gap",
    "temperature": "temperature",
}
PATH_SHARE = 4  # ratio of the epochs of the first beta to those of each later one
PATH_COLUMNS = ("beta", "fold", "score", "n_iter", *_OF_HISTORY)


def check_betas(betas: Any) -> list[float]:
    """Return the betas as floats.

    Raises
    ------
    TypeError, ValueError
        If there are none, one is not a finite number >= 0, or they do not ascend.
    """
    flat = getattr(betas, "ndim", 1) == 1 and np.iterable(betas)  # items are checked one by one
    given = list(betas) if flat else []
    if not given:
        raise ValueError(f"betas must be a list of at least one number >= 0, got {betas!r}.")
    for i, beta in enumerate(given):
        check_scalar(f"betas[{i}]", beta, low=0)
    found = [float(beta) for beta in given]
    if found != sorted(set(found)):
        raise ValueError(
            f"betas must be strictly ascending, as each is trained from the one before; got "
            f"{found}. Pass {sorted(set(found))}."
        )
    return found


class Choice(NamedTuple):
    """Betas selected by the scores of a path."""

    best: int
    within: int
    standard_errors: np.ndarray


def choose(scores: np.ndarray) -> Choice:
    r"""Return the best beta, and the largest one within one standard error of it.

    With scores :math:`s_{bk}` of beta :math:`b` on fold :math:`k` of :math:`K`, the best
    :math:`b^*`, and :math:`d_{bk} = s_{b^*k} - s_{bk}`, a beta is within one standard error if

    .. math:: \bar d_b \le \min\big(\mathrm{sd}_k(d_{bk}),\, \mathrm{sd}_k(s_{b^*k})\big) / \sqrt K

    Parameters
    ----------
    scores : ndarray (n_betas, n_folds)
        Scores, with betas in ascending order.

    Returns
    -------
    Choice
        With a single fold, standard errors are NaN, and `within` equals `best`.

    Examples
    --------
    >>> choose(np.array([[0.5, 0.9], [0.6, 1.0], [0.5, 1.02]])).within
    2
    """
    means = scores.mean(axis=1)
    best = len(means) - 1 - int(means[::-1].argmax())
    n_folds = scores.shape[1]
    if n_folds < 2:
        return Choice(best, best, np.full(len(means), np.nan))
    # the common difficulty of a fold cancels in the differences
    paired = (scores[best] - scores).std(axis=1, ddof=1)
    # not larger than the error of the best mean: a beta with noisy scores is not favoured
    errors = np.minimum(paired, scores[best].std(ddof=1)) / np.sqrt(n_folds)
    within = int(np.flatnonzero(means[best] - means <= errors)[-1])
    return Choice(best, within, errors)


def walk(
    aligner: IBAligner,
    betas: Sequence[float],
    path_epochs: int | None,
    X: Any,
    y: Any,
    groups: Any,
    task: FitTask,
) -> Iterator[IBAligner]:
    """Train along the betas, each from the weights of the one before, and yield the aligner.

    `path_epochs` is the number of epochs of each beta after the first; None is a quarter of those
    of the first. Each beta is a subtask of `task`.
    """

    def fit() -> IBAligner:
        with task.subtask("beta").fits(aligner):
            return aligner.fit(X, y, groups=groups).set_params(**own)

    own = {"max_epochs": aligner.max_epochs, "warm_start": aligner.warm_start}
    aligner.set_params(beta=betas[0], warm_start=False)
    yield fit()
    if path_epochs is None:
        whole = aligner.n_iter_ if aligner.max_epochs == "auto" else aligner.max_epochs
        path_epochs = max(-(-int(whole) // PATH_SHARE), 1)
    for beta in betas[1:]:
        aligner.set_params(beta=beta, warm_start=True, max_epochs=path_epochs)
        yield fit()


def score_path(
    aligner: IBAligner,
    betas: Sequence[float],
    path_epochs: int | None,
    scorer: Callable[..., float],
    data: tuple[Any, Any, Any],
    rows: tuple[np.ndarray, np.ndarray],
    fold: int,
    task: FitTask,
    *,
    verbose: int = 0,
) -> list[dict[str, Any]]:
    """Train along the betas on some rows, and score each on the held-out rows.

    Returns
    -------
    list of dict
        One dict per beta, with the keys `PATH_COLUMNS`.

    Raises
    ------
    TypeError, ValueError
        If a score is not a finite number.
    """
    train, (X_held, y_held, groups_held) = (_take(data, chosen) for chosen in rows)
    task = replace(task, X=train[0], y=train[1])
    task.begin()
    steps = walk(aligner, betas, path_epochs, *train, task)
    if groups_held is not None and takes_groups(scorer):
        scorer = partial(scorer, groups=groups_held)
    found = []
    for beta in betas:
        start = time.perf_counter()
        fitted = next(steps)
        score = _checked(scorer(fitted, X_held, y_held), scorer, beta, fold)
        last = fitted.history_[-1]
        values = {column: last[key] for column, key in _OF_HISTORY.items()}
        found.append(
            {"beta": beta, "fold": fold, "score": score, "n_iter": fitted.n_iter_, **values}
        )
        if verbose:
            seconds = time.perf_counter() - start
            print(f"fold {fold}  beta {beta:<6g} score {score:.4f}  {seconds:.1f} s", flush=True)
    task.end()
    return found


def _take(data: tuple[Any, Any, Any], rows: np.ndarray) -> tuple[Any, Any, Any]:
    """Return the given rows of `X`, and of `y` and `groups` unless they are None."""
    X, y, groups = data
    some = Subset(X, rows.tolist()) if isinstance(X, Dataset) else _safe_indexing(X, rows)
    y, groups = (None if each is None else _safe_indexing(each, rows) for each in (y, groups))
    return some, y, groups


def _checked(score: Any, scorer: Any, beta: float, fold: int) -> float:
    where = f"scoring={scorer!r} must return one number, higher is better; for beta={beta:g}"
    try:
        value = float(score)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{where} on fold {fold} it returned {type(score).__name__}: {score!r:.80}"
        ) from error
    if not np.isfinite(value):
        raise ValueError(
            f"{where} on fold {fold} it returned {value}. Check how it scores few or such "
            "rows, or pass another scorer."
        )
    return value
