"""Pictures of two flat objects on a textured background."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ._solids import FloatArray

RADII = np.array([0.105, 0.175])  # of a circle around a small and a large object, in image sides
PALETTE = np.array(
    [
        [214, 40, 40],
        [244, 132, 28],
        [246, 208, 48],
        [48, 152, 72],
        [44, 100, 208],
        [128, 56, 168],
        [244, 128, 176],
        [128, 78, 44],
    ],
    dtype=np.float32,
)
BACKGROUNDS = np.array(
    [
        [232, 232, 232],
        [248, 240, 220],
        [214, 230, 244],
        [220, 240, 220],
        [232, 224, 246],
        [206, 206, 200],
    ],
    dtype=np.float32,
)
CONTRAST = 0.16  # of a texture: share by which it is darker than the background
OUTLINE = 0.013  # width in image sides
OUTLINE_SHADE = 0.55  # of the colour of the object
SHADOW = (0.016, 0.022)  # offset of the shadow to the right and down, in image sides
SHADOW_SOFTNESS = 0.03  # width of its edge in image sides
SHADOW_DEPTH = 0.3
CHUNK = 512  # pictures rendered together, which bounds the memory


class SceneObjects(NamedTuple):
    """One object of each picture."""

    middle: FloatArray  # (2, n), x and y downwards, in image sides
    radius: FloatArray  # (n,), of a circle around it, in image sides
    angle: FloatArray  # (n,), in radians, clockwise
    shape: NDArray[np.integer]  # (n,), index in SIGNED_DISTANCES
    color: NDArray[np.integer]  # (n,), index in PALETTE

    def rows(self, rows: NDArray[np.intp] | slice) -> "SceneObjects":
        """Return the objects of some of the pictures."""
        return SceneObjects(
            self.middle[:, rows],
            self.radius[rows],
            self.angle[rows],
            self.shape[rows],
            self.color[rows],
        )


def render_scenes(
    back: SceneObjects,
    front: SceneObjects,
    background: NDArray[np.integer],
    texture: NDArray[np.integer],
    *,
    image_size: int,
) -> NDArray[np.uint8]:
    """Draw two objects in each picture, with outlines and soft shadows.

    Parameters
    ----------
    back, front : SceneObjects
        The objects; those of `front` cover those of `back`.
    background : ndarray of int (n,)
        Index of a tint, below 6.
    texture : ndarray of int (n,)
        0 plain, 1 stripes, 2 checks, 3 dots, 4 a gradient.
    image_size : int
        Side of the pictures in pixels.

    Returns
    -------
    images : ndarray of uint8 (n, image_size, image_size, 3)
        RGB.
    """
    images = np.empty((len(texture), image_size, image_size, 3), dtype=np.uint8)
    textures = 1 - CONTRAST * _textures(image_size)
    for start in range(0, len(texture), CHUNK):
        rows = slice(start, start + CHUNK)
        canvas = BACKGROUNDS[background[rows], None, None] * textures[texture[rows], ..., None]
        for objects in (back, front):
            _draw(canvas, objects.rows(rows))
        images[rows] = np.rint(canvas)
    return images


def extent(
    shape: NDArray[np.integer], angle: FloatArray, direction: FloatArray
) -> NDArray[np.floating]:
    """Return how far objects reach from their middle in a direction.

    Parameters
    ----------
    shape : ndarray of int (n,)
        Index of a shape.
    angle : ndarray (n,)
        By which the object is turned, in radians, clockwise.
    direction : ndarray (n,)
        In radians, clockwise from the right.

    Returns
    -------
    ndarray (n,)
        In radii of a circle around the object, up to 1%.
    """
    steps = np.linspace(0, 1.1, 111)
    turned = (direction - angle)[:, None]
    x, y = steps * np.cos(turned), -steps * np.sin(turned)
    reach = np.empty(len(shape))
    for code in np.unique(shape):
        rows = np.flatnonzero(shape == code)
        inside = SIGNED_DISTANCES[code](x[rows], y[rows]) < 0
        reach[rows] = np.where(inside, steps, 0).max(axis=1)
    return reach


def _draw(canvas: FloatArray, objects: SceneObjects) -> None:
    """Draw one object and its shadow on each picture (n, side, side, 3), in place."""
    side = canvas.shape[1]
    reach = RADII.max() + max(SHADOW) + SHADOW_SOFTNESS
    width = min(2 * int(np.ceil(reach * side)) + 1, side)
    windows = sliding_window_view(canvas, (width, width), axis=(1, 2), writeable=True)
    corner = np.clip(np.rint(objects.middle * side - width / 2).astype(np.intp), 0, side - width)
    for code in np.unique(objects.shape):
        rows = np.flatnonzero(objects.shape == code)
        some, (left, top) = objects.rows(rows), corner[:, rows]
        window = windows[rows, top, left]  # (k, 3, width, width)
        below = _distance(some, code, corner[:, rows], width, side, SHADOW)
        shade = np.clip(0.5 - below / (SHADOW_SOFTNESS * side), 0, 1)
        window = window * (1 - np.float32(SHADOW_DEPTH) * shade)
        distance = _distance(some, code, corner[:, rows], width, side, (0.0, 0.0))
        edge = np.clip(0.5 - distance, 0, 1)
        body = np.clip(0.5 - (distance + OUTLINE * side), 0, 1)
        fill = PALETTE[some.color][:, :, None, None]  # (k, 3, 1, 1)
        paint = fill * (OUTLINE_SHADE + (1 - OUTLINE_SHADE) * body)
        windows[rows, top, left] = window * (1 - edge) + paint * edge


def _distance(
    objects: SceneObjects,
    shape: int,
    corner: NDArray[np.intp],
    width: int,
    side: int,
    shift: tuple[float, float],
) -> NDArray[np.float32]:
    """Return the distances of pixels to the edges of objects of one shape, in pixels.

    Parameters
    ----------
    objects : SceneObjects
        k objects.
    shape : int
        Index of their shape.
    corner : ndarray of int (2, k)
        Column and row of the first pixel of a window around each object.
    width, side : int
        Side of the windows and of the pictures in pixels.
    shift : tuple of float
        By which the objects are moved to the right and down, in image sides.

    Returns
    -------
    ndarray of float32 (k, 1, width, width)
        < 0 inside.
    """
    middle = side * (objects.middle + np.array(shift)[:, None]) - corner - 0.5
    x, y = (np.arange(width) - middle[..., None]).astype(np.float32)  # (k, width)
    x, y = x[:, None, :], y[:, :, None]
    radius = (side * objects.radius).astype(np.float32)[:, None, None]
    cos = np.cos(objects.angle).astype(np.float32)[:, None, None] / radius
    sin = np.sin(objects.angle).astype(np.float32)[:, None, None] / radius
    # in the frame of the object, in its radii and with y pointing up
    distance = SIGNED_DISTANCES[shape](cos * x + sin * y, sin * x - cos * y)
    return (distance * radius)[:, None]


def _textures(side: int) -> NDArray[np.float32]:
    """Return how dark each texture is, (5, side, side) in [0, 1]."""
    x = (np.arange(side, dtype=np.float32) + 0.5) / side
    y = x[:, None]

    def steep(wave: FloatArray) -> FloatArray:
        return np.clip(0.5 + 2 * wave, 0, 1)

    turn = np.float32(2 * np.pi)
    stripes = steep(np.sin(turn * 5 * (x + y)))
    checks = steep(2 * np.sin(turn * 3 * x) * np.sin(turn * 3 * y))
    dots = steep(2 * (np.cos(turn * 6 * x) * np.cos(turn * 6 * y) - 0.5))
    plain = np.zeros((side, side), dtype=np.float32)
    return np.stack([plain, stripes, checks, dots, plain + 1.5 * y]).astype(np.float32)


# Signed distances to the edges of shapes in a circle of radius 1, < 0 inside; exact near the edge
# and outside of it, so that one formula serves edge, outline and shadow.


def _circle(x: FloatArray, y: FloatArray) -> FloatArray:
    return np.hypot(x, y) - np.float32(0.88)


def _rectangle(x: FloatArray, y: FloatArray, half_width: float, half_height: float) -> FloatArray:
    u, v = np.abs(x) - np.float32(half_width), np.abs(y) - np.float32(half_height)
    return np.hypot(np.maximum(u, 0), np.maximum(v, 0)) + np.minimum(np.maximum(u, v), 0)


def _square(x: FloatArray, y: FloatArray) -> FloatArray:
    return _rectangle(x, y, 0.7, 0.7)


def _triangle(x: FloatArray, y: FloatArray) -> FloatArray:
    slope = np.float32(np.sqrt(0.75))
    return np.maximum(slope * np.abs(x) + y / 2, -y) - np.float32(0.5)


def _star(x: FloatArray, y: FloatArray) -> FloatArray:
    """Five points; the plane is folded to the half of one point, which is a line segment."""
    cos, sin = np.float32(np.cos(np.pi / 5)), np.float32(np.sin(np.pi / 5))
    x = np.abs(x)
    for fold in (1, -1):
        beyond = 2 * np.maximum(fold * cos * x - sin * y, 0)
        x, y = x - beyond * fold * cos, y + beyond * sin
    x, y = np.abs(x), y - 1
    edge_x, edge_y = np.float32(0.45) * sin, np.float32(0.45) * cos - 1
    along = np.clip((x * edge_x + y * edge_y) / (edge_x**2 + edge_y**2), 0, 1)
    outside = np.sign(y * edge_x - x * edge_y)
    return np.hypot(x - edge_x * along, y - edge_y * along) * outside


def _heart(x: FloatArray, y: FloatArray) -> FloatArray:
    """Two quarters of circles on a square that stands on its corner."""
    scale = np.float32(0.66)
    x, y = np.abs(x) * scale, y * scale + np.float32(0.56)
    lobe = np.hypot(x - 0.25, y - 0.75) - np.float32(np.sqrt(0.125))
    low = np.maximum(x + y, 0) / 2
    side = np.minimum(np.hypot(x, y - 1), np.hypot(x - low, y - low)) * np.sign(x - y)
    return np.where(x + y > 1, lobe, side) / scale


def _cross(x: FloatArray, y: FloatArray) -> FloatArray:
    return np.minimum(_rectangle(x, y, 0.92, 0.3), _rectangle(x, y, 0.3, 0.92))


def _ring(x: FloatArray, y: FloatArray) -> FloatArray:
    return np.abs(np.hypot(x, y) - np.float32(0.68)) - np.float32(0.26)


def _moon(x: FloatArray, y: FloatArray) -> FloatArray:
    """Cut a disc out of another one so that the middle is inside, where other objects cover it."""
    disc = np.hypot(x - np.float32(0.22), y) - np.float32(0.82)
    return np.maximum(disc, np.float32(0.66) - np.hypot(x - np.float32(0.88), y))


SIGNED_DISTANCES: tuple[Callable[[FloatArray, FloatArray], FloatArray], ...] = (
    _circle,
    _square,
    _triangle,
    _star,
    _heart,
    _cross,
    _ring,
    _moon,
)
