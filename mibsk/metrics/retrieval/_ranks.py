"""Ranks of what queries look for: how many rows of the gallery score as high without being it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._checks.matrices import Matrix, namespace, tiles, to_numpy
from ..neighbours._similarities import Scores, as_double, count_rows

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FEW_PAIRS = 64  # relevant pairs per row of queries and gallery up to which they are listed
FIRST_COLUMNS = 256  # of the gallery, searched before queries that need no more are dropped


class Relevance(NamedTuple):
    """Classes of queries and gallery, numbered alike: rows of one class are relevant."""

    queries: Ints  # (n,)
    gallery: Ints  # (m,)


def first_ranks(
    X: Matrix, Y: Matrix, relevance: Relevance | None = None, *, enough: int | None = None
) -> Ints:
    """Return for each query how many irrelevant rows score as high as its best relevant one.

    Parameters
    ----------
    X : array or tensor of shape (n, d)
        Queries.
    Y : array or tensor of shape (m, d)
        Gallery.
    relevance : Relevance, optional
        By default row i of ``Y`` alone is relevant to query i.
    enough : int, optional
        A rank from which on it is not told how large it is; saves the rest of the search.

    Returns
    -------
    ndarray of int64, shape (n,)
        0 for a query whose best relevant row scores above all irrelevant ones, m for one without
        relevant rows. Scores that differ by rounding count as equal.
    """
    scores = Scores(X, Y)
    if relevance is None:
        pairs = Pairs(np.arange(len(X)), np.arange(len(X) + 1))
    elif _n_pairs(relevance) <= FEW_PAIRS * (len(X) + len(Y)):
        pairs = _list_pairs(relevance)
    else:
        return _dense_first_ranks(scores, relevance)
    queries, columns = pairs.of(np.arange(len(X)))
    exact = to_numpy(scores.exact(*_on_device(scores, queries, columns)))
    best = np.full(len(X), -np.inf)
    np.maximum.at(best, queries, exact)
    wanted = np.flatnonzero(best > -np.inf)
    ranks = np.full(len(X), len(Y), dtype=np.int64)
    ranks[wanted] = 0
    _count_as_high(scores, best - _rounding(scores), pairs, wanted, ranks, enough)
    return ranks


class Pairs(NamedTuple):
    """The relevant rows of every query: ``columns[starts[i]:starts[i + 1]]`` are those of i."""

    columns: Ints
    starts: Ints  # (n + 1,)

    def of(self, queries: Ints) -> tuple[Ints, Ints]:
        """Return place in `queries` and row of the gallery, of each relevant pair."""
        counts = self.starts[queries + 1] - self.starts[queries]
        ends = np.cumsum(counts)
        at = np.repeat(self.starts[queries] - ends + counts, counts) + np.arange(counts.sum())
        return np.repeat(np.arange(len(queries)), counts), self.columns[at]


def _count_as_high(
    scores: Scores,
    floor: Floats,
    pairs: Pairs,
    queries: Ints,
    ranks: Ints,
    enough: int | None,
) -> None:
    """Add to `ranks` how many scores of each query reach its `floor`, but for relevant pairs."""
    low, high = _thresholds(scores, floor)
    m = len(scores.Y)
    for columns in [slice(0, m)] if enough is None else _widening(m):
        if not len(queries):
            return
        for tile in scores.tiles(len(queries), columns.stop - columns.start):
            some = queries[tile]
            rows = _on_device(scores, some)[0]
            coarse = scores.coarse(rows, columns)
            at, relevant = pairs.of(some)
            here = (relevant >= columns.start) & (relevant < columns.stop)
            coarse[_on_device(scores, at[here], relevant[here] - columns.start)] = -np.inf
            possible = count_rows(coarse >= _on_device(scores, low[some, None])[0])
            hit = np.flatnonzero(possible)
            if not len(hit):
                continue
            if len(hit) < len(some):
                coarse, some, possible = (
                    coarse[_on_device(scores, hit)[0]],
                    some[hit],
                    possible[hit],
                )
            sure = count_rows(coarse > _on_device(scores, high[some, None])[0])
            ranks[some] += sure
            doubtful = np.flatnonzero(possible > sure)
            if len(doubtful):
                unsure = to_numpy(coarse[_on_device(scores, doubtful)[0]])
                doubted = some[doubtful]
                unsure = (unsure >= low[doubted, None]) & (unsure <= high[doubted, None])
                _count_doubtful(scores, unsure, doubted, columns, floor, ranks)
        if enough is not None:
            queries = queries[ranks[queries] < enough]


def _thresholds(scores: Scores, floor: Floats) -> tuple[Any, Any]:
    """Return the coarse scores below which none, and above which each, reaches the floor."""
    unit = to_numpy(scores.unit)
    # all scores of a zero row are zero
    exact = np.divide(floor, unit, out=np.zeros_like(floor), where=unit > 0)
    low, high = (exact + by for by in (-scores.slack, scores.slack))
    return low.astype(np.float32), high.astype(np.float32)


def _count_doubtful(
    scores: Scores,
    unsure: NDArray[np.bool_],
    queries: Ints,
    columns: slice,
    floor: Floats,
    ranks: Ints,
) -> None:
    """Add the scores that float32 cannot tell from the floor, and that reach it."""
    if np.count_nonzero(unsure) > unsure.size // 16:  # many rows that are equal or nearly so
        X, Y = as_double(scores.X), as_double(scores.Y[columns])
        for part in tiles(len(queries), len(Y)):
            some = queries[part]
            S = to_numpy(X[_on_device(scores, some)[0]] @ Y.T)
            as_high = (floor[some, None] <= S) & unsure[part]
            ranks[some] += np.count_nonzero(as_high, axis=1)
        return
    at, column = np.divmod(np.flatnonzero(unsure), unsure.shape[1])
    rows = queries[at]
    exact = to_numpy(scores.exact(*_on_device(scores, rows, column + columns.start)))
    np.add.at(ranks, rows[exact >= floor[rows]], 1)


def _dense_first_ranks(scores: Scores, relevance: Relevance) -> Ints:
    """Return the ranks where classes are so large that listing their pairs would not help."""
    ranks = np.empty(len(relevance.queries), dtype=np.int64)
    rounding = _rounding(scores)
    for rows, S, relevant in _dense_tiles(scores, relevance):
        best = np.where(relevant, S, -np.inf).max(axis=1)
        floor = np.where(best > -np.inf, best - rounding[rows], -np.inf)
        ranks[rows] = np.count_nonzero((floor[:, None] <= S) & ~relevant, axis=1)
    ranks[~np.isin(relevance.queries, relevance.gallery)] = len(relevance.gallery)
    return ranks


def average_precisions(X: Matrix, Y: Matrix, relevance: Relevance) -> Floats:
    """Return for each query the mean precision at the places of its relevant rows.

    0 for a query without any. Of equal scores the irrelevant rows come first.
    """
    scores = Scores(X, Y)
    found = np.zeros(len(relevance.queries))
    places = np.arange(1, len(relevance.gallery) + 1)
    for rows, S, relevant in _dense_tiles(scores, relevance):
        # the last bit of a score tells which rows are relevant, so that sorting needs no indices
        S += 0.0  # no negative zeros
        bits = S.view(np.int64)
        bits &= ~np.int64(1)
        bits |= np.where(relevant == (S < 0), np.int64(1), np.int64(0))
        S.sort(axis=1)
        last = (S.view(np.int64) & 1) == 1
        hits = (last == (S < 0))[:, ::-1]
        n_hits = hits.sum(axis=1)
        precision = np.cumsum(hits, axis=1) / places
        sums = (precision * hits).sum(axis=1)
        np.divide(sums, n_hits, out=found[rows], where=n_hits > 0)
    return found


def _dense_tiles(
    scores: Scores, relevance: Relevance
) -> Iterator[tuple[slice, Floats, NDArray[np.bool_]]]:
    """Yield rows, their scores with all of the gallery in float64, and which are relevant."""
    X, Y = as_double(scores.X), as_double(scores.Y)
    for rows in tiles(len(X), len(Y)):
        S = np.ascontiguousarray(to_numpy(X[rows] @ Y.T), dtype=np.float64)
        yield rows, S, relevance.queries[rows, None] == relevance.gallery


def _n_pairs(relevance: Relevance) -> int:
    size = int(max(relevance.queries.max(), relevance.gallery.max())) + 1
    counts = [np.bincount(codes, minlength=size) for codes in relevance]
    return int(counts[0] @ counts[1])


def _list_pairs(relevance: Relevance) -> Pairs:
    """List the rows of the gallery that are of each query's class."""
    order = np.argsort(relevance.gallery, kind="stable")
    ordered = relevance.gallery[order]
    first = np.searchsorted(ordered, relevance.queries, side="left")
    counts = np.searchsorted(ordered, relevance.queries, side="right") - first
    starts = np.concatenate([[0], np.cumsum(counts)])
    at = np.repeat(first - starts[:-1], counts) + np.arange(starts[-1])
    return Pairs(order[at], starts)


def _widening(m: int) -> Iterator[slice]:
    """Cut the gallery in parts, each as large as all before it."""
    start, stop = 0, min(FIRST_COLUMNS, m)
    while start < m:
        yield slice(start, stop)
        start, stop = stop, min(2 * stop, m)


def _rounding(scores: Scores) -> Floats:
    """Return by how much two inner products of a query can differ by rounding in float64."""
    unit: Floats = to_numpy(scores.unit)
    return unit * scores.X.shape[1] * np.finfo(np.float64).eps


def _on_device(scores: Scores, *arrays: Ints) -> tuple[Matrix, ...]:
    xp = namespace(scores.X)
    return tuple(xp.asarray(array, device=scores.X.device) for array in arrays)
