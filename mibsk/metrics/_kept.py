"""What is found in arrays, kept as long as several metrics of the same arrays need it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")


class Searches(dict[Hashable, tuple[Any, Any]]):
    """What is found, with references to the arrays, by the arrays and a key."""

    lengths: Mapping[int, int] = {}


_kept: ContextVar[Searches | None] = ContextVar("kept searches", default=None)


@contextmanager
def keep_searches(lengths: Mapping[int, int] | None = None) -> Iterator[None]:
    """Keep neighbours and ranks that are found within the context, for metrics of the same arrays.

    They are kept as long as the arrays are in use elsewhere.

    Parameters
    ----------
    lengths : mapping of int to int, default=None
        For numbers of rows, how many neighbours some metric will need: the first search looks for
        them all.
    """
    searches = Searches()
    searches.lengths = lengths or {}
    token = _kept.set(searches)
    try:
        yield
    finally:
        _kept.reset(token)


def is_kept() -> bool:
    """Whether what is found is kept."""
    return _kept.get() is not None


def length_needed(n_rows: int) -> int:
    """Return how many neighbours some metric of so many rows will need, 0 if that is not known."""
    searches = _kept.get()
    return 0 if searches is None else searches.lengths.get(n_rows, 0)


def kept(search: Callable[[], T], *arrays: Any, key: Hashable) -> T:
    """Return what a search finds in arrays, which is kept by its key within `keep_searches`."""
    found = _kept.get()
    if found is None:
        return search()
    place = (*map(id, arrays), key)
    if place not in found:
        # another array may get the id once this one is gone
        owners = [weakref.ref(array, lambda _: found.pop(place, None)) for array in arrays]
        found[place] = owners, search()
    result: T = found[place][1]
    return result
