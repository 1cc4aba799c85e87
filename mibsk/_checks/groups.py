"""Groups of rows that are not independent: their check, and splits that keep each group whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .labels import as_labels, check_one_type
from .tensors import is_tensor, tensor_to_array

Groups = NDArray[np.intp] | None
"""The group of each row, numbered from 0; None if each row is on its own."""

LARGEST = 0.9  # share of the rows that one group may have


def as_groups(groups: Any, n_rows: int, name: str = "groups", *, held_out: bool = True) -> Groups:
    """Return the group of each row, numbered in the order of their first rows.

    If each row is a group of its own, the groups restrict no split, and the result is None: that of
    no groups, bit for bit.

    Parameters
    ----------
    groups : array-like of shape (n_rows,) or None
        Names of the groups: strings, integers or categories.
    n_rows : int
        Number of rows.
    name : str
        Name of the argument in messages.
    held_out : bool, default=True
        Whether whole groups are held out, which needs two of which none has nearly all rows.

    Raises
    ------
    ValueError, TypeError
        If there is not one group per row, groups are missing or real numbers, or there are not the
        groups to hold out.
    """
    if groups is None:
        return None
    return _numbered(_names(groups, n_rows, name), name, held_out=held_out)


def as_groups_of_parts(
    groups: Any, n_rows: int, groups_test: Any, n_test: int
) -> tuple[Groups, Groups]:
    """Return the groups of training and of held-out rows, as numbers.

    Raises
    ------
    ValueError, TypeError
        As :func:`as_groups`, if only one of both is given, if they are of different types, or if a
        group is in both.
    """
    if (groups is None) != (groups_test is None):
        raise ValueError(
            "groups and groups_test belong together where held-out rows are passed: pass both or "
            "neither."
        )
    if groups is None:
        return None, None
    train = _names(groups, n_rows, "groups")
    numbered = _numbered(train, "groups")
    test = _names(groups_test, n_test, "groups_test")
    check_one_type({"groups": train, "groups_test": test})
    if both := test[test.isin(train)].unique().tolist():
        raise ValueError(
            f"{len(both)} group(s), such as {both[0]!r}, are in groups and in groups_test: hold "
            "out all rows of a group, or none."
        )
    codes, kinds = pd.factorize(test)
    return numbered, None if len(kinds) == n_test else np.asarray(codes, np.intp)


def _names(groups: Any, n_rows: int, name: str) -> pd.Series[Any]:
    """Return the group of each row as it is named, none missing."""
    if is_tensor(groups):
        groups = tensor_to_array(name, groups)
    if len(shape := np.shape(groups)) != 1:
        raise ValueError(f"{name} must have one group per row, ({n_rows},), got shape {shape}.")
    return as_labels(groups, n_rows, name)


def _numbered(names: pd.Series[Any], name: str, *, held_out: bool = True) -> Groups:
    """Return groups by name as :func:`as_groups` does."""
    n_rows = len(names)
    codes, kinds = pd.factorize(names)
    if len(kinds) == n_rows > 1:
        return None
    sizes = np.bincount(codes)
    if held_out and sizes.max() > LARGEST * n_rows:
        raise ValueError(
            f"{name} must be several, since rows of one group are held out together: "
            f"{kinds.tolist()[sizes.argmax()]!r} has {sizes.max()} of {n_rows} rows. Pass groups "
            f"of which none has more than {LARGEST:.0%} of the rows."
        )
    return np.asarray(codes, np.intp)


def hold_out(
    n: int,
    n_held: int,
    rng: np.random.Generator,
    groups: Groups = None,
    *,
    keep: NDArray[np.intp] | None = None,
    fewest: int = 0,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the numbers of held-out rows, and of all others.

    With groups, these are taken in random order, each if it brings the number of rows nearer to
    `n_held`. If there are then fewer than half as many, the smallest other group is added, unless
    it leaves less than half of the rest. Rows are in random order without groups, and sorted with
    them.

    Parameters
    ----------
    n : int
        Number of rows.
    n_held : int
        Number of rows to hold out; about this many with groups.
    rng : Generator
        Draws the order.
    groups : ndarray of int (n,) or None
        Groups that are held out as a whole.
    keep : ndarray of int, default=None
        Rows whose groups are not held out; None: one group, chosen at random.
    fewest : int, default=0
        Smallest number of groups to hold out, of which there must be more; further ones are added,
        the smallest first.
    """
    if groups is None:
        order = rng.permutation(n)
        return order[:n_held], order[n_held:]
    _, of_row, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = rng.permutation(len(sizes))
    order = order[:-1] if keep is None else order[~np.isin(order, of_row[keep])]
    taken = np.zeros(len(sizes), dtype=bool)
    found = 0
    for group in order:
        if abs(found + sizes[group] - n_held) <= abs(found - n_held):
            taken[group] = True
            found += sizes[group]
    others = np.flatnonzero(~taken) if keep is None else order[~taken[order]]
    if 2 * found < n_held and len(others):
        smallest = others[sizes[others].argmin()]
        taken[smallest] = 2 * (n - found - sizes[smallest]) >= max(n - n_held, 1)
    others = others[~taken[others]]
    by_size = others[np.argsort(sizes[others], kind="stable")]
    taken[by_size[: max(fewest - taken.sum(), 0)]] = True
    held = taken[of_row]
    return np.flatnonzero(held), np.flatnonzero(~held)


def fold_of_rows(groups: NDArray[np.intp], n_folds: int) -> NDArray[np.intp]:
    """Return the fold of each row: the largest group goes to the smallest fold, and so on.

    There are as many folds as groups if these are fewer.
    """
    _, of_row, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    loads = np.zeros(min(n_folds, len(sizes)), dtype=np.intp)
    folds = np.empty(len(sizes), dtype=np.intp)
    for group in np.argsort(-sizes, kind="stable"):
        folds[group] = loads.argmin()
        loads[folds[group]] += sizes[group]
    return folds[of_row]
