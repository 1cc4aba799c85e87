"""Images of a robot arm that holds an object."""

import numpy as np
from numpy.typing import NDArray

from ._arm_geometry import CAMERA_DISTANCE, FORE, UPPER, Pose, View, pose
from ._solids import (
    FloatArray,
    Solid,
    Vector,
    cone,
    constant,
    cube,
    cylinder,
    hexagonal_prism,
    pyramid,
    sphere,
)

SOLIDS: tuple[Solid, ...] = (cone, cube, cylinder, hexagonal_prism, pyramid, sphere)
OBJECT_COLORS = np.array(  # white, green, red, blue, brown, olive
    [
        [0.96, 0.96, 0.96],
        [0.10, 0.75, 0.20],
        [0.90, 0.12, 0.12],
        [0.12, 0.25, 0.95],
        [0.50, 0.27, 0.10],
        [0.60, 0.62, 0.10],
    ]
)
BACKGROUND_COLORS = np.array(  # purple, sea green, salmon
    [[0.50, 0.25, 0.62], [0.25, 0.62, 0.47], [0.95, 0.55, 0.46]]
)
TABLE = (0.36, 0.37, 0.40)
METAL, JOINT = (0.62, 0.65, 0.70), (0.20, 0.21, 0.24)

# lengths in the units of _arm_geometry
OBJECT_SIZES = np.array([0.18, 0.28])  # half the height of a sphere
CAMERA_HEIGHTS = np.array([2.8, 1.6, 0.4])  # top, center, bottom
WALL = -1.6  # z of the background
YAW, PITCH = (-70.0, 70.0), (-45.0, 55.0)  # degrees at the first and the last value of the two axes
REACH = 2.0  # largest distance of any point of a solid of size 1 from its centre

AMBIENT = 0.4  # share of ambient light
LIGHT = (-0.45, 0.65, 0.61)  # direction towards the light
SUBPIXELS = 4  # samples per pixel and axis
VALUES_AT_A_TIME = 2**18  # pixels rendered together, which bounds the memory


def render_arm(
    color: NDArray[np.integer],
    shape: NDArray[np.integer],
    size: NDArray[np.integer],
    camera: NDArray[np.integer],
    background: NDArray[np.integer],
    horizontal: FloatArray,
    vertical: FloatArray,
    *,
    image_size: int,
) -> NDArray[np.uint8]:
    """Draw one robot arm per row, in perspective.

    The parts are painted from back to front: wall and table, the column, the two links with their
    joints, and the object. This is the order of their depths, since the arm never points away from
    the camera. The object is ray cast; a link is a cone with round ends, drawn from the distance of
    each pixel to its axis. Both have Lambert shading.

    Parameters
    ----------
    color : ndarray of int of shape (n_samples,)
        0 to 5: white, green, red, blue, brown, olive.
    shape : ndarray of int of shape (n_samples,)
        0 to 5: cone, cube, cylinder, hexagonal prism, pyramid, sphere.
    size : ndarray of int of shape (n_samples,)
        0 for small, 1 for large.
    camera : ndarray of int of shape (n_samples,)
        0 for top, 1 for center, 2 for bottom.
    background : ndarray of int of shape (n_samples,)
        0 to 2: purple, sea green, salmon.
    horizontal, vertical : ndarray of shape (n_samples,)
        Positions of the two joints, in [0, 1].
    image_size : int
        Side of the image in pixels.

    Returns
    -------
    images : ndarray of uint8 of shape (n_samples, image_size, image_size, 3)
        RGB.
    """
    images = np.empty((len(shape), image_size, image_size, 3), dtype=np.uint8)
    yaw = np.deg2rad(YAW[0] + (YAW[1] - YAW[0]) * horizontal)
    pitch = np.deg2rad(PITCH[0] + (PITCH[1] - PITCH[0]) * vertical)
    radius = OBJECT_SIZES[size]
    arm = pose(yaw, pitch, radius)
    backdrops = _backdrops(image_size)
    at_a_time = max(1, VALUES_AT_A_TIME // image_size**2)
    for code, solid in enumerate(SOLIDS):
        of_shape = np.flatnonzero(shape == code)
        for start in range(0, len(of_shape), at_a_time):
            rows = of_shape[start : start + at_a_time]
            view = View.of(CAMERA_HEIGHTS[camera[rows]], image_size)
            picture = backdrops[camera[rows], background[rows]]
            poses = Pose(*(Vector(*(c[rows] for c in point)) for point in arm))
            _draw_arm(picture, view, poses)
            _draw_object(
                picture,
                view,
                solid,
                poses.center,
                radius[rows],
                yaw[rows],
                OBJECT_COLORS[color[rows]],
            )
            images[rows] = np.rint(255 * picture.transpose(0, 2, 3, 1)).astype(np.uint8)
    return images


def _backdrops(image_size: int) -> FloatArray:
    """Return wall and table, shape (n_cameras, n_colors, 3, image_size, image_size)."""
    view = View.of(CAMERA_HEIGHTS, image_size)
    total = np.zeros((len(CAMERA_HEIGHTS), len(BACKGROUND_COLORS), 3, image_size, image_size))
    pixels = np.arange(image_size)
    table = np.array(TABLE)[:, None, None]
    for dx in range(SUBPIXELS):
        for dy in range(SUBPIXELS):
            column = (pixels + (dx + 0.5) / SUBPIXELS)[None, None, :]
            row = (pixels + (dy + 0.5) / SUBPIXELS)[None, :, None]
            rays = view.rays(column, row)
            height = view.height[:, None, None]
            to_wall = (WALL - CAMERA_DISTANCE) / rays.z
            at_wall = height + to_wall * rays.y
            to_table = height / np.maximum(-rays.y, 1e-9)
            # the wall gets darker upwards, and the table towards the wall
            wall = np.clip(1.0 - 0.16 * at_wall, 0.3, 1)[:, None, None]
            depth = CAMERA_DISTANCE + to_table * rays.z - WALL
            flat = np.clip(0.7 + 0.12 * depth, 0.3, 1.2)[:, None, None]
            is_wall = (at_wall > 0)[:, None, None]
            total += np.where(is_wall, wall * BACKGROUND_COLORS[:, :, None, None], flat * table)
    return (total / SUBPIXELS**2).astype(np.float32)


def _draw_arm(picture: FloatArray, view: View, arm: Pose) -> None:
    """Draw column, links and joints onto images (n, 3, size, size), in place."""
    parts = (
        (arm.base, arm.shoulder, 0.20, 0.13, METAL),
        (arm.shoulder, arm.shoulder, 0.17, 0.17, JOINT),
        (arm.shoulder, arm.elbow, 0.10, 0.08, METAL),
        (arm.elbow, arm.elbow, 0.12, 0.12, JOINT),
        (arm.elbow, arm.wrist, 0.07, 0.05, METAL),
        (arm.wrist, arm.wrist, 0.08, 0.08, JOINT),
    )
    for start, end, thick, thin, color in parts:
        _draw_link(picture, view, start, end, thick, thin, color)


def _draw_link(
    picture: FloatArray,
    view: View,
    start: Vector,
    end: Vector,
    thick: float,
    thin: float,
    color: tuple[float, float, float],
) -> None:
    """Draw a link from `start` with radius `thick` to `end` with radius `thin`, in place."""
    near, far = view.project(start), view.project(end)
    x0, y0, r0, dx, dy, dr = (
        value.astype(np.float32)[:, None, None]
        for value in (
            near.x,
            near.y,
            view.focal * thick / near.z,
            far.x - near.x,
            far.y - near.y,
            view.focal * (thin / far.z - thick / near.z),
        )
    )
    pixels = np.arange(view.image_size, dtype=np.float32) + np.float32(0.5)
    x, y = pixels[None, None, :] - x0, pixels[None, :, None] - y0  # from the start
    length = np.maximum(dx * dx + dy * dy, np.float32(1e-6))
    part = np.clip((x * dx + y * dy) / length, 0, 1)  # nearest point of the axis, 0 to 1
    radius = r0 + part * dr
    x, y = x - part * dx, y - part * dy  # from that point
    square = x * x + y * y
    cover = np.clip(radius - np.sqrt(square) + np.float32(0.5), 0, 1)
    # the surface is shaded as that of a sphere: (x, y, ahead) is its unit normal
    x, y = x / radius, y / radius
    ahead = np.sqrt(np.maximum(1 - x * x - y * y, 0))
    lx, ly, lz = map(np.float32, LIGHT)
    light = _lambert(x * lx - y * ly + ahead * lz)
    _lay_over(picture, cover, light * cover, np.array([color]))


def _lambert(facing: FloatArray) -> FloatArray:
    return np.float32(AMBIENT) + np.float32(1 - AMBIENT) * np.maximum(facing, 0)


def _lay_over(picture: FloatArray, cover: FloatArray, light: FloatArray, color: FloatArray) -> None:
    """Paint a colour (n, 3) or (1, 3) onto images (n, 3, height, width), in place.

    `cover` and `light`, shape (n, height, width), are the covered share of each pixel, and its
    brightness times that share.
    """
    picture *= (1 - cover)[:, None]
    picture += light[:, None] * color.astype(np.float32)[:, :, None, None]


def _draw_object(
    picture: FloatArray,
    view: View,
    solid: Solid,
    center: Vector,
    size: FloatArray,
    yaw: FloatArray,
    color: FloatArray,
) -> None:
    """Draw the object onto images (n, 3, size, size), in place.

    Rays are cast only in a square window around the object, of equal width in all images, and in
    the frame of the solid: scaled to its size and turned with the arm.
    """
    n_rows, image_size = len(size), view.image_size
    at = view.project(center)
    reach = view.focal * REACH * size / at.z
    nearest = CAMERA_DISTANCE - UPPER - FORE - 2 * OBJECT_SIZES.max()
    width = int(np.ceil(2 * view.focal * REACH * OBJECT_SIZES.max() / nearest)) + 2
    width = min(width, image_size)
    corners = [
        np.clip(np.floor(middle - reach).astype(np.intp), 0, image_size - width)
        for middle in (at.x, at.y)
    ]
    pixels = np.arange(width)
    columns, lines = (corner[:, None] + pixels for corner in corners)  # (n, width)

    wide = (slice(None), None, None)  # (n,) to (n, 1, 1)
    cos, sin = np.cos(yaw)[wide].astype(np.float32), np.sin(yaw)[wide].astype(np.float32)
    scale = size[wide].astype(np.float32)
    eye = Vector(-center.x, view.height - center.y, CAMERA_DISTANCE - center.z)
    origin = Vector(*((c[wide] / scale).astype(np.float32) for c in eye)).turned(cos, -sin)
    light = constant(LIGHT).turned(cos, -sin)

    cover = np.zeros((n_rows, width, width), dtype=np.float32)
    shade = np.zeros_like(cover)
    for dx in range(SUBPIXELS):
        x = columns[:, None, :] + (dx + 0.5) / SUBPIXELS
        for dy in range(SUBPIXELS):
            y = lines[:, :, None] + (dy + 0.5) / SUBPIXELS
            rays = Vector(*(c.astype(np.float32) for c in view.rays(x, y)))
            span = solid(origin, Vector(*(c / scale for c in rays.turned(cos, -sin))))
            hit = span.enter < span.leave
            normal = span.normal
            facing = normal.dot(light) / np.sqrt(normal.dot(normal))
            cover += hit
            shade += np.where(hit, _lambert(facing), 0)
    share = np.float32(1 / SUBPIXELS**2)
    window = picture[
        np.arange(n_rows)[:, None, None], :, lines[:, :, None], columns[:, None, :]
    ].transpose(0, 3, 1, 2)
    _lay_over(window, cover * share, shade * share, color)
    picture[np.arange(n_rows)[:, None, None], :, lines[:, :, None], columns[:, None, :]] = (
        window.transpose(0, 2, 3, 1)
    )
