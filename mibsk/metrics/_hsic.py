"""Hilbert-Schmidt independence criterion of two kernels, from sums that need no Gram matrix."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace

from .._checks.blocks import tiles
from .._checks.devices import Matrix, double, on_accelerator, to_numpy
from .._checks.magnitudes import largest_magnitude
from ._pair_moments import PairMoments
from .undefined import UndefinedMetricError

FARTHEST = 1e6  # value in units of the RBF kernel's width: distances beyond are rounding


class KernelSums(NamedTuple):
    """Sums over two Gram matrices K and L of shape (n, n), from which HSIC is computed.

    Parameters
    ----------
    n : int
        Number of rows.
    product_off, diagonal : float
        Sum of ``K * L`` off and on the diagonal.
    rows : float
        Inner product of the row sums of K and of L.
    totals : float
        Sum of K times sum of L.
    rows_off, totals_off : float
        The same without the diagonals.
    size : float
        Scale to which rounding errors are relative.
    """

    n: int
    product_off: float
    diagonal: float
    rows: float
    totals: float
    rows_off: float
    totals_off: float
    size: float


class PairSums(NamedTuple):
    """The sums of two representations: across, and of each with itself."""

    xy: KernelSums
    xx: KernelSums
    yy: KernelSums


def hsic(sums: KernelSums) -> float:
    """Return the biased estimate, ``tr(KHLH)``, up to a factor of the number of rows."""
    product = sums.product_off + sums.diagonal
    return product - 2 * sums.rows / sums.n + sums.totals / sums.n**2


def unbiased_hsic(sums: KernelSums) -> float:
    """Return HSIC_1 [Song et al., JMLR 2012, eq. 5] times ``n(n-3)``."""
    n = sums.n
    return sums.product_off + sums.totals_off / ((n - 1) * (n - 2)) - 2 * sums.rows_off / (n - 2)


def linear_sums(moments: PairMoments, product: float | None = None) -> PairSums:
    """Return the sums for linear kernels of centred rows.

    The rows of such a Gram matrix sum to 0; without the diagonal, to minus the diagonal. The sum of
    ``K * L`` is the sum of squares of ``XᵀY``, (d_x, d_y).

    Parameters
    ----------
    moments : PairMoments
        Moments of both.
    product : float, default=None
        The sum of ``K * L``, if it is known.
    """
    x, y = moments.x, moments.y
    if product is None:
        product = float(np.vdot(moments.xy, moments.xy))

    def sums(product: float, diagonal: float, traces: float) -> KernelSums:
        return KernelSums(
            moments.n, product - diagonal, diagonal, 0.0, 0.0, diagonal, traces, traces
        )

    return PairSums(
        sums(product, moments.squares, x.total * y.total),
        sums(x.size, x.squares, x.total**2),
        sums(y.size, y.squares, y.total**2),
    )


def rbf_sums(X: Matrix, Y: Matrix, sigma: float) -> PairSums:
    """Return the sums for kernels ``exp(-‖a - b‖² / (2 sigma²))``, from tiles."""
    X, Y = _in_widths(X, sigma, "X"), _in_widths(Y, sigma, "Y")
    n = len(X)
    off = dict.fromkeys(["xy", "xx", "yy"], 0.0)
    rows_k, rows_l = np.empty(n), np.empty(n)
    squares_x, squares_y = ((Z * Z).sum(axis=1) for Z in (X, Y))
    for rows in tiles(n, n):
        K, L = _gram(X, squares_x, rows), _gram(Y, squares_y, rows)
        rows_k[rows], rows_l[rows] = _row_sums(K), _row_sums(L)
        for name, product in (("xy", K * L), ("xx", K * K), ("yy", L * L)):
            off[name] += float(_row_sums(product).sum())

    return rbf_pair_sums(off, rows_k, rows_l)


def rbf_pair_sums(off: dict[str, float], rows_k: Any, rows_l: Any) -> PairSums:
    """Return the sums for kernels with a diagonal of 1.

    Parameters
    ----------
    off : dict of str to float
        Sums of the products of both kernels off the diagonal, by the names of a pair.
    rows_k, rows_l : ndarray (n,)
        Sums of their rows, without the diagonal.
    """
    n = len(rows_k)

    def sums(name: str, k: Any, m: Any) -> KernelSums:
        return KernelSums(
            n=n,
            product_off=off[name],
            diagonal=float(n),
            rows=float((k + 1) @ (m + 1)),
            totals=float((k.sum() + n) * (m.sum() + n)),
            rows_off=float(k @ m),
            totals_off=float(k.sum() * m.sum()),
            size=off[name],
        )

    return PairSums(
        sums("xy", rows_k, rows_l), sums("xx", rows_k, rows_k), sums("yy", rows_l, rows_l)
    )


def rbf_kernel(X: Matrix, sigma: float, name: str) -> Matrix:
    """Return the kernel of all rows, (n, n), with a diagonal of 0."""
    X = _in_widths(X, sigma, name)
    return _gram(X, (X * X).sum(axis=1), slice(0, len(X)))


def _in_widths(X: Matrix, sigma: float, name: str) -> Matrix:
    """Return centred rows, scaled so that the kernel is ``exp(-‖a - b‖²)``."""
    largest = largest_magnitude(X)
    if largest > FARTHEST * sigma:
        raise UndefinedMetricError(
            f"{{{name}}} has values up to {largest:.3g}, far beyond the width sigma={sigma:g} of "
            f"the RBF kernel: scale the rows to unit norm, or pass a sigma of their scale."
        )
    X = double(X)
    xp = array_namespace(X)
    return (X - xp.mean(X, axis=0)) / (np.sqrt(2.0) * sigma)


def _gram(X: Matrix, squares: Matrix, rows: slice) -> Matrix:
    """Return rows of the Gram matrix, (t, n), with a diagonal of 0, from squared norms (n,)."""
    xp = array_namespace(X)
    distances = squares[rows, None] + squares[None, :] - 2 * (X[rows] @ X.T)
    K = xp.exp(-xp.clip(distances, min=0))
    own = np.arange(rows.stop - rows.start)
    K[own, own + rows.start] = 0
    return K


def _row_sums(K: Any) -> Any:
    xp = array_namespace(K)
    if on_accelerator(K) and K.device.type == "mps":
        return to_numpy(xp.sum(K, axis=1)).astype(np.float64)
    return to_numpy(xp.sum(K, axis=1, dtype=xp.float64))
