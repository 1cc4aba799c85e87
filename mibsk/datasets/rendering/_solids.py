"""Exact intersections of many rays with convex solids.

Every solid is upright and centred at the origin of its own frame. It is an intersection of simple
convex sets, each of which a line crosses in one interval: the line enters the solid where the last
of these intervals begins, and leaves it where the first one ends.
"""

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FAR = 1e9  # in place of infinity, whose products with 0 are NaN
TINY = 1e-9  # in place of 0 in denominators

FloatArray = NDArray[np.floating]


class Vector(NamedTuple):
    """Three components, arrays whose shapes broadcast."""

    x: FloatArray
    y: FloatArray
    z: FloatArray

    def dot(self, other: "Vector") -> FloatArray:
        """Return the scalar product."""
        return self.x * other.x + self.y * other.y + self.z * other.z

    def along(self, t: FloatArray, direction: "Vector") -> "Vector":
        """Return the point at parameter `t` of the ray that starts here."""
        return Vector(*(o + t * d for o, d in zip(self, direction, strict=True)))

    def turned(self, cos: FloatArray, sin: FloatArray) -> "Vector":
        """Return the vector turned about the vertical axis; the z axis turns towards x."""
        return Vector(cos * self.x + sin * self.z, self.y, cos * self.z - sin * self.x)


def constant(values: tuple[float, float, float]) -> Vector:
    """Return a vector that is the same for all rays."""
    return Vector(*np.asarray(values, dtype=np.float32))


class Span(NamedTuple):
    """Interval of each line that is inside a convex solid; empty where `enter` >= `leave`."""

    enter: FloatArray
    leave: FloatArray
    normal: Vector  # of the surface where the line enters, not of unit length

    def intersect(self, other: "Span") -> "Span":
        """Return the interval of each line that is inside both solids."""
        later = other.enter > self.enter
        return Span(
            np.maximum(self.enter, other.enter),
            np.minimum(self.leave, other.leave),
            Vector(
                *(np.where(later, b, a) for a, b in zip(self.normal, other.normal, strict=True))
            ),
        )

    def hull(self, other: "Span") -> "Span":
        """Return the interval of each line in the union of two solids, which must be convex."""
        mine, its = self.enter < self.leave, other.enter < other.leave
        enter = np.where(mine, self.enter, FAR), np.where(its, other.enter, FAR)
        earlier = enter[1] < enter[0]
        return Span(
            np.minimum(*enter),
            np.maximum(np.where(mine, self.leave, -FAR), np.where(its, other.leave, -FAR)),
            Vector(
                *(np.where(earlier, b, a) for a, b in zip(self.normal, other.normal, strict=True))
            ),
        )

    def first_hit(self) -> FloatArray:
        """Return the parameter at which a ray enters the solid from outside, else ``FAR``."""
        return np.where((self.enter < self.leave) & (self.enter > 0), self.enter, FAR)


Solid = Callable[[Vector, Vector], Span]  # of origins and directions, which need no unit length


def _nonzero(d: FloatArray) -> FloatArray:
    return np.where(np.abs(d) < TINY, np.float32(TINY), d)


def _slab(
    origin: Vector, direction: Vector, normal: tuple[float, float, float], half: float
) -> Span:
    r"""Intersect with the slab :math:`|p \cdot n| \le h` between two planes."""
    n = constant(normal)
    d = _nonzero(direction.dot(n))
    middle, width = -origin.dot(n) / d, np.abs(np.float32(half) / d)
    sign = np.sign(d)
    return Span(middle - width, middle + width, Vector(*(-sign * c for c in n)))


def _half_space(
    origin: Vector, direction: Vector, normal: tuple[float, float, float], offset: float
) -> Span:
    r"""Intersect with the half-space :math:`p \cdot n \le h`."""
    n = constant(normal)
    d = _nonzero(direction.dot(n))
    t = (np.float32(offset) - origin.dot(n)) / d
    return Span(np.where(d < 0, t, -FAR), np.where(d < 0, FAR, t), n)


def _quadric(a: FloatArray, b: FloatArray, c: FloatArray) -> tuple[FloatArray, FloatArray]:
    r"""Return the roots of :math:`a t^2 + 2 b t + c` with `a` > 0, an empty interval if none."""
    square = b * b - a * c
    root = np.sqrt(np.maximum(square, 0))
    miss = square <= 0
    return np.where(miss, FAR, (-b - root) / a), np.where(miss, -FAR, (root - b) / a)


def _round(origin: Vector, direction: Vector, radius: float) -> Span:
    r"""Intersect with the infinite upright cylinder :math:`x^2 + z^2 \le r^2`."""
    a = np.maximum(direction.x**2 + direction.z**2, np.float32(TINY))
    b = origin.x * direction.x + origin.z * direction.z
    c = origin.x**2 + origin.z**2 - np.float32(radius**2)
    enter, leave = _quadric(a, b, c)
    at = origin.along(enter, direction)
    return Span(enter, leave, Vector(at.x, np.zeros_like(at.x), at.z))


def _ball(origin: Vector, direction: Vector, radius: float, height: float = 0.0) -> Span:
    """Intersect with the ball centred at `height` on the vertical axis."""
    origin = origin._replace(y=origin.y - np.float32(height))
    c = origin.dot(origin) - np.float32(radius**2)
    enter, leave = _quadric(direction.dot(direction), origin.dot(direction), c)
    return Span(enter, leave, origin.along(enter, direction))


def cube(origin: Vector, direction: Vector) -> Span:
    """Edges of length 1.6."""
    axes = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    return reduce(Span.intersect, (_slab(origin, direction, axis, 0.8) for axis in axes))


def cylinder(origin: Vector, direction: Vector) -> Span:
    """Radius 0.85, height 1.8."""
    side = _round(origin, direction, 0.85)
    return side.intersect(_slab(origin, direction, (0.0, 1.0, 0.0), 0.9))


def sphere(origin: Vector, direction: Vector) -> Span:
    """Radius 1."""
    return _ball(origin, direction, 1.0)


def capsule(origin: Vector, direction: Vector) -> Span:
    """Cylinder with round ends: radius 0.65, height 2.4."""
    side = _round(origin, direction, 0.65)
    middle = side.intersect(_slab(origin, direction, (0.0, 1.0, 0.0), 0.55))
    ends = (_ball(origin, direction, 0.65, height) for height in (0.55, -0.55))
    return reduce(Span.hull, ends, middle)


def hexagonal_prism(origin: Vector, direction: Vector) -> Span:
    """Sides of length 0.95, height 1.4."""
    turns = np.pi / 3 * np.arange(3)
    half = 0.95 * np.sqrt(0.75)
    sides = (_slab(origin, direction, (np.cos(a), 0.0, np.sin(a)), half) for a in turns)
    return reduce(Span.intersect, sides, _slab(origin, direction, (0.0, 1.0, 0.0), 0.7))


def pyramid(origin: Vector, direction: Vector) -> Span:
    """Square base with edges of length 1.9, height 1.9."""
    slopes = ((2.0, 1.0, 0.0), (-2.0, 1.0, 0.0), (0.0, 1.0, 2.0), (0.0, 1.0, -2.0))
    sides = (_half_space(origin, direction, slope, 0.95) for slope in slopes)
    return reduce(Span.intersect, sides, _half_space(origin, direction, (0.0, -1.0, 0.0), 0.95))


def cone(origin: Vector, direction: Vector) -> Span:
    r"""Radius of the base 0.95, height 1.9: :math:`x^2 + z^2 \le (0.95 - y)^2 / 4`.

    The equation describes a double cone. A flat ray crosses one of its halves between the two
    roots; a steep ray is inside one half before the first root, and inside the other after the
    second one.
    """
    apex = origin._replace(y=np.float32(0.95) - origin.y)  # height below the apex
    a = _nonzero(direction.x**2 + direction.z**2 - direction.y**2 / 4)
    b = apex.x * direction.x + apex.z * direction.z + apex.y * direction.y / 4
    c = apex.x**2 + apex.z**2 - apex.y**2 / 4
    square = b * b - a * c
    # the form of the roots that is stable where a is small
    q = -(b + np.copysign(np.sqrt(np.maximum(square, 0)), b))
    roots = q / a, c / _nonzero(q)
    first, last = np.minimum(*roots), np.maximum(*roots)
    flat, down = a > 0, direction.y < 0
    miss = flat & (square <= 0)
    enter = np.where(miss, FAR, np.where(flat, first, np.where(down, last, -FAR)))
    leave = np.where(miss, -FAR, np.where(flat, last, np.where(down, FAR, first)))
    at = apex.along(enter, direction._replace(y=-direction.y))
    side = Span(enter, leave, Vector(at.x, at.y / 4, at.z))
    base = _half_space(origin, direction, (0.0, -1.0, 0.0), 0.95)
    top = _half_space(origin, direction, (0.0, 1.0, 0.0), 0.95)
    return side.intersect(base).intersect(top)


# of the solids that stand on the floor of a room
HALF_HEIGHT: dict[Solid, float] = {cube: 0.8, cylinder: 0.9, sphere: 1.0, capsule: 1.2}
