"""The door of metrics that compare two clouds of points in one space."""

from __future__ import annotations

from typing import Any

from .._checks.matrices import (
    Matrix,
    as_matrix,
    check_same_columns,
    double,
    largest_magnitude,
    on_accelerator,
    on_one_device,
)


def as_clouds(X: Any, Y: Any) -> tuple[Matrix, Matrix, float]:
    """Return two matrices with the same columns, and the unit in which they are given.

    The unit is 1, or the largest value where squares of the values might over- or underflow.
    """
    X, Y = as_matrix(X, "X"), as_matrix(Y, "Y")
    check_same_columns(X, Y)
    X, Y = on_one_device(X, Y)
    largest = max(largest_magnitude(X), largest_magnitude(Y))
    low, high = (1e-12, 1e12) if on_accelerator(X) else (1e-100, 1e100)
    if largest == 0 or low < largest < high:
        return X, Y, 1.0
    return double(X) / largest, double(Y) / largest, largest


def in_unit(value: float, unit: float, what: str) -> float:
    """Return a distance in the units of the user, if there is such a number."""
    distance = value * unit
    if distance == float("inf"):
        raise ValueError(f"{what} is too large for a number: rows reach {unit:g}, scale them down")
    return distance
