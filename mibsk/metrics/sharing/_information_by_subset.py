"""Gaussian information of several representations, by the sets of them that share it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from ..._checks.devices import double, to_numpy
from ..._checks.magnitudes import in_range
from ..._checks.matrices import as_matrix
from ..._checks.parameters import check_scalar
from ..._checks.row_names import check_row_names
from .._moments import check_varies
from ..statistics import Estimate
from ._held_out import Matrix, cross_fit_inflation
from ._joint_rotation import correlations_of, matched, told_apart
from ._subsets import Subset, by_subset, carriers

N_FOLDS = 5
RANK_CUTOFF = 1e-10  # of the largest variance of a representation: less is rounding


def information_by_subset(
    representations: Mapping[str, ArrayLike], *, level: float = 0.95, n_components: int = 64
) -> dict[Subset, Estimate]:
    r"""Information that representations share if they are jointly Gaussian, by who shares it.

    What three modalities know of each other has parts: that which all of them know, and that which
    two know and the third does not. The directions of canonical correlation analysis of all
    representations tell them apart, if they are chosen to have the largest sum of squared
    correlations and are uncorrelated within each representation (SSQCOR [1]_). A direction belongs
    to the set of representations whose variates correlate on held-out rows, and has the information

    .. math:: -\frac12 \log\det R

    of their correlations `R`, which for two is their mutual information. For data of factors, each
    of which some representations observe with noise and in directions of its own, these are the
    factors, and the sum over all sets is the multi-information of the representations.

    Rows are held out in five folds, and the directions are those of the rows of the others, so that
    columns that do not correlate have no information, and weak directions less than they have. With
    few rows, this is a lower bound. Directions of a representation whose deviation is below 1e-5 of
    the largest are taken as rounding and left out.

    Parameters
    ----------
    representations : mapping of str to array-like or tensor (n_samples, n_features)
        Representations of two and more modalities; row `i` of each belongs together.
    level : float, default=0.95
        Level of the intervals, and of the tests of whether two variates correlate.
    n_components : int, default=64
        Largest number of directions.

    Returns
    -------
    dict of tuple of str to Estimate
        Information in nats of each set of representations that shares a direction, the largest sets
        first. Empty if nothing is shared.

    Raises
    ------
    ValueError, TypeError
        If there are fewer than two representations, they have different numbers of rows, all rows
        of one are equal, or there are fewer than two rows per column.

    References
    ----------
    .. [1] Kettenring, "Canonical analysis of several sets of variables", Biometrika 58, 1971.

    Examples
    --------
    Three modalities of four factors, one of which all observe, and the first two another one:

    >>> import numpy as np
    >>> from mibsk.metrics import information_by_subset
    >>> rng = np.random.default_rng(0)
    >>> f = rng.standard_normal((5000, 4))
    >>> columns = {"image": [0, 1], "text": [0, 1], "audio": [0, 2]}
    >>> Z = {name: f[:, c] + 0.5 * rng.standard_normal((5000, 2)) for name, c in columns.items()}
    >>> for names, nats in information_by_subset(Z).items():
    ...     print(*names, round(float(nats), 1))
    image text audio 1.1
    image text 0.5
    """
    if not isinstance(representations, Mapping):
        raise TypeError(
            "representations must map names of modalities to arrays, got "
            f"{type(representations).__name__}."
        )
    if len(representations) < 2:
        raise ValueError(
            f"expected at least two representations, got {list(representations)}: pass a mapping "
            "of names to arrays."
        )
    check_scalar("level", level, low=0, high=1, strict=True)
    check_scalar("n_components", n_components, low=1, integer=True)
    check_row_names(dict(representations))
    arrays = []
    for name, X in representations.items():
        matrix = in_range(as_matrix(X, name))
        check_varies(matrix, name, "the information")
        arrays.append(double(to_numpy(matrix)))
        if len(matrix) != len(arrays[0]):
            raise ValueError(
                f"row i must be the same in all representations, got {len(arrays[0])} rows of "
                f"{next(iter(representations))!r} and {len(matrix)} of {name!r}."
            )
    width, n = sum(X.shape[1] for X in arrays), len(arrays[0])
    if n < 2 * width + 2:
        raise ValueError(
            f"{n} rows are too few for {width} columns: pass at least {2 * width + 2} rows, or "
            "fewer columns. CanonicalBottleneck, which chooses a ridge, has no such limit."
        )
    folds = _folds(arrays)
    total = sum(folds[1:], start=folds[0])
    names = list(representations)
    rests = [total.less(fold) for fold in folds]
    k = _n_shared(folds, rests, total, n_components, level)
    if not k:
        return {}
    maps = told_apart(total.covariance, total.parts, _maxvar(total, k))
    held_out = np.zeros((k, len(names), len(names)))
    for fold, rest in zip(folds, rests, strict=True):
        found = told_apart(rest.covariance, rest.parts, _maxvar(rest, k))
        held_out += fold.scatter_of(matched(found, maps, total.covariance, total.parts))
    correlations = _scaled(held_out)
    train = correlations_of(total.covariance, total.parts, maps)
    inflation = cross_fit_inflation(train, correlations)
    n_independent = float(n - N_FOLDS)
    sets = carriers(correlations, n_independent, inflation, level)
    return by_subset(names, correlations, sets, n_independent, inflation, level)


@dataclass(frozen=True)
class _Sums:
    """Number of rows, their sum (D,), and the sum of their outer products (D, D)."""

    parts: list[slice]
    n: int
    total: Matrix
    products: Matrix

    def __add__(self, other: _Sums) -> _Sums:
        return _Sums(
            self.parts,
            self.n + other.n,
            self.total + other.total,
            self.products + other.products,
        )

    def less(self, other: _Sums) -> _Sums:
        return _Sums(
            self.parts,
            self.n - other.n,
            self.total - other.total,
            self.products - other.products,
        )

    @property
    def covariance(self) -> Matrix:
        mean = self.total / self.n
        found: Matrix = self.products / self.n - np.outer(mean, mean)
        return found

    def scatter_of(self, maps: Sequence[Matrix]) -> Matrix:
        """Return the scatter of the variates of each direction (c, M, M)."""
        covariance = self.n * self.covariance
        found = np.empty((maps[0].shape[1], len(maps), len(maps)))
        for m, (A, a) in enumerate(zip(maps, self.parts, strict=True)):
            for k, (B, b) in enumerate(zip(maps, self.parts, strict=True)):
                found[:, m, k] = (A * (covariance[a, b] @ B)).sum(axis=0)
        return found


def _folds(arrays: Sequence[Matrix]) -> list[_Sums]:
    """Return the sums of the rows of each fold, in units of the deviation of each column."""
    ends = np.cumsum([0, *(X.shape[1] for X in arrays)]).tolist()
    parts = [slice(start, stop) for start, stop in pairwise(ends)]
    rows = np.concatenate(arrays, axis=1)
    rows -= rows[0]
    rows -= rows.mean(axis=0)
    deviations = rows.std(axis=0)
    rows /= np.where(deviations > 0, deviations, 1.0)
    fold_of = np.random.default_rng(0).permutation(len(rows)) % N_FOLDS
    chosen = (rows[fold_of == k] for k in range(N_FOLDS))
    return [_Sums(parts, len(X), X.sum(axis=0), X.T @ X) for X in chosen]


def _maxvar(sums: _Sums, k: int) -> list[Matrix]:
    """Return the leading k directions of largest mean correlation of each modality (p_m, k)."""
    covariance, white = sums.covariance, []
    for part in sums.parts:
        values, vectors = np.linalg.eigh(covariance[part, part])
        kept = values > RANK_CUTOFF * values[-1]
        white.append(vectors[:, kept] / np.sqrt(values[kept]))
    ends = np.cumsum([0, *(W.shape[1] for W in white)])
    places = [slice(start, stop) for start, stop in pairwise(ends.tolist())]
    joint = np.zeros((ends[-1], ends[-1]))
    for m, a in enumerate(places):
        for j, b in enumerate(places[:m]):
            block = covariance[sums.parts[m], sums.parts[j]]
            joint[a, b] = white[m].T @ block @ white[j]
            joint[b, a] = joint[a, b].T
    vectors = np.linalg.eigh(joint)[1][:, ::-1][:, :k]
    maps = []
    for W, place, part in zip(white, places, sums.parts, strict=True):
        A = W @ vectors[place]
        deviations = np.sqrt((A * (covariance[part, part] @ A)).sum(axis=0))
        maps.append(A / np.where(deviations > 0, deviations, 1.0))
    return maps


def _n_shared(
    folds: Sequence[_Sums], rests: Sequence[_Sums], total: _Sums, n_components: int, level: float
) -> int:
    """Return the number of leading directions of which two variates correlate in held-out rows."""
    widths = sorted(part.stop - part.start for part in total.parts)
    most = widths[0] if len(widths) == 2 else sum(widths) - widths[-1]
    k = min(n_components, most)
    held_out = [fold.scatter_of(_maxvar(rest, k)) for fold, rest in zip(folds, rests, strict=True)]
    correlations = _scaled(np.sum(held_out, axis=0))
    train = correlations_of(total.covariance, total.parts, _maxvar(total, k))
    inflation = cross_fit_inflation(train, correlations)
    sets = carriers(correlations, float(total.n - N_FOLDS), inflation, level)
    shared = np.array([len(np.unique(row)) < len(row) for row in sets])
    return int(np.argmin(np.append(shared, False)))


def _scaled(scatter: Matrix) -> Matrix:
    """Return correlations (c, M, M) of scatter matrices; empty variates are uncorrelated."""
    deviations = np.sqrt(np.maximum(np.einsum("cmm->cm", scatter), 0.0))
    scale = deviations[:, :, None] * deviations[:, None, :]
    found = np.divide(scatter, scale, out=np.zeros_like(scatter), where=scale > 0)
    np.einsum("cmm->cm", found)[:] = 1.0
    clipped: Matrix = np.clip(found, -1.0, 1.0)
    return clipped
