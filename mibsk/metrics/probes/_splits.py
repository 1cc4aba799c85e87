"""The split of rows into those that a probe is fitted on, and those that it is evaluated on."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from ..._checks.groups import Groups, hold_out
from ..._checks.labels import looks_real
from ..._checks.parameters import check_scalar, check_seed
from ._factors import tasks_of

MAX_FOLDS = 20  # of which some are held out
ENOUGH_GROUPS = 4  # for two of them to be held out, as an interval needs

Parts = tuple[NDArray[np.intp], NDArray[np.intp]]


def split_rows(
    labels: pd.DataFrame,
    task: str | Mapping[Any, str],
    test_size: float,
    random_state: int | None,
    groups: Groups,
) -> Parts:
    """Return row numbers of the training and the held-out part.

    It is stratified by the factor with the most classes. With groups, each is in one part, the
    share of held-out rows is about `test_size`, and each held-out class is in training. At least
    two of four or more groups are held out, if each class can then be read.

    Parameters
    ----------
    labels : DataFrame (n, n_factors)
        Factors of the rows.
    task : str or mapping of factor to str
        Which factors are classes.
    test_size : float
        Share of rows to hold out.
    random_state : int or None
        Seed of the split.
    groups : ndarray of int (n,) or None
        Groups that are held out as a whole.

    Raises
    ------
    ValueError
        If there is no such split.
    """
    check_scalar("test_size", test_size, low=0, strict=True, high=1)
    check_seed(random_state)
    tasks = tasks_of(labels, task)
    n_classes = {
        name: labels[name].nunique()
        for name in labels
        if tasks[name] != "regression" and not looks_real(labels[name])
    }
    finest = max(n_classes, key=n_classes.__getitem__, default=None)
    generator = np.random.RandomState(random_state)  # not the global generator, even for None
    if groups is not None:
        varying = [name for name, n in n_classes.items() if n > 1]
        classes = {name: pd.factorize(labels[name])[0] for name in varying}
        if not classes:
            n_held = round(test_size * len(labels))
            rng = np.random.default_rng(random_state)
            fewest = 2 if len(np.unique(groups)) >= ENOUGH_GROUPS else 0
            return hold_out(len(labels), n_held, rng, groups, fewest=fewest)[::-1]
        return _split_groups(classes, finest, test_size, generator, groups)
    try:
        train, test = train_test_split(
            np.arange(len(labels)),
            test_size=test_size,
            random_state=generator,
            stratify=labels[finest] if n_classes else None,
        )
    except ValueError as error:
        if not n_classes:
            by, why, advice = "", str(error), "Pass more rows, or pass"
        else:
            by, column = f" stratified by {finest!r}", labels[finest]
            why, advice = _why_not_stratified(column, error), "Merge rare classes,"
            if column.dtype.kind in "iuf":
                advice += " set task='regression' if they are numbers,"
            advice += " or pass"
        raise ValueError(
            f"no split of {len(labels)} rows{by}: {why} {advice} Z_test and labels_test."
        ) from error
    return train, test


def _why_not_stratified(labels: pd.Series[Any], error: ValueError) -> str:
    """Return why there is no split with all classes on both sides; not all classes are listed."""
    counts = labels.value_counts()
    alone = counts.index[counts == 1].tolist()
    if not alone:
        return str(error)
    return f"{len(alone)} of {len(counts)} classes, such as {alone[0]!r}, have one row only."


def _split_groups(
    classes: Mapping[Any, NDArray[np.intp]],
    finest: Any,
    test_size: float,
    generator: np.random.RandomState,
    groups: NDArray[np.intp],
) -> Parts:
    """Hold out some of several folds of groups, so that no factor lacks a class in training."""
    n_groups = len(np.unique(groups))
    share = Fraction(test_size).limit_denominator(min(MAX_FOLDS, n_groups))
    n_folds = max(share.denominator, 2)
    n_held = min(max(share.numerator, 1), n_folds - 1)
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=generator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # classes of fewer rows than folds
        try:
            folds = [test for _, test in splitter.split(groups, classes[finest], groups)]
        except ValueError:  # no class has as many rows as folds
            folds = []
    for fewest in (2, 1) if n_groups >= ENOUGH_GROUPS else (1,):
        for first in range(len(folds)):
            held = np.zeros(len(groups), dtype=bool)
            for k in range(n_folds - 1):  # the last one is for training
                if k < n_held or len(np.unique(groups[held])) < fewest:
                    held[folds[(first + k) % n_folds]] = True
            if len(np.unique(groups[held])) >= fewest and all(
                _can_be_read(codes[~held], codes[held]) for codes in classes.values()
            ):
                return np.flatnonzero(~held), np.flatnonzero(held)
    name, n_within = max(
        ((name, _n_within_one_group(codes, groups)) for name, codes in classes.items()),
        key=lambda found: found[1],
    )
    raise ValueError(
        f"no split of {len(groups)} rows in {n_groups} groups has all held-out classes in training"
        + f": {n_within} class(es) of {name!r} are in one group only, and can be read within that "
        "group alone. Drop this factor, merge rare classes, or pass more groups."
        * bool(n_within)
        + ": pass more groups, or Z_test and labels_test." * (not n_within)
    )


def _can_be_read(train: NDArray[np.intp], test: NDArray[np.intp]) -> bool:
    """Whether there are at least two classes in both parts, and all held-out ones in training."""
    known, wanted = np.unique(train), np.unique(test)
    return min(len(known), len(wanted)) > 1 and bool(np.isin(wanted, known).all())


def _n_within_one_group(codes: NDArray[np.intp], groups: NDArray[np.intp]) -> int:
    """Return the number of classes that are in one group only."""
    found = np.unique(np.stack([codes, groups]), axis=1)[0]
    return int((np.bincount(found) == 1).sum())
