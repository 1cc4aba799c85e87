"""Where the parts of a robot arm are, and where a camera sees them."""

from typing import NamedTuple

import numpy as np

from ._solids import FloatArray, Vector

# Lengths are in units of the height of the shoulder above the table; x points to the right, y up
# and z to the viewer. All arrays have one entry per image, shape (n,), unless stated otherwise.
CAMERA_DISTANCE = 5.0  # from the base, along z
AIM = 1.1  # height of the point at which the camera is directed
HALF_VIEW = 0.38  # tangent of half the angle of view
RISE = np.deg2rad(40.0)  # fixed angle of the upper arm above the horizontal
UPPER, FORE = 0.55, 0.75  # lengths of the two links


class View(NamedTuple):
    """Cameras in front of the arm, one per image."""

    height: FloatArray
    cos: FloatArray  # of the downward tilt
    sin: FloatArray
    image_size: int

    @classmethod
    def of(cls, height: FloatArray, image_size: int) -> "View":
        """Return cameras at given heights, directed at the arm."""
        down = np.arctan2(height - AIM, CAMERA_DISTANCE)
        return cls(height, np.cos(down), np.sin(down), image_size)

    @property
    def focal(self) -> float:
        """Size in pixels of one unit of length at depth one."""
        return self.image_size / (2 * HALF_VIEW)

    def project(self, point: Vector) -> Vector:
        """Return column and row in pixels, and the depth, of one point per image."""
        y, z = point.y - self.height, CAMERA_DISTANCE - point.z
        depth = z * self.cos - y * self.sin
        up = y * self.cos + z * self.sin
        middle = self.image_size / 2
        return Vector(
            middle + self.focal * point.x / depth, middle - self.focal * up / depth, depth
        )

    def rays(self, column: FloatArray, row: FloatArray) -> Vector:
        """Return directions of depth one through points (n, ...) given in pixels."""
        lead = (slice(None), *(None,) * (row.ndim - 1))
        middle = self.image_size / 2
        x, up = (column - middle) / self.focal, (middle - row) / self.focal
        cos, sin = self.cos[lead], self.sin[lead]
        return Vector(x, up * cos - sin, -(up * sin + cos))


class Pose(NamedTuple):
    """Positions of the parts of the arm."""

    base: Vector
    shoulder: Vector
    elbow: Vector
    wrist: Vector
    center: Vector  # of the object


def pose(yaw: FloatArray, pitch: FloatArray, size: FloatArray) -> Pose:
    """Return the pose of arms from the angles of their two joints in radians.

    The shoulder turns by `yaw` about the vertical axis, to the right in the image; the upper arm
    rises at a fixed angle, and the forearm at the angle `pitch`.
    """

    def next_joint(point: Vector, length: FloatArray | float, rise: FloatArray | float) -> Vector:
        flat = length * np.cos(rise)
        return Vector(
            point.x + flat * np.sin(yaw),
            point.y + length * np.sin(rise),
            point.z + flat * np.cos(yaw),
        )

    nothing = np.zeros_like(yaw)
    base, shoulder = Vector(nothing, nothing, nothing), Vector(nothing, nothing + 1, nothing)
    elbow = next_joint(shoulder, UPPER, RISE)
    return Pose(
        base,
        shoulder,
        elbow,
        next_joint(elbow, FORE, pitch),
        next_joint(elbow, FORE + 0.8 * size, pitch),
    )
