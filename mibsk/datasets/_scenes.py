"""Rendered scenes of two objects, described by sentences."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import Bunch, check_random_state

from .._checks.parameters import check_scalar
from ._captioned import Side, captioned_bunch
from ._scene_grammar import CHOICES, COLORS, RELATIONS, SHAPES, SIZES, Scene, Thing, caption
from .rendering import BACKGROUNDS, RADII, SceneObjects, extent, render_scenes

TEXTURES = ("plain", "stripes", "checks", "dots", "gradient")

VALUES = {  # of the factors of a scene
    "size_1": tuple(SIZES),
    "color_1": tuple(COLORS),
    "shape_1": tuple(SHAPES),
    "size_2": tuple(SIZES),
    "color_2": tuple(COLORS),
    "shape_2": tuple(SHAPES),
    "relation": tuple(RELATIONS),
}
IMAGE_ONLY = {  # number of values
    "background": len(BACKGROUNDS),
    "texture": len(TEXTURES),
    "position_x": 8,
    "position_y": 8,
    "gap": 4,
    "direction": 8,
    "rotation_1": 8,
    "rotation_2": 8,
}

MARGIN = 0.03  # around both objects, in image sides
GAPS = (0.03, 0.12)  # smallest and largest distance between two objects that do not overlap
SLANT = 0.4  # largest tangent of the line through both middles, to the axis of their relation
OVERLAP = 0.45  # of two objects along the line through their middles, in smaller radii
ROTATION = 35  # largest angle in degrees

DESCR = """\
Rendered scenes with captions.

What: {n_scenes} RGB pictures of {image_size}x{image_size} pixels of two objects, and {n_captions}
caption(s) of each. An object is small or large, has one of eight colours ({colors}) and of eight
shapes ({shapes}). The first object is left of, above or in front of the second one; both have
different colours, and all else is drawn independently and uniformly.
Source: rendered when called.
Version: fixed by the arguments, random_state among them.
Licence: as mibsk.
Pairing: by instance; one row for each caption. The picture alone shows background, texture,
position, gap, direction and rotations; the caption alone has template, order of the objects, and
choices between synonyms. Equal scenes are one group.
"""


def make_scenes(
    n_scenes: int = 2000,
    *,
    image_size: int = 64,
    n_captions: int = 5,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Render pictures of two objects, and describe each by sentences.

    An object has a size, a colour and a shape; the first one is left of, above or in front of the
    second one. This is what picture and caption share. All other factors are in only one of them:

    ============================  ======  ====================================================
    factor of the picture alone   values  meaning
    ============================  ======  ====================================================
    background                    6       tint
    texture                       5       plain, stripes, checks, dots, gradient
    position_x, position_y        8       place of the pair in the picture
    gap                           4       distance of objects that do not overlap
    direction                     8       of the line between both objects
    rotation_1, rotation_2        8       -35 to 35 degrees, by which each object is turned
    ============================  ======  ====================================================

    ============================  ======  ====================================================
    factor of the caption alone   values  meaning
    ============================  ======  ====================================================
    template                      5       form of the sentence
    order                         2       0: the first object is the subject; 1: the second one
    relation_word                 3       synonym of the relation
    phrase_1, phrase_2            2       "small red box", or "small box in red"
    size_word_1, size_word_2      3       synonym of the size
    color_word_1, color_word_2    2       synonym of the colour
    shape_word_1, shape_word_2    2       synonym of the shape
    ============================  ======  ====================================================

    All are drawn independently and uniformly, except that both objects have different colours. They
    determine picture and caption. :func:`scene_of_caption` returns what a caption says, so that
    the share of generated captions that describe their picture exactly can be computed.

    Parameters
    ----------
    n_scenes : int, default=2000
        Number of pictures.
    image_size : int, default=64
        Side of the pictures in pixels, at least 16.
    n_captions : int, default=5
        Number of captions of each picture, and of rows with this picture. Each row holds a copy of
        the picture: 12 kB with the default size.
    random_state : int, RandomState instance or None, default=None
        Draws all factors.

    Returns
    -------
    bunch : Bunch
        ``data`` : Modalities with ``"image"``, uint8 of shape
        (n_scenes * n_captions, image_size, image_size, 3), and ``"text"``, strings of shape
        (n_scenes * n_captions,). The captions of a picture are in consecutive rows;
        :func:`one_per_picture` returns one row for each picture.

        ``labels`` : dict of modality to DataFrame. Both have the columns ``picture``, ``size_1``,
        ``color_1``, ``shape_1``, ``size_2``, ``color_2``, ``shape_2`` and ``relation``, whose
        values are words; ``"image"`` also has the factors of the picture alone, and ``"text"``
        those of the caption alone, whose values are numbers from 0.

        ``picture`` : ndarray of int, the number of the picture of each row; ``groups`` : ndarray
        of int, the same for rows of equal scenes, which :func:`split_bunch` keeps together.

        ``shared``, ``nuisances`` : lists of factor names; ``DESCR`` : str.

    Raises
    ------
    TypeError
        If a number is not an integer.
    ValueError
        If a number is too small.

    Examples
    --------
    >>> from mibsk.datasets import make_scenes, scene_of_caption
    >>> scenes = make_scenes(10, image_size=32, random_state=0)
    >>> scenes.data["image"].shape, scenes.data["text"].shape
    ((50, 32, 32, 3), (50,))
    >>> for text in scenes.data["text"][:3]:
    ...     print(text)
    there is a huge disc in pink partly hidden by a little purple hoop
    hiding part of a big rosy disc there is a small purple hoop
    there is a little ring in violet covering a large circle in rosy
    >>> len({scene_of_caption(text) for text in scenes.data["text"][:5]})
    1
    """
    check_scalar("n_scenes", n_scenes, low=1, integer=True)
    check_scalar("image_size", image_size, low=16, integer=True)
    check_scalar("n_captions", n_captions, low=1, integer=True)
    rng = check_random_state(random_state)
    codes = {name: rng.randint(len(values), size=n_scenes) for name, values in VALUES.items()}
    n_colors = len(COLORS)
    codes["color_2"] = (codes["color_1"] + rng.randint(1, n_colors, size=n_scenes)) % n_colors
    nuisances = {name: rng.randint(n, size=n_scenes) for name, n in IMAGE_ONLY.items()}
    choices = pd.DataFrame(
        {name: rng.randint(n, size=n_scenes * n_captions) for name, n in CHOICES.items()}
    )
    labels = pd.DataFrame(
        {name: np.array(values)[codes[name]] for name, values in VALUES.items()} | nuisances
    )
    scenes = scenes_of(labels)
    picture = np.repeat(np.arange(n_scenes), n_captions)
    texts = [
        caption(scenes[number], dict(zip(CHOICES, row, strict=True)))
        for number, row in zip(picture.tolist(), choices.to_numpy().tolist(), strict=True)
    ]
    back, front = place_objects(codes, nuisances)
    images = render_scenes(
        back, front, nuisances["background"], nuisances["texture"], image_size=image_size
    )
    return captioned_bunch(
        Side({"image": images}, labels),
        Side({"text": np.array(texts, dtype=object)}, choices),
        picture,
        list(map(str, scenes)),
        modalities=["image", "text"],
        shared=list(VALUES),
        nuisances=[*IMAGE_ONLY, *CHOICES],
        about=DESCR.format(
            n_scenes=n_scenes,
            image_size=image_size,
            n_captions=n_captions,
            colors=", ".join(COLORS),
            shapes=", ".join(SHAPES),
        ),
    )


def scenes_of(labels: pd.DataFrame) -> list[Scene]:
    """Return the scenes that the columns of ``VALUES`` describe."""
    return [
        Scene(Thing(*row[:3]), row[6], Thing(*row[3:6]))
        for row in labels[list(VALUES)].itertuples(index=False)
    ]


def place_objects(
    codes: dict[str, NDArray[np.integer]], nuisances: dict[str, NDArray[np.integer]]
) -> tuple[SceneObjects, SceneObjects]:
    """Return the second and the first objects of pictures, which the first ones may cover."""
    first, second = (RADII[codes[f"size_{i}"]] for i in (1, 2))
    angle_1, angle_2 = (
        np.deg2rad(ROTATION) * (2 * _share(f"rotation_{i}", nuisances) - 1) for i in (1, 2)
    )
    gap = GAPS[0] + (GAPS[1] - GAPS[0]) * _share("gap", nuisances)
    slant = SLANT * (2 * _share("direction", nuisances) - 1)
    apart = first + second + gap
    turn = 2 * np.pi * (nuisances["direction"] + 0.5) / IMAGE_ONLY["direction"]
    near = (
        first * extent(codes["shape_1"], angle_1, turn)
        + second * extent(codes["shape_2"], angle_2, turn + np.pi)
        - OVERLAP * np.minimum(first, second)
    )
    offsets = np.array(  # from the first to the second object, (3 relations, 2 axes, n)
        [
            [apart, slant * apart],
            [slant * apart, apart],
            [near * np.cos(turn), near * np.sin(turn)],
        ]
    )
    offset = offsets[codes["relation"], :, np.arange(len(gap))].T
    low = np.minimum(-first, offset - second)  # (2, n), of both objects, from the first middle
    high = np.maximum(first, offset + second)
    free = 1 - 2 * MARGIN - (high - low)
    place = np.stack([_share(f"position_{axis}", nuisances) for axis in "xy"])
    middle = MARGIN + place * free - low
    return (
        SceneObjects(middle + offset, second, angle_2, codes["shape_2"], codes["color_2"]),
        SceneObjects(middle, first, angle_1, codes["shape_1"], codes["color_1"]),
    )


def _share(name: str, nuisances: dict[str, NDArray[np.integer]]) -> NDArray[np.floating]:
    """Return the values of a factor, evenly spaced from 0 to 1."""
    return nuisances[name] / (IMAGE_ONLY[name] - 1)
