"""Names of rows: the index of pandas, compared where rows are paired by position."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_integer_dtype

from ..exceptions import RowNamesWarning


def row_index(X: Any) -> pd.Index[Any] | None:
    """Return the index of a pandas object, or the one that other rows keep as `index`, or None.

    Of a mapping it is the first index of its values, one that names rows if there is one.
    """
    index = getattr(X, "index", None)  # lists have a method of that name
    if isinstance(index, pd.Index):
        return index
    if not isinstance(X, Mapping):
        return None
    found = [index for value in X.values() if (index := row_index(value)) is not None]
    return next(filter(_has_names, found), found[0] if found else None)


def check_row_names(given: Mapping[str, Any], *, files: bool = False) -> None:
    """Compare the names of rows that are paired by position.

    Two indexes agree if they are equal. If not, they contradict the pairing if both have the same
    names, or if the names that both have come in another order; names of a shift, as in
    ``(X[:-1], X[1:])``, keep theirs. A default `RangeIndex` has no names. Other integers may be
    numbers of the rows that a selection left: they contradict an index only if it has the same
    ones, and beside names that are no integers they say nothing. Names of which fewer than half are
    distinct, such as classes, and levels of a `MultiIndex` that are named otherwise do not tell
    which rows belong together, and contradict nothing. Each index is compared with those before it,
    up to the first that is equal.

    Parameters
    ----------
    given : mapping of str to object
        Python expression of each argument, or the path of a file, and its rows. Mappings are
        replaced by their values; objects without an index, and those with another number of rows
        than the first index, are ignored.
    files : bool, default=False
        Whether these are files: for messages, and because integers 0, 1, 2, ... that were written
        are those of a default index, which differ from other integers without a warning.

    Raises
    ------
    ValueError
        If the names contradict the pairing.

    Warns
    -----
    RowNamesWarning
        If they differ in another way.
    """
    named = [(what, index) for what, index in _indexes(given) if _has_names(index)]
    named = [(what, index) for what, index in named if len(index) == len(named[0][1])]
    for i, (what, index) in enumerate(named):
        found = []
        for earlier, of_earlier in named[:i]:
            if _agree(of_earlier, index):
                break
            found.append(_compare(earlier, of_earlier, what, index, files=files))
        else:
            if message := next(filter(None, found), None):
                warnings.warn(message, RowNamesWarning, stacklevel=2)


def check_mask(rows: Any, mask: Any) -> None:
    """Raise ``ValueError`` if a mask of rows is a boolean Series with their names in another order.

    Other keys select rows by their numbers, and are ignored.
    """
    if isinstance(mask, pd.Series) and is_bool_dtype(mask.dtype):
        check_row_names({"rows": rows, "mask": mask})


def _indexes(given: Mapping[Any, Any], of: str = "") -> Iterator[tuple[str, pd.Index[Any]]]:
    for key, X in given.items():
        what = f"{of}[{key!r}]" if of else str(key)
        index = getattr(X, "index", None)
        if isinstance(index, pd.Index):
            yield what, index
        elif isinstance(X, Mapping):
            yield from _indexes(X, what)


def _has_names(index: pd.Index[Any]) -> bool:
    return not (isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1)


def _agree(one: pd.Index[Any], two: pd.Index[Any]) -> bool:
    return one is two or one.equals(two)


def _compare(
    first: str, of_first: pd.Index[Any], other: str, of_other: pd.Index[Any], *, files: bool
) -> str | None:
    """Return the warning about two indexes of one length, None if there is nothing to say."""
    n = len(of_first)
    codes, names = of_first.append(of_other).factorize(use_na_sentinel=False)
    one, two = codes[:n], codes[n:]
    differ = one != two
    if not differ.any():  # of another type, such as other units of time
        return None
    counts, others = (np.bincount(each, minlength=len(names)) for each in (one, two))
    same_names = np.array_equal(counts, others)
    in_both = (counts > 0) & (others > 0)
    # a name that repeats counts where it comes first
    orders = [pd.unique(each[in_both[each]]) for each in (one, two)]
    permuted = same_names or not np.array_equal(*orders)
    integers = [is_integer_dtype(index.dtype) for index in (of_first, of_other)]
    identify = 2 * min(np.count_nonzero(each) for each in (counts, others)) >= n
    contradiction = (
        (same_names or (permuted and not any(integers)))
        and identify
        and _same_levels(of_first, of_other)
    )
    if not contradiction and any(integers):
        if not all(integers):
            return None
        if files and not same_names and (_counts_rows(of_first) or _counts_rows(of_other)):
            return None
    moved = differ & (in_both[one] | in_both[two])
    row = int(np.argmax(moved if contradiction else differ))
    found = f"row {row} is {_name(of_other, row)} in {other} and {_name(of_first, row)} in {first}"
    if contradiction:
        order = "has the row names of" if same_names else "has some row names of"
        advice = _advice(first, of_first, other, of_other, same_names, files)
        raise ValueError(f"{other} {order} {first} in another order: {found}. {advice}")
    drop = "write one of them without names" if files else f"{other}.reset_index(drop=True)"
    return (
        f"the row names of {first} and {other} differ: {found}. Rows are paired by position; if "
        f"that is right, drop the names of one ({drop}), or silence "
        "mibsk.exceptions.RowNamesWarning."
    )


def _same_levels(one: pd.Index[Any], two: pd.Index[Any]) -> bool:
    """Whether the levels of two indexes have one meaning, as far as their names tell."""
    if not (isinstance(one, pd.MultiIndex) and isinstance(two, pd.MultiIndex)):
        return True
    named = zip(one.names, two.names, strict=False)
    return one.nlevels == two.nlevels and all(a == b or None in (a, b) for a, b in named)


def _counts_rows(index: pd.Index[Any]) -> bool:
    return bool((index == np.arange(len(index))).all())


def _advice(
    first: str,
    of_first: pd.Index[Any],
    other: str,
    of_other: pd.Index[Any],
    same_names: bool,
    files: bool,
) -> str:
    """Return what to do about names that contradict the pairing by position."""
    if files:
        return f"Rows are paired by position: write {other} again, in the order of {first}."
    otherwise = (
        f"; if the names do not tell which rows belong together, drop them: "
        f"{other}.reset_index(drop=True)."
    )
    if not (of_first.is_unique and of_other.is_unique):
        align = "order both by a key whose values differ, since these names repeat"
    elif same_names:
        align = f"pass {other}.loc[{first}.index]"
    else:
        common = f"{first}.index.intersection({other}.index)"
        align = f"keep the common rows of both, {first}.loc[common] and {other}.loc[common] with "
        align += f"common = {common}"
    return f"Rows are paired by position: {align}{otherwise}"


def _name(index: pd.Index[Any], row: int) -> str:
    return f"{index[[row]].tolist()[0]!r:.40}"
