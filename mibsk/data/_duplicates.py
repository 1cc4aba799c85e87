"""Duplicate rows, which a contrastive loss takes as negatives of each other."""

from __future__ import annotations

import warnings
from math import prod
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
import scipy.sparse as sp

from ..exceptions import DuplicateRowsWarning
from ..files.memory_map import file_rows

_CHUNK_BYTES = 2**20  # size of the chunks hashed or compared, to fit in the cache


class Duplicates(NamedTuple):
    r"""Rows that equal another one.

    Attributes
    ----------
    n_rows : int
        Number of rows that equal another row.
    first : tuple of int or None
        The first row that is repeated, and its first repetition.
    probability : float
        Probability that two different random rows are equal. If :math:`c_k` of the `n` rows have
        the value `k`, it is :math:`\sum_k c_k (c_k - 1) / (n (n - 1))`. In a random batch of `B`
        rows, each has :math:`B - 1` times as many duplicates on average.
    """

    n_rows: int
    first: tuple[int, int] | None
    probability: float


def duplicate_rows(X: np.ndarray | sp.csr_array, groups: np.ndarray | None = None) -> Duplicates:
    """Find the rows that equal another one, by hashing and then by comparison.

    Parameters
    ----------
    X : ndarray (n, ...) of numbers, ndarray (n,) of str, or CSR matrix (n, d)
        The rows. Numbers are equal if their bytes are; 0.0 differs from -0.0.
    groups : ndarray of int (n,), default=None
        Only rows of different groups are compared. None: each row is its own group.
    """
    n = X.shape[0]
    repeats, kinds = equal_rows(X)
    if groups is not None and len(repeats):
        of_kind = pd.Series(groups[repeats]).groupby(kinds).transform("nunique").to_numpy()
        repeats, kinds = repeats[of_kind > 1], kinds[of_kind > 1]
    if not len(repeats):
        return Duplicates(0, None, 0.0)
    within = repeats if groups is None else groups[repeats]
    other = (kinds == kinds[0]) & (within != within[0])
    counts = np.bincount(kinds).astype(float)
    in_group = pd.Series(kinds).groupby([kinds, within]).size().to_numpy(float)
    n_equal_pairs = counts @ counts - in_group @ in_group
    first = (int(repeats[0]), int(repeats[other][0]))
    return Duplicates(len(repeats), first, float(n_equal_pairs) / (n * (n - 1)))


def equal_rows(X: np.ndarray | sp.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that equal another one, sorted, and a number that equal rows share.

    Parameters
    ----------
    X : ndarray or CSR matrix
        As for :func:`duplicate_rows`.

    Returns
    -------
    rows, kinds : ndarray of int (n_repeated,)
    """
    rows = _comparable(X)
    suspects = _repeated(rows.keys())
    keys = rows.keys(suspects)
    again = _repeated(keys)
    suspects, keys = suspects[again], keys[again]
    kinds = _kinds(rows, suspects, pd.factorize(keys)[0])
    repeated = np.bincount(kinds, minlength=1)[kinds] > 1
    return suspects[repeated], kinds[repeated]


def warn_duplicates(
    name: str, X: np.ndarray | sp.csr_array, batch_size: int, groups: np.ndarray | None = None
) -> None:
    """Emit a `DuplicateRowsWarning` if rows of a modality occur more than once.

    Rows of one of the `groups`, one for each row, are not negatives of each other.
    """
    found = duplicate_rows(X, groups)
    if found.first is None:
        return
    n = X.shape[0]
    n_others = (n if batch_size == -1 else min(batch_size, n)) - 1
    warnings.warn(
        f"modality {name!r}: {found.n_rows} of {n} rows occur more than once (first: rows "
        f"{found.first[0]} and {found.first[1]}). A contrastive loss takes each as a negative of "
        f"the other: {found.probability * n_others:.2g} false negatives per pair and batch. Drop "
        "such rows, pass groups=mibsk.data.duplicate_groups(X) to fit with "
        "same_group='positive', use mibsk.ClassPairs for data paired by class, or silence "
        "mibsk.exceptions.DuplicateRowsWarning.",
        DuplicateRowsWarning,
        stacklevel=2,
    )


def _kinds(rows: _Comparable, suspects: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return a number for each of `suspects`, shared by equal rows; these have equal `codes`."""
    kinds = np.empty(len(suspects), np.intp)
    pending, n_kinds = np.arange(len(suspects)), 0
    while len(pending):
        group, _ = pd.factorize(codes[pending])  # numbered in order of appearance
        first = pending[~pd.Series(group).duplicated().to_numpy()]
        cuts = range(rows.n_at_a_time, len(pending), rows.n_at_a_time)
        pairs = zip(
            np.split(suspects[pending], cuts), np.split(suspects[first[group]], cuts), strict=True
        )
        same = np.concatenate([rows.equal(a, b) for a, b in pairs])
        kinds[pending[same]] = n_kinds + group[same]
        # rows with the code of the first but other values are compared with each other
        pending, n_kinds = pending[~same], n_kinds + len(first)
    return kinds


def _repeated(keys: np.ndarray) -> np.ndarray:
    """Return the sorted positions of the `keys` that occur more than once."""
    if keys.dtype == object:
        return np.flatnonzero(pd.Series(keys, dtype=object).duplicated(keep=False))
    # with over four slots per key few keys collide by chance; only those are compared
    n_bits = len(keys).bit_length() + 2
    place = (keys >> np.uint64(64 - n_bits)).astype(np.intp)
    number = np.arange(len(keys), dtype=np.min_scalar_type(len(keys)))
    last = np.empty(2**n_bits, number.dtype)
    last[place] = number
    in_place = last[place]
    shares = in_place != number
    shares[in_place[shares]] = True
    positions = np.flatnonzero(shares)
    return positions[pd.Series(keys[positions]).duplicated(keep=False)]


class _Comparable(Protocol):
    """Rows that can be hashed and compared."""

    n_at_a_time: int

    def keys(self, rows: np.ndarray | None = None) -> np.ndarray:
        """Return a key for each row, or each of `rows`; equal rows have equal keys."""

    def equal(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return whether row ``a[i]`` equals row ``b[i]``."""


def _comparable(X: Any) -> _Comparable:
    if sp.issparse(X):
        return _SparseRows(X)
    return _Strings(X) if X.dtype.kind in "OU" else _DenseRows(X)


class _Strings:
    """Strings, with the strings themselves as keys."""

    def __init__(self, X: np.ndarray) -> None:
        self.X, self.n_at_a_time = X.astype(object), _CHUNK_BYTES

    def keys(self, rows: np.ndarray | None = None) -> np.ndarray:
        return self.X if rows is None else self.X[rows]

    def equal(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return self.X[a] == self.X[b]


class _DenseRows:
    r"""Rows of numbers, hashed as :math:`\sum_j c_j w_j` modulo 2**64.

    The :math:`w_j` are words of 8 bytes and the :math:`c_j` random odd numbers: rows that differ
    in a single word never collide. The highest bits of a word affect few bits of the sum, so that
    rows which differ only there often collide. The second pass, over given `rows`, therefore mixes
    the bits of each word first.
    """

    def __init__(self, X: np.ndarray) -> None:
        self.X = X if X.flags.owndata else file_rows(X)
        self.row_bytes = X.dtype.itemsize * prod(X.shape[1:])
        self.n_at_a_time = max(1, _CHUNK_BYTES // self.row_bytes)

    def keys(self, rows: np.ndarray | None = None) -> np.ndarray:
        factors = _odd(-(-self.row_bytes // 8))
        hashes = np.empty(len(self.X) if rows is None else len(rows), np.uint64)
        for start in range(0, len(hashes), self.n_at_a_time):
            chunk = slice(start, start + self.n_at_a_time)
            words = self._words(self.X[chunk if rows is None else rows[chunk]])
            if rows is not None:
                words = words ^ (words >> np.uint64(29))
            np.einsum("ij,j->i", words, factors, out=hashes[chunk])
        return hashes

    def equal(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (self._words(self.X[a]) == self._words(self.X[b])).all(axis=1)

    def _words(self, rows: np.ndarray) -> np.ndarray:
        """Return the bytes of rows as uint64, padded with zeros."""
        as_bytes = np.ascontiguousarray(rows).reshape(len(rows), -1).view(np.uint8)
        if missing := -self.row_bytes % 8:
            as_bytes = np.pad(as_bytes, [(0, 0), (0, missing)])
        return as_bytes.view(np.uint64)


class _SparseRows:
    """Rows of a CSR matrix, hashed as the sum over stored values of a hash of column and value."""

    def __init__(self, X: sp.csr_array) -> None:
        if not (X.has_canonical_format and X.data.all()):
            X = X.copy()
            X.sum_duplicates()
            X.eliminate_zeros()
        self.X = X
        self.n_at_a_time = max(1, _CHUNK_BYTES // 8 * X.shape[0] // max(X.nnz, 1))

    def keys(self, rows: np.ndarray | None = None) -> np.ndarray:
        X = self.X if rows is None else self.X[rows]
        hashes = np.empty(X.shape[0], np.uint64)
        for_column, for_value, for_both = _odd(3)
        for start in range(0, len(hashes), self.n_at_a_time):
            ends = X.indptr[start : start + self.n_at_a_time + 1]
            columns = X.indices[ends[0] : ends[-1]].astype(np.uint64)
            values = X.data[ends[0] : ends[-1]].astype(np.float64).view(np.uint64)
            mixed = columns * for_column
            mixed ^= values * for_value
            mixed ^= mixed >> np.uint64(29)
            mixed *= for_both
            mixed ^= mixed >> np.uint64(32)
            hashes[start : start + self.n_at_a_time] = _sums(mixed, ends - ends[0])
        return hashes

    def equal(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        lengths = np.diff(self.X.indptr)
        same = lengths[a] == lengths[b]
        left, right = self.X[a[same]], self.X[b[same]]
        differs = (left.indices != right.indices) | (left.data != right.data)
        same[same] = _sums(differs, left.indptr) == 0
        return same


def _sums(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the sums of ``values[ends[i]:ends[i + 1]]``, modulo 2**64."""
    running = np.zeros(len(values) + 1, np.uint64)
    np.cumsum(values, out=running[1:], dtype=np.uint64)
    return np.diff(running[ends])


def _odd(n: int) -> np.ndarray:
    """Return n random odd 64-bit numbers (n,), with a fixed seed."""
    return np.random.default_rng(0).integers(2**64, size=n, dtype=np.uint64) | np.uint64(1)
