"""Values so large or small that their products over- or underflow.

Encoders compute in float32, so data beyond its range are refused, by row (`rows.check_finite`).
Metrics compute in float64, where only values beyond 1e±100 are a danger: those are divided by a
power of two, which is exact. A metric that depends on scale multiplies its result by it again.
"""

import numpy as np

from .blocks import raw_chunks
from .devices import Matrix, on_accelerator

LARGE = 1e100  # products of up to three values up to here, or of their inverses, are numbers
LARGE_ON_ACCELERATOR = 1e12  # the same for float32


def largest_magnitude(X: Matrix) -> float:
    """Return the largest absolute value of an array or tensor."""
    return max(float(max(part.max(), -part.min())) for part in raw_chunks(X))


def scale_exponent(*matrices: Matrix) -> int:
    """Return `e` so that values divided by ``2**e`` can be multiplied; 0 if they already can."""
    largest = max(map(largest_magnitude, matrices))
    limit = LARGE_ON_ACCELERATOR if on_accelerator(matrices[0]) else LARGE
    if largest == 0 or 1 / limit < largest < limit:
        return 0
    return int(np.frexp(largest)[1]) - 1


def times_power_of_two(X: Matrix, exponent: int) -> Matrix:
    """Return ``X * 2**exponent``, without rounding."""
    if on_accelerator(X):
        half = exponent // 2  # the whole power may exceed the range of float32
        return X * 2.0**half * 2.0 ** (exponent - half)
    scaled: Matrix = np.ldexp(X, exponent)
    return scaled


def in_range(X: Matrix) -> Matrix:
    """Return `X`, scaled if its values are too large or small; for metrics that ignore scale."""
    if not on_accelerator(X) and X.dtype == np.float32:  # always in range for float64
        return X
    exponent = scale_exponent(X)
    return times_power_of_two(X, -exponent) if exponent else X
