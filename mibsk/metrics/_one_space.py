"""Input checks of metrics that compare two clouds of points in one space."""

from __future__ import annotations

from typing import Any

from .._checks.devices import Matrix, double, on_one_device
from .._checks.magnitudes import scale_exponent, times_power_of_two
from .._checks.matrices import as_matrix, as_pair, check_same_columns


def as_clouds(X: Any, Y: Any, *, paired: bool = False) -> tuple[Matrix, Matrix, float]:
    """Return two matrices with the same columns, and the unit in which they are given.

    With `paired`, row i of both is a pair. The unit is 1, or a power of two where squares of the
    values might over- or underflow.
    """
    if paired:
        X, Y = as_pair(X, Y)
    else:
        X, Y = on_one_device(as_matrix(X, "X"), as_matrix(Y, "Y"))
    check_same_columns(X, Y)
    exponent = scale_exponent(X, Y)
    if exponent:
        X, Y = (times_power_of_two(double(Z), -exponent) for Z in (X, Y))
    return X, Y, 2.0**exponent


def in_unit(value: float, unit: float, what: str) -> float:
    """Return a distance in the units of the input, if it is a finite number."""
    distance = value * unit
    if distance == float("inf"):
        raise ValueError(f"{what} is too large for a number: rows exceed {unit:g}: scale them.")
    return distance
