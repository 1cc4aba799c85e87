"""Images of white shapes on a black background."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

HALF_SIDE = 0.127  # of the square at scale 1, as a fraction of the image's side
RADIUS = HALF_SIDE * np.sqrt(2)  # of a circle that encloses any sprite at scale 1
SUBPIXELS = 4  # samples per pixel and axis, which gives 17 grey levels
CHUNK = 1024  # sprites rendered together, which bounds the memory

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.floating]


def _in_square(x: FloatArray, y: FloatArray) -> BoolArray:
    return np.maximum(np.abs(x), np.abs(y)) <= 1


def _in_ellipse(x: FloatArray, y: FloatArray) -> BoolArray:
    return (x / 1.375) ** 2 + (y / 0.75) ** 2 <= 1


def _in_heart(x: FloatArray, y: FloatArray) -> BoolArray:
    x2 = x * x
    y = 0.2 - y  # y points down; the shift puts the middle of the heart at the origin
    y2 = y * y
    q = x2 + y2 - 1
    return q * q * q <= x2 * y2 * y


INSIDE = (_in_square, _in_ellipse, _in_heart)  # order of the factor "shape"


def render_sprites(
    shape: NDArray[np.integer],
    scale: FloatArray,
    orientation: FloatArray,
    pos_x: FloatArray,
    pos_y: FloatArray,
    *,
    image_size: int,
) -> NDArray[np.uint8]:
    r"""Draw one white sprite per row on black, with antialiased edges.

    In the frame of the sprite, with y pointing down and half the side of the square as the unit of
    length, a point is inside the square if :math:`\max(|x|, |y|) \le 1`, inside the ellipse if
    :math:`(x/1.375)^2 + (y/0.75)^2 \le 1`, and inside the heart if
    :math:`(x^2 + h^2 - 1)^3 \le x^2 h^3` with :math:`h = 0.2 - y`. The value of a pixel is the
    share of its area that is inside.

    Parameters
    ----------
    shape : ndarray of int of shape (n_samples,)
        0 for the square, 1 for the ellipse, 2 for the heart.
    scale : ndarray of shape (n_samples,)
        Size relative to the largest sprite, in (0, 1].
    orientation : ndarray of shape (n_samples,)
        Angle in radians, clockwise in the image.
    pos_x, pos_y : ndarray of shape (n_samples,)
        Centre in [0, 1], which spans the middle half of the image so that no sprite is cut off.
    image_size : int
        Side of the image in pixels.

    Returns
    -------
    images : ndarray of uint8 of shape (n_samples, image_size, image_size)
        0 is the background, 255 the sprite.
    """
    n_samples = len(shape)
    images = np.zeros((n_samples, image_size, image_size), dtype=np.uint8)
    # only a window around each sprite is evaluated, about a seventh of the pixels
    width = min(int(np.ceil(2 * RADIUS * image_size)) + 1, image_size)
    windows = sliding_window_view(images, (width, width), axis=(1, 2), writeable=True)

    center = image_size * (0.25 + 0.5 * np.stack([pos_x, pos_y]))  # (2, n_samples), in pixels
    corner = np.floor(center - RADIUS * image_size).astype(np.intp)
    corner = np.clip(corner, 0, image_size - width)
    offset = (corner - center).astype(np.float32)
    unit = (HALF_SIDE * image_size * scale).astype(np.float32)
    cos = (np.cos(orientation) / unit).astype(np.float32)
    sin = (np.sin(orientation) / unit).astype(np.float32)
    pixels = np.arange(width, dtype=np.float32)
    subpixels = (np.arange(SUBPIXELS, dtype=np.float32) + 0.5) / SUBPIXELS
    grey = np.rint(np.linspace(0, 255, SUBPIXELS**2 + 1)).astype(np.uint8)

    for code, inside in enumerate(INSIDE):
        of_shape = np.flatnonzero(shape == code)
        for start in range(0, len(of_shape), CHUNK):
            rows = of_shape[start : start + CHUNK]
            c, s = cos[rows, None, None], sin[rows, None, None]
            hits = np.zeros((len(rows), width, width), dtype=np.uint8)
            for dx in subpixels:
                x = (offset[0, rows, None] + pixels + dx)[:, None, :]  # (rows, 1, width)
                for dy in subpixels:
                    y = (offset[1, rows, None] + pixels + dy)[:, :, None]  # (rows, width, 1)
                    hits += inside(c * x + s * y, c * y - s * x)
            windows[rows, corner[1, rows], corner[0, rows]] = grey[hits]
    return images
