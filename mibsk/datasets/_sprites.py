"""Rendered sprites, paired with codes of some of their factors."""

from collections.abc import Sequence

import numpy as np
from sklearn.utils import Bunch

from .._checks.parameters import check_scalar
from ._factors import draw_factors, factor_bunch
from ._names import check_names
from .rendering import render_sprites

FACTORS = {"shape": 3, "scale": 6, "orientation": 40, "pos_x": 32, "pos_y": 32}

DESCR = """\
Rendered sprites.

What: {n_samples} images of {image_size}x{image_size} pixels, one white shape on black, and a
one-hot code of these factors: {shared}.
All factors are drawn independently and uniformly: shape 3 (square, ellipse, heart), scale 6 from
0.5 to 1, orientation 40 in [0, 2 pi), pos_x 32 and pos_y 32 from 0 to 1.
Source: rendered when called, after the factors of dSprites (Matthey et al. 2017).
Version: fixed by the arguments, random_state among them.
Licence: as mibsk; no file of dSprites is used.
Pairing: by instance; row i of both modalities is the same sprite.
"""


def make_sprites(
    n_samples: int = 10_000,
    *,
    image_size: int = 64,
    shared: Sequence[str] = ("shape", "scale", "pos_x"),
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Render sprites with known factors, paired with a code of some of the factors.

    Five factors, those of dSprites [1]_, are drawn independently and uniformly. The modality
    ``"image"`` shows all of them; the modality ``"factors"`` is a one-hot code of the `shared`
    ones, so that the others are nuisances of the image.

    =============  ======  =========================================
    factor         values  meaning
    =============  ======  =========================================
    shape          3       square, ellipse, heart
    scale          6       0.5 to 1, relative to the largest sprite
    orientation    40      angle in [0, 2π) in steps of π/20
    pos_x, pos_y   32      centre, over the middle half of the image
    =============  ======  =========================================

    Parameters
    ----------
    n_samples : int, default=10_000
        Number of sprites.
    image_size : int, default=64
        Side of the images in pixels, at least 8.
    shared : sequence of str, default=("shape", "scale", "pos_x")
        Factors in ``"factors"``. If all five are shared, there are no nuisances.
    random_state : int, RandomState instance or None, default=None
        Draws the factors.

    Returns
    -------
    bunch : Bunch
        ``data`` : Modalities with ``"image"``, uint8 of shape (n_samples, image_size, image_size),
        0 to 255 with antialiased edges, and ``"factors"``, float32 of shape (n_samples, d): the
        one-hot codes of the shared factors side by side, in the order of `shared`.

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
    .. [1] L. Matthey, I. Higgins, D. Hassabis, A. Lerchner, "dSprites: Disentanglement testing
       Sprites dataset", 2017. https://github.com/google-deepmind/dsprites-dataset

    Examples
    --------
    >>> from mibsk.datasets import make_sprites
    >>> sprites = make_sprites(100, image_size=32, shared=["shape", "scale"], random_state=0)
    >>> sprites.data["image"].shape, sprites.data["factors"].shape
    ((100, 32, 32), (100, 9))
    >>> sprites.nuisances
    ['orientation', 'pos_x', 'pos_y']
    """
    check_scalar("image_size", image_size, low=8, integer=True)
    shared = check_names("shared", "factor", shared, FACTORS)
    labels = draw_factors(FACTORS, n_samples, random_state)
    codes = {name: column.to_numpy() for name, column in labels.items()}
    images = render_sprites(
        codes["shape"],
        0.5 + 0.5 * codes["scale"] / (FACTORS["scale"] - 1),
        2 * np.pi * codes["orientation"] / FACTORS["orientation"],
        codes["pos_x"] / (FACTORS["pos_x"] - 1),
        codes["pos_y"] / (FACTORS["pos_y"] - 1),
        image_size=image_size,
    )
    return factor_bunch(images, labels, FACTORS, shared, DESCR)
