"""Hilbert-Schmidt independence criterion of two kernels, from sums that need no Gram matrix."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._checks.matrices import (
    Matrix,
    double,
    largest_magnitude,
    namespace,
    on_accelerator,
    tiles,
    to_numpy,
)
from ._moments import centred_chunks, narrow
from .neighbours._similarities import squared_norms

FARTHEST = 1e6  # values in units of the RBF kernel's width: beyond, distances are lost in rounding


class KernelSums(NamedTuple):
    """Sums over two Gram matrices K and L of n rows, of which HSIC is made.

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
        What values that are 0 but for rounding are small against.
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


def linear_sums(X: Matrix, Y: Matrix) -> PairSums:
    """Return the sums for linear kernels of centred rows.

    The rows of such a Gram matrix sum to 0; without the diagonal, to minus the diagonal. The sum of
    its products is that of the squares of ``XᵀY``.
    """
    n = len(X)
    products: dict[str, Any] = dict.fromkeys(["xy", "xx", "yy"], 0.0)
    diagonals = dict.fromkeys(["xy", "xx", "yy", "x", "y"], 0.0)
    units = unit(X), unit(Y)
    for x, y in centred_chunks(narrow(X), narrow(Y)):
        x *= units[0]
        y *= units[1]
        a, b = (to_numpy(squared_norms(z)) for z in (x, y))
        diagonals["x"] += float(a.sum())
        diagonals["y"] += float(b.sum())
        for pair, (left, right), traces in (
            ("xy", (x, y), a @ b),
            ("xx", (x, x), a @ a),
            ("yy", (y, y), b @ b),
        ):
            products[pair] = products[pair] + left.T @ right
            diagonals[pair] += float(traces)

    def sums(pair: str) -> KernelSums:
        traces = diagonals[pair[0]] * diagonals[pair[1]]
        diagonal, product = diagonals[pair], sum_of_squares(products[pair])
        return KernelSums(n, product - diagonal, diagonal, 0.0, 0.0, diagonal, traces, traces)

    return PairSums(sums("xy"), sums("xx"), sums("yy"))


def unit(X: Matrix) -> float:
    """Return the power of two that brings values near 1, and so their fourth powers in range."""
    return 2.0 ** -float(np.frexp(largest_magnitude(X) or 1.0)[1])


def sum_of_squares(products: Matrix) -> float:
    """Return the squared Frobenius norm."""
    values = to_numpy(products).astype(np.float64)
    return float(np.vdot(values, values))


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

    def sums(name: str, k: Any, m: Any) -> KernelSums:  # row sums without the diagonal, which is 1
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


def _in_widths(X: Matrix, sigma: float, name: str) -> Matrix:
    """Return centred rows in units in which the kernel is ``exp(-‖a - b‖²)``."""
    largest = largest_magnitude(X)
    if largest > FARTHEST * sigma:
        raise ValueError(
            f"{name} has values up to {largest:.3g}, far beyond the width sigma={sigma:g} of the "
            f"RBF kernel: bring the rows to unit norm, or pass a sigma of their scale"
        )
    X = double(X)
    xp = namespace(X)
    return (X - xp.mean(X, axis=0)) / (np.sqrt(2.0) * sigma)


def _gram(X: Matrix, squares: Matrix, rows: slice) -> Matrix:
    """Return some rows of the Gram matrix, its diagonal set to 0, given all squared norms."""
    xp = namespace(X)
    distances = squares[rows, None] + squares[None, :] - 2 * (X[rows] @ X.T)
    K = xp.exp(-xp.clip(distances, min=0))
    own = np.arange(rows.stop - rows.start)
    K[own, own + rows.start] = 0
    return K


def _row_sums(K: Any) -> Any:
    xp = namespace(K)
    if on_accelerator(K) and K.device.type == "mps":
        return to_numpy(xp.sum(K, axis=1)).astype(np.float64)
    return to_numpy(xp.sum(K, axis=1, dtype=xp.float64))
