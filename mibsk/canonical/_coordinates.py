"""Coordinates of the rows of one modality, few enough that their covariance fits in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from ._pair_sums import Matrix, Present

MAX_COLUMNS = 2048
FEW_COLUMNS = 256  # for which the moments of the columns are used, even if there are fewer rows
RANK = 1024
N_ITERATIONS = 2
COLUMN_BLOCK = 4096

Chunks = Callable[[], Iterator[Any]]


@dataclass(frozen=True)
class Coordinates:
    r"""Linear coordinates of the flattened rows: :math:`V^\top ((x - \mu) / s)`, or `x` itself.

    Parameters
    ----------
    mean, scale : ndarray (p,), or None
        Mean :math:`\mu` and scale `s` of the columns; None: 0 and 1.
    basis : ndarray (p, r), or None
        Orthonormal basis `V`; None: the columns themselves.
    """

    mean: Matrix | None = None
    scale: Matrix | None = None
    basis: Matrix | None = None

    def __call__(self, rows: Any) -> Matrix:
        """Return the coordinates (n, r) of prepared rows (n, ...), in float64."""
        if self.basis is None:
            return _flat(rows.toarray() if sp.issparse(rows) else rows)
        assert self.mean is not None
        assert self.scale is not None
        if sp.issparse(rows):
            scaled = self.basis / self.scale[:, None]
            found: Matrix = rows @ scaled - self.mean @ scaled
            return found
        return ((_flat(rows) - self.mean) / self.scale) @ self.basis


def coordinate_views(
    coordinates: Mapping[str, Coordinates],
    n_values: Mapping[str, int],
    chunk: Mapping[str, Any],
    present: Sequence[Present] | None = None,
) -> list[Matrix]:
    """Return the coordinates (n, r) of the rows of each modality, 0 in rows that lack it.

    Parameters
    ----------
    coordinates : mapping of str to Coordinates
        Coordinates of each modality.
    n_values : mapping of str to int
        Number of values of a row of each modality.
    chunk : mapping of str to array (k, ...) or CSR matrix
        The prepared rows that have each modality; one that no row has may be left out.
    present : sequence of ndarray of bool (n,), default=None
        Which rows have each modality; None: all have all.
    """
    if present is None:
        return [base(chunk[name]) for name, base in coordinates.items()]
    views = []
    for (name, base), has in zip(coordinates.items(), present, strict=True):
        width = n_values[name] if base.basis is None else base.basis.shape[1]
        views.append(np.zeros((len(has), width)))
        if name in chunk:
            views[-1][has] = base(chunk[name])
    return views


def find_coordinates(
    chunks: Chunks,
    n: float,
    p: int,
    *,
    scaled: bool,
    max_columns: int = MAX_COLUMNS,
    rank: int = RANK,
) -> Coordinates:
    """Return coordinates of the rows of a modality.

    The columns are their own coordinates if they are few, or no more than the rows. Otherwise the
    basis spans all rows exactly if they are few, and else approximately: it is found by a few
    steps of randomised subspace iteration [1]_ over chunks of rows.

    Parameters
    ----------
    chunks : callable
        Returns an iterator of the prepared rows in chunks, (n_chunk, ...) or CSR.
    n : int or inf
        Number of rows; inf if it is not known.
    p : int
        Number of columns.
    scaled : bool
        Whether columns are divided by their standard deviation.
    max_columns : int, default=2048
        Largest number of columns, or of rows, whose second moments are computed directly.
    rank : int, default=1024
        Rank of the approximation of a modality with more columns and rows.

    References
    ----------
    .. [1] Halko, Martinsson and Tropp, "Finding Structure with Randomness", SIAM Review 53, 2011.
    """
    if p <= FEW_COLUMNS or p <= min(n, max_columns):
        return Coordinates()
    mean, scale = _mean_and_scale(chunks, p, scaled=scaled)
    if n <= max_columns:
        return Coordinates(mean, scale, _row_space(chunks, mean, scale))
    return Coordinates(mean, scale, _range(chunks, mean, scale, min(rank, p)))


def _flat(rows: np.ndarray) -> Matrix:
    return rows.reshape(len(rows), -1).astype(np.float64)


def _mean_and_scale(chunks: Chunks, p: int, *, scaled: bool) -> tuple[Matrix, Matrix]:
    """Return mean and scale of the columns; the scale of constant ones is 1."""
    n, first = 0, np.zeros(p)
    total, squares = np.zeros(p), np.zeros(p)
    for rows in chunks():
        if sp.issparse(rows):
            total += np.asarray(rows.sum(axis=0)).ravel()
            squares += np.asarray(rows.power(2).sum(axis=0)).ravel()
        else:
            flat = _flat(rows)
            if not n:
                first = flat[0].copy()
            flat -= first
            total += flat.sum(axis=0)
            squares += np.einsum("ij,ij->j", flat, flat)
        n += rows.shape[0]
    if not scaled:
        return first + total / n, np.ones(p)
    variance = (squares - total**2 / n) / n
    varies = variance > n * np.finfo(np.float64).eps * squares / n
    return first + total / n, np.sqrt(np.where(varies, variance, 1.0))


def _row_space(chunks: Chunks, mean: Matrix, scale: Matrix) -> Matrix:
    """Return an orthonormal basis of the centred rows, from the products of all rows."""
    parts = list(chunks())
    if sp.issparse(parts[0]):
        X = sp.csr_array(sp.vstack(parts)).astype(np.float64)  # the scale of sparse rows is 1
        shift = X.mean(axis=0)
        products = (X @ X.T).toarray() - np.add.outer(X @ shift, X @ shift) + shift @ shift
        roots = _inverse_roots(products)
        basis: Matrix = X.T @ roots - np.outer(shift, roots.sum(axis=0))
        return basis
    rows = np.concatenate([part.reshape(len(part), -1) for part in parts])

    def block(start: int) -> Matrix:
        columns = slice(start, start + COLUMN_BLOCK)
        values: Matrix = (rows[:, columns].astype(np.float64) - mean[columns]) / scale[columns]
        return values

    starts = range(0, rows.shape[1], COLUMN_BLOCK)
    products = np.zeros((len(rows), len(rows)))
    for start in starts:
        values = block(start)
        products += values @ values.T
    roots = _inverse_roots(products)
    return np.concatenate([block(start).T @ roots for start in starts])


def _inverse_roots(products: Matrix) -> Matrix:
    """Return the eigenvectors of a Gram matrix over the roots of their eigenvalues (n, r)."""
    values, vectors = np.linalg.eigh(products)
    kept = values > len(values) * np.finfo(np.float64).eps * max(values[-1], 0.0)
    roots: Matrix = vectors[:, kept] / np.sqrt(values[kept])
    return roots


def _range(chunks: Chunks, mean: Matrix, scale: Matrix, rank: int) -> Matrix:
    """Return an orthonormal basis of the leading principal axes of the rows, approximately."""
    p = len(mean)
    basis = np.random.default_rng(0).standard_normal((p, rank))
    for _ in range(N_ITERATIONS):
        products = np.zeros_like(basis)
        for rows in chunks():
            scaled = Coordinates(mean, scale, basis)(rows)  # (n_chunk, r)
            if sp.issparse(rows):
                products += rows.T @ scaled - np.outer(mean, scaled.sum(axis=0))
            else:
                products += (_flat(rows) - mean).T @ scaled
        basis, _ = np.linalg.qr(products / scale[:, None])
    return basis
