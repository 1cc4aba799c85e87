"""Images of an object in a room, by ray casting."""

import numpy as np
from numpy.typing import NDArray

from ._solids import (
    HALF_HEIGHT,
    FloatArray,
    Solid,
    Vector,
    capsule,
    constant,
    cube,
    cylinder,
    sphere,
)

SOLIDS: tuple[Solid, ...] = (cube, cylinder, sphere, capsule)  # the order of the factor "shape"

# the room is a square box with the object in its middle, at the origin; y points up
HALF_ROOM = 3.2
WALL_HEIGHT = 2.5
SOLID_SIZE = 0.85  # half the height of a sphere at scale 1
CAMERA = (0.0, 2.0, 4.4)
AIM = 0.95  # height, in the middle of the room, at which the camera is directed
HALF_VIEW = 0.5  # tangent of half the angle of view
LAMP = (2.2, 4.8, 2.4)  # turns with the room
AMBIENT = 0.35  # share of ambient light
SKY = (0.72, 0.86, 1.0)
SUBPIXELS = 4  # samples per pixel and axis; even, so that no ray runs along an axis
VALUES_AT_A_TIME = 2**17  # pixels rendered together, which bounds the memory


def render_room(
    floor_hue: FloatArray,
    wall_hue: FloatArray,
    object_hue: FloatArray,
    scale: FloatArray,
    shape: NDArray[np.integer],
    orientation: FloatArray,
    *,
    image_size: int,
) -> NDArray[np.uint8]:
    r"""Draw one room per row, in perspective, with Lambert shading and cast shadows.

    A point with surface normal :math:`n`, colour :math:`c` and direction :math:`l` to the lamp has
    the value :math:`c\,(a + (1 - a) \max(0, n \cdot l))` with ambient light :math:`a`, and
    :math:`c\,a` in the shadow of the object. Values are linear in the colours, so that rays are
    cast only once for all rows that differ in nothing but their hues.

    Parameters
    ----------
    floor_hue, wall_hue, object_hue : ndarray of shape (n_samples,)
        Hues in [0, 1], as in HSV.
    scale : ndarray of shape (n_samples,)
        Size of the object, about 1.
    shape : ndarray of int of shape (n_samples,)
        0 for the cube, 1 for the cylinder, 2 for the sphere, 3 for the capsule.
    orientation : ndarray of shape (n_samples,)
        Angle in degrees by which the room and all its contents are turned.
    image_size : int
        Side of the image in pixels.

    Returns
    -------
    images : ndarray of uint8 of shape (n_samples, image_size, image_size, 3)
        RGB.
    """
    images = np.empty((len(shape), image_size, image_size, 3), dtype=np.uint8)
    hues = np.stack([floor_hue, wall_hue, object_hue], axis=1)
    colors = hue_to_rgb(hues).astype(np.float32)  # (n_samples, 3 surfaces, 3 channels)
    scenes, scene_of = np.unique(
        np.stack([shape, scale, orientation], axis=1), axis=0, return_inverse=True
    )
    by_scene = np.argsort(scene_of, kind="stable")
    first = np.searchsorted(scene_of[by_scene], np.arange(len(scenes) + 1))
    at_a_time = max(1, VALUES_AT_A_TIME // image_size**2)
    for code, solid in enumerate(SOLIDS):
        of_shape = np.flatnonzero(scenes[:, 0] == code)
        for start in range(0, len(of_shape), at_a_time):
            block = of_shape[start : start + at_a_time]
            surfaces = _cast(solid, scenes[block, 1], scenes[block, 2], image_size)
            rows = by_scene[first[block[0]] : first[block[-1] + 1]]
            for i in range(0, len(rows), at_a_time):
                some = rows[i : i + at_a_time]
                images[some] = _paint(surfaces[:, scene_of[some] - block[0]], colors[some])
    return images


def hue_to_rgb(hue: FloatArray) -> FloatArray:
    """Return fully saturated RGB colours, shape (..., 3), of hues in [0, 1], shape (...)."""
    distance = np.abs((6 * hue[..., None] + np.array([0.0, 4.0, 2.0])) % 6 - 3)
    return np.clip(distance - 1, 0, 1)


def _paint(surfaces: FloatArray, colors: FloatArray) -> NDArray[np.uint8]:
    """Return images (n, size, size, 3) from what :func:`_cast` returns and colours (n, 3, 3)."""
    image = surfaces[3][..., None] * np.array(SKY, dtype=np.float32)
    for brightness, color in zip(surfaces, colors.transpose(1, 0, 2), strict=False):
        image += brightness[..., None] * color[:, None, None, :]
    return np.rint(255 * image).astype(np.uint8)


def _cast(solid: Solid, scale: FloatArray, angle: FloatArray, image_size: int) -> FloatArray:
    """Return brightness times coverage of floor, walls, object and sky, (4, n, size, size)."""
    turn = np.deg2rad(angle)[:, None, None]
    cos, sin = np.cos(turn).astype(np.float32), np.sin(turn).astype(np.float32)
    size = (SOLID_SIZE * scale).astype(np.float32)[:, None, None]
    camera = constant(CAMERA).turned(cos, -sin)
    surfaces = np.zeros((4, len(scale), image_size, image_size), dtype=np.float32)
    for dx in range(SUBPIXELS):
        for dy in range(SUBPIXELS):
            rays = _rays(image_size, (dx + 0.5) / SUBPIXELS, (dy + 0.5) / SUBPIXELS)
            for total, part in zip(
                surfaces, _brightness(solid, size, camera, rays.turned(cos, -sin)), strict=True
            ):
                total += part
    return surfaces / np.float32(SUBPIXELS**2)


def _rays(image_size: int, dx: float, dy: float) -> Vector:
    """Return the directions of rays from the camera through one point of each pixel."""
    step = 2 * HALF_VIEW / image_size
    right = (step * (np.arange(image_size) + dx) - HALF_VIEW)[None, :]
    up = (HALF_VIEW - step * (np.arange(image_size) + dy))[:, None]
    ahead = np.array([AIM - CAMERA[1], -CAMERA[2]])  # y, z
    ahead /= np.hypot(*ahead)
    y, z = ahead[0] - up * ahead[1], ahead[1] + up * ahead[0]
    x, y, z = (c.astype(np.float32) for c in np.broadcast_arrays(right, y, z))
    return Vector(x, y, z)


def _brightness(
    solid: Solid, size: FloatArray, camera: Vector, rays: Vector
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the brightness of floor, walls, object and sky, 0 where each is not visible.

    `size` has shape (n, 1, 1); the camera and the rays are in the frame of the room.
    """
    center = size * HALF_HEIGHT[solid]

    def in_frame(point: Vector) -> Vector:
        return Vector(point.x / size, (point.y - center) / size, point.z / size)

    directions = Vector(*(c / size for c in rays))
    span = solid(in_frame(camera), directions)
    to_object = span.first_hit()
    x, z = (np.where(np.abs(c) < 1e-9, np.float32(1e-9), c) for c in (rays.x, rays.z))
    to_x = (np.copysign(np.float32(HALF_ROOM), x) - camera.x) / x
    to_z = (np.copysign(np.float32(HALF_ROOM), z) - camera.z) / z
    to_wall = np.minimum(to_x, to_z)
    to_floor = np.where(rays.y < 0, -camera.y / np.minimum(rays.y, np.float32(-1e-9)), 1e9)
    to_room = np.minimum(to_wall, to_floor)

    is_object = to_object < to_room
    floor = ~is_object & (to_floor < to_wall)
    sky = ~is_object & ~floor & (camera.y + to_wall * rays.y > WALL_HEIGHT)
    wall = ~is_object & ~floor & ~sky

    point = camera.along(np.where(is_object, to_object, to_room), rays)
    lamp = constant(LAMP)
    to_lamp = Vector(*(a - b for a, b in zip(lamp, point, strict=True)))
    distance = np.sqrt(to_lamp.dot(to_lamp))
    across_x = to_x < to_z
    facing_wall = np.where(across_x, -np.sign(x) * to_lamp.x, -np.sign(z) * to_lamp.z)
    facing_solid = span.normal.dot(to_lamp) / np.sqrt(span.normal.dot(span.normal))
    facing = np.where(is_object, facing_solid, np.where(floor, to_lamp.y, facing_wall))

    shadow = solid(in_frame(point), Vector(*(c / size for c in to_lamp))).first_hit() < 1
    lit = np.where(shadow & ~is_object, 0, np.maximum(facing / distance, 0))
    light = np.float32(AMBIENT) + np.float32(1 - AMBIENT) * lit
    return floor * light, wall * light, is_object * light, sky.astype(np.float32)
