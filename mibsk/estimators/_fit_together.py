"""Parallel training of several aligners."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import joblib
from sklearn.utils import check_random_state

from ..training import Trained, one_at_a_time
from ._aligner import MAX_SEED, IBAligner

Caught = list[tuple[str, type[Warning]]]


def fit_together(
    aligners: Iterable[IBAligner],
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    n_jobs: int | None = None,
) -> list[IBAligner]:
    """Fit aligners in parallel, with the same results as their `fit`, bit for bit.

    Parameters
    ----------
    aligners : iterable of IBAligner
        Aligners, fitted in place.
    X : mapping, Modalities, ClassPairs, torch Dataset or table, or a list of those
        Paired data as in :meth:`IBAligner.fit`, the same for all aligners, or a list or tuple of
        those, one for each aligner.
    y : array-like, default=None
        As in :meth:`IBAligner.fit`; a list with one for each aligner if `X` is a list.
    groups : array-like of shape (n,), default=None
        As in :meth:`IBAligner.fit`; a list with one for each aligner if `X` is a list.
    n_jobs : int, default=None
        Number of processes, as in joblib: None is 1, -1 all processors.

    Returns
    -------
    list of IBAligner
        The same aligners, fitted.

    Raises
    ------
    ValueError, TypeError
        If a parameter or the data are invalid. All aligners are then unchanged.
    mibsk.exceptions.DivergenceError
        If the loss of an aligner becomes infinite or NaN. All aligners are then unchanged.

    Examples
    --------
    >>> from mibsk import IBAligner, fit_together
    >>> from mibsk.datasets import load_digits_halves
    >>> halves = load_digits_halves().data
    >>> sweep = [IBAligner(beta=beta, max_epochs=3, random_state=0) for beta in (0, 0.1, 1)]
    >>> gaps = [a.history_[-1]["train_modality_gap"] for a in fit_together(sweep, halves)]
    >>> gaps[0] > gaps[1] > gaps[2]
    True
    """
    aligners = _check_aligners(aligners)
    jobs = [
        # seeds are drawn here, because a shared generator would not advance in another process
        joblib.delayed(_learn)(
            aligner, *data, int(check_random_state(aligner.random_state).randint(MAX_SEED))
        )
        for aligner, data in zip(aligners, _one_each(X, y, groups, len(aligners)), strict=True)
    ]
    learned = joblib.Parallel(n_jobs)(jobs)
    for message, category in dict.fromkeys(each for _, caught in learned for each in caught):
        warnings.warn(message, category, stacklevel=2)
    return [
        aligner._adopt(trained) for aligner, (trained, _) in zip(aligners, learned, strict=True)
    ]


def _check_aligners(aligners: Iterable[IBAligner]) -> list[IBAligner]:
    """Return the aligners as a list of different objects."""
    aligners = list(aligners)
    if not aligners:
        raise ValueError("aligners is empty: pass at least one IBAligner.")
    for aligner in aligners:
        if not isinstance(aligner, IBAligner):
            raise TypeError(f"aligners must be IBAligners, got {type(aligner).__name__}.")
        aligner._validate_params()
    if len({id(each) for each in aligners}) < len(aligners):
        raise ValueError("aligners must be different objects: pass clones (sklearn.base.clone).")
    return aligners


def _one_each(X: Any, y: Any, groups: Any, n: int) -> Sequence[tuple[Any, Any, Any]]:
    """Return one `X`, one `y` and one `groups` for each of `n` aligners."""
    if not isinstance(X, list | tuple):
        return [(X, y, groups)] * n
    each = {"X": X, "y": y, "groups": groups}
    each = {name: [None] * n if given is None else given for name, given in each.items()}
    for name, given in each.items():
        if not isinstance(given, list | tuple) or len(given) != n:
            raise ValueError(
                f"{name} must be a list of {n}, one for each aligner, when X is a list; got "
                f"{type(given).__name__} of {len(given)}."
            )
    return list(zip(*each.values(), strict=True))


def _learn(aligner: IBAligner, X: Any, y: Any, groups: Any, seed: int) -> tuple[Trained, Caught]:
    """Return the training of an aligner, and the warnings it emits."""
    # filters of warnings belong to the process
    with one_at_a_time(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trained = aligner._learn(X, y, groups, seed=seed, resume=aligner.warm_start)
    return trained, [(str(each.message), each.category) for each in caught]
