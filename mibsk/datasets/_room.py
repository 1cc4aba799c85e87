"""Rendered rooms, paired with codes of some of their factors."""

from collections.abc import Sequence

import numpy as np
from sklearn.utils import Bunch

from .._checks.parameters import check_scalar
from ._factors import draw_factors, factor_bunch
from ._names import check_names
from .rendering import render_room

FACTORS = {
    "floor_hue": 10,
    "wall_hue": 10,
    "object_hue": 10,
    "scale": 8,
    "shape": 4,
    "orientation": 15,
}

DESCR = """\
Rendered rooms.

What: {n_samples} RGB images of {image_size}x{image_size} pixels, an object in a room, and a
one-hot code of these factors: {shared}.
All factors are drawn independently and uniformly: floor_hue 10, wall_hue 10 and object_hue 10 from
0 to 0.9, scale 8 from 0.75 to 1.25, shape 4 (cube, cylinder, sphere, capsule), orientation 15 from
-30 to 30 degrees.
Source: rendered when called, after the factors of 3D Shapes (Burgess & Kim 2018).
Version: fixed by the arguments, random_state among them.
Licence: as mibsk; no file of 3D Shapes is used.
Pairing: by instance; row i of both modalities is the same room.
"""


def make_room(
    n_samples: int = 10_000,
    *,
    image_size: int = 64,
    shared: Sequence[str] = ("object_hue", "scale", "shape"),
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Render rooms with known factors, paired with a code of some of the factors.

    Six factors, those of 3D Shapes [1]_, are drawn independently and uniformly. The modality
    ``"image"`` shows all of them; the modality ``"factors"`` is a one-hot code of the `shared`
    ones, so that the others are nuisances of the image.

    ===========  ======  =================================================
    factor       values  meaning
    ===========  ======  =================================================
    floor_hue    10      0 to 0.9, as in HSV
    wall_hue     10      0 to 0.9, as in HSV
    object_hue   10      0 to 0.9, as in HSV
    scale        8       0.75 to 1.25, size of the object
    shape        4       cube, cylinder, sphere, capsule
    orientation  15      -30 to 30 degrees, by which the room is turned
    ===========  ======  =================================================

    Parameters
    ----------
    n_samples : int, default=10_000
        Number of rooms.
    image_size : int, default=64
        Side of the images in pixels, at least 8.
    shared : sequence of str, default=("object_hue", "scale", "shape")
        Factors in ``"factors"``. If all six are shared, there are no nuisances.
    random_state : int, RandomState instance or None, default=None
        Draws the factors.

    Returns
    -------
    bunch : Bunch
        ``data`` : Modalities with ``"image"``, uint8 of shape
        (n_samples, image_size, image_size, 3), and ``"factors"``, float32 of shape (n_samples, d):
        the one-hot codes of the shared factors side by side, in the order of `shared`.

        ``labels`` : dict of modality to DataFrame, one column per factor of the modality, with
        values from 0.

        ``shared``, ``nuisances`` : lists of factor names; ``DESCR`` : str.

    Raises
    ------
    TypeError
        If `shared` is a single string, or a number is not an integer.
    ValueError
        If `shared` is empty, repeats a factor or names an unknown one, or a number is too small.

    References
    ----------
    .. [1] C. Burgess, H. Kim, "3D Shapes Dataset", 2018.
       https://github.com/google-deepmind/3d-shapes

    Examples
    --------
    >>> from mibsk.datasets import make_room
    >>> rooms = make_room(50, image_size=16, shared=["shape", "scale"], random_state=0)
    >>> rooms.data["image"].shape, rooms.data["factors"].shape
    ((50, 16, 16, 3), (50, 12))
    >>> rooms.nuisances
    ['floor_hue', 'wall_hue', 'object_hue', 'orientation']
    """
    check_scalar("image_size", image_size, low=8, integer=True)
    shared = check_names("shared", "factor", shared, FACTORS)
    labels = draw_factors(FACTORS, n_samples, random_state)
    codes = {name: column.to_numpy() for name, column in labels.items()}
    images = render_room(
        codes["floor_hue"] / FACTORS["floor_hue"],
        codes["wall_hue"] / FACTORS["wall_hue"],
        codes["object_hue"] / FACTORS["object_hue"],
        0.75 + 0.5 * codes["scale"] / (FACTORS["scale"] - 1),
        codes["shape"],
        -30 + 60 * codes["orientation"] / (FACTORS["orientation"] - 1),
        image_size=image_size,
    )
    return factor_bunch(images, labels, FACTORS, shared, DESCR)
