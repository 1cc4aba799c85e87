"""Centred second moments of two representations, with factorisations that metrics share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas, lapack

from .._checks.devices import FloatMatrix, Matrix, to_numpy
from .._checks.magnitudes import in_range
from ._factorisations import eigenvectors, leading_eigenvectors
from ._moments import centred, centred_chunks, unit
from .rows import squared_norms, take_rows
from .statistics import CI, Bounds, Estimate, Reordered, over_rows

CUTOFF = 1e-6  # of the largest standard deviation: directions of less are rounding
WELL_CONDITIONED = 1e10  # bound of a condition number up to which Cholesky's factor is used


class SideMoments:
    """Second moments of one representation, centred.

    Parameters
    ----------
    products : ndarray (d, d)
        XᵀX.
    squares : float
        Sum over rows of the squared norm's square.
    """

    def __init__(self, products: FloatMatrix, squares: float = 0.0) -> None:
        self.products, self.squares = products, squares
        self._leading: dict[float, FloatMatrix] = {}

    @cached_property
    def total(self) -> float:
        """Sum of the squared norms of the rows."""
        return float(np.trace(self.products))

    @cached_property
    def size(self) -> float:
        """Squared Frobenius norm of the products."""
        return float(np.vdot(self.products, self.products))

    @cached_property
    def _cholesky(self) -> tuple[FloatMatrix, FloatMatrix] | None:
        """Cholesky's factor and its inverse, (d, d), lower, in Fortran's order; None without."""
        root, failed = lapack.dpotrf(self.products.T, lower=1, clean=1)
        if failed:
            return None
        inverse, failed = lapack.dtrtri(root, lower=1)
        return None if failed else (root, inverse)

    @cached_property
    def inverse_root(self) -> FloatMatrix | None:
        """Inverse of Cholesky's factor, transposed, (d, d); None if there is none."""
        return None if self._cholesky is None else self._cholesky[1].T

    @cached_property
    def whitening(self) -> FloatMatrix:
        """Matrix that turns the centred rows white, (d, r), of directions above rounding."""
        inverse = self.inverse_root
        # the trace is no less than the largest eigenvalue; so is the norm for the inverse
        if inverse is not None and self.total * np.vdot(inverse, inverse) < WELL_CONDITIONED:
            return inverse
        return principal_whitening(*self._axes)

    def whitened(self, products: FloatMatrix) -> FloatMatrix:
        """Return products XᵀZ, (d, m), with white rows of X on the left: (r, m)."""
        return self._on_the_left(self.whitening, products)

    def whitened_correlations(self, products: FloatMatrix) -> FloatMatrix:
        """Return the same as `whitened`, by the `whitening_of_correlations`."""
        return self._on_the_left(self.whitening_of_correlations, products)

    def _on_the_left(self, whitening: FloatMatrix, products: FloatMatrix) -> FloatMatrix:
        if whitening is not self.inverse_root:
            product: FloatMatrix = whitening.T @ products
            return product
        # Triangular, so half of the product. The order of the numbers in memory is kept.
        if products.flags.f_contiguous:
            product = blas.dtrmm(1.0, whitening.T, products, lower=1)
        else:
            product = blas.dtrmm(1.0, whitening.T, products.T, side=1, lower=1, trans_a=1).T
        return product

    def in_columns(self, directions: FloatMatrix) -> FloatMatrix:
        """Return products of white variates of X, in columns (r, m), with its columns: (m, d)."""
        product: FloatMatrix
        if self._cholesky is not None and self.whitening is self.inverse_root:
            # whiteningᵀ XᵀX is Cholesky's factor, transposed
            product = blas.dtrmm(1.0, self._cholesky[0], directions.T, side=1, lower=1, trans_a=1)
        else:
            product = directions.T @ (self.whitening.T @ self.products)
        return product

    @cached_property
    def deviations(self) -> FloatMatrix:
        """Root of the sum of squares of each column, (d,)."""
        roots: FloatMatrix = np.sqrt(np.diag(self.products))
        return roots

    @cached_property
    def least_correlation(self) -> float:
        """Lower bound of the least eigenvalue of the columns' correlations, 0 if not known."""
        if self.inverse_root is None:
            return 0.0
        scaled = self.inverse_root * self.deviations[:, None]
        return float(1 / np.vdot(scaled, scaled))

    @cached_property
    def whitening_of_correlations(self) -> FloatMatrix:
        """The same as `whitening`, of directions above rounding in columns of unit variance."""
        inverse, sizes = self.inverse_root, self.deviations
        if inverse is not None and len(sizes) < WELL_CONDITIONED * self.least_correlation:
            return inverse
        sizes = np.where(sizes > 0, sizes, 1.0)
        correlations = self.products / np.outer(sizes, sizes)
        return principal_whitening(*_descending(eigenvectors(correlations))) / sizes[:, None]

    def leading(self, n_components: float) -> FloatMatrix:
        """Return the leading principal axes, divided each by its standard deviation: (d, r).

        Parameters
        ----------
        n_components : int or float
            Largest number of axes; below 1, the share of the variance that they must hold.
        """
        if n_components not in self._leading:
            self._leading[n_components] = self._principal(n_components)
        return self._leading[n_components]

    def _principal(self, n_components: float) -> FloatMatrix:
        d = len(self.products)
        if 1 <= n_components < d / 4 and "_axes" not in vars(self):
            return principal_whitening(
                *_descending(leading_eigenvectors(self.products, int(n_components)))
            )
        values, axes = self._axes
        if n_components < 1:
            held = np.cumsum(values)
            n_components = 1 + int(np.searchsorted(held, n_components * held[-1]))
        kept = int(min(n_components, d))
        return principal_whitening(values[:kept], axes[:, :kept])

    @cached_property
    def _axes(self) -> tuple[FloatMatrix, FloatMatrix]:
        return _descending(eigenvectors(self.products))


def _descending(found: tuple[FloatMatrix, FloatMatrix]) -> tuple[FloatMatrix, FloatMatrix]:
    return found[0][::-1], found[1][:, ::-1]


def principal_whitening(values: FloatMatrix, axes: FloatMatrix) -> FloatMatrix:
    """Return principal axes, the largest first, divided each by its standard deviation.

    Directions of less than ``CUTOFF`` of the largest one are left out.
    """
    rank = int(np.count_nonzero(values > CUTOFF**2 * values[0])) if values[0] > 0 else 0
    whitening: FloatMatrix = axes[:, :rank] / np.sqrt(values[:rank])
    return whitening


class PairMoments:
    """Second moments of two representations of the same rows, centred.

    Parameters
    ----------
    n : int
        Number of rows.
    x, y : SideMoments
        Those of each.
    xy : ndarray (d_x, d_y)
        XᵀY.
    squares : float
        Sum over rows of the product of both squared norms.
    """

    def __init__(
        self, n: int, x: SideMoments, y: SideMoments, xy: FloatMatrix, squares: float = 0.0
    ) -> None:
        self.n, self.x, self.y, self.xy, self.squares = n, x, y, xy, squares

    @cached_property
    def white_x(self) -> FloatMatrix:
        """XᵀY with white rows of X: (r_x, d_y)."""
        return self.x.whitened(self.xy)

    @cached_property
    def white(self) -> FloatMatrix:
        """XᵀY with white rows of both, whose singular values are the canonical correlations."""
        return self.y.whitened(self.white_x.T).T

    @cached_property
    def white_square(self) -> FloatMatrix:
        """The matrix `white` times its transposed."""
        product: FloatMatrix = self.white @ self.white.T
        return product

    @cached_property
    def squared_correlations(self) -> tuple[FloatMatrix, FloatMatrix]:
        """Eigenvalues of `white_square`, in ascending order, and eigenvectors in columns."""
        return eigenvectors(self.white_square)


def pair_moments(X: Matrix, Y: Matrix) -> PairMoments:
    """Return the moments of two matrices, each multiplied by its `unit`."""
    units = unit(X), unit(Y)
    xx: Any = 0
    xy: Any = 0
    yy: Any = 0
    of_x = of_y = of_both = 0.0
    for x, y in centred_chunks(X, Y):
        x *= units[0]
        y *= units[1]
        a, b = (to_numpy(squared_norms(z)) for z in (x, y))
        of_x, of_y, of_both = of_x + float(a @ a), of_y + float(b @ b), of_both + float(a @ b)
        xx, xy, yy = xx + x.T @ x, xy + x.T @ y, yy + y.T @ y
    x_side, y_side = SideMoments(_float64(xx), of_x), SideMoments(_float64(yy), of_y)
    return PairMoments(len(X), x_side, y_side, _float64(xy), of_both)


def _float64(X: Matrix) -> FloatMatrix:
    return to_numpy(X).astype(np.float64, copy=False)


class PermutedMoments:
    """Moments of two matrices for many orders of the rows of the second.

    The moments of each side and their factorisations are those of any order.

    Parameters
    ----------
    X, Y : arrays or tensors (n, d)
        As they are paired; each is multiplied by its `unit`.
    """

    def __init__(self, X: Matrix, Y: Matrix) -> None:
        x, y = (unit(Z) * centred(Z) for Z in (X, Y))
        self._rows = x, y
        a, b = (to_numpy(squared_norms(z)) for z in (x, y))
        self._norms = a, b
        self._x = SideMoments(_float64(x.T @ x), float(a @ a))
        self._y = SideMoments(_float64(y.T @ y), float(b @ b))

    def __call__(self, order: NDArray[np.intp]) -> PairMoments:
        """Return the moments of X and the rows of Y in this order."""
        (x, y), (a, b) = self._rows, self._norms
        xy = _float64(x.T @ take_rows(y, order))
        return PairMoments(len(a), self._x, self._y, xy, float(a @ b[order]))


def reorder_moments(
    of_moments: Callable[..., float], prepare: Callable[[Matrix, Matrix], tuple[Matrix, Matrix]]
) -> Callable[..., Reordered]:
    """Return how a metric of second moments is computed for many orders of the rows of `Y`."""

    def reorder(X: Matrix, Y: Matrix, **options: Any) -> Reordered:
        permuted = PermutedMoments(*prepare(in_range(X), in_range(Y)))
        return lambda order: of_moments(permuted(order), **options)

    return reorder


class OverMoments:
    """A metric of the second moments of given rows: from `ci` to its value, with an interval.

    Parameters
    ----------
    of_moments : callable
        ``PairMoments -> float``.
    of_rows : callable
        ``(X, Y) -> float``, the same.
    X, Y : arrays or tensors (n, d)
        The rows.
    bounds, min_rows
        As in :func:`over_rows`.
    """

    def __init__(
        self,
        of_moments: Callable[[PairMoments], float],
        of_rows: Callable[[Matrix, Matrix], float],
        X: Matrix,
        Y: Matrix,
        *,
        bounds: Bounds,
        min_rows: int = 2,
    ) -> None:
        self.of_moments, self.bounds, self.min_rows = of_moments, bounds, min_rows
        self._of_rows, self._rows = of_rows, (X, Y)

    def __call__(self, ci: CI) -> float | Estimate:
        return over_rows(
            self._of_rows, *self._rows, ci=ci, bounds=self.bounds, min_rows=self.min_rows
        )
