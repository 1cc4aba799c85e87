"""Rendered robot arms, paired with codes of some of their factors."""

from collections.abc import Sequence

import numpy as np
from sklearn.utils import Bunch

from .._checks.parameters import check_scalar
from ._factors import draw_factors, factor_bunch
from ._names import check_names
from .rendering import render_arm

FACTORS = {
    "object_color": 6,
    "object_shape": 6,
    "object_size": 2,
    "camera_height": 3,
    "background_color": 3,
    "horizontal_axis": 40,
    "vertical_axis": 40,
}

DESCR = """\
Rendered robot arms.

What: {n_samples} RGB images of {image_size}x{image_size} pixels, a robot arm that holds an object,
and a one-hot code of these factors: {shared}.
All factors are drawn independently and uniformly: object_color 6 (white, green, red, blue, brown,
olive), object_shape 6 (cone, cube, cylinder, hexagonal prism, pyramid, sphere), object_size 2,
camera_height 3 (top, center, bottom), background_color 3 (purple, sea green, salmon),
horizontal_axis 40 and vertical_axis 40, the positions of the two joints.
Source: rendered when called, after the factors of MPI3D (Gondal et al. 2019).
Version: fixed by the arguments, random_state among them.
Licence: as mibsk; no file of MPI3D is used.
Pairing: by instance; row i of both modalities is the same arm.
"""


def make_arm(
    n_samples: int = 10_000,
    *,
    image_size: int = 64,
    shared: Sequence[str] = ("object_color", "object_shape", "horizontal_axis"),
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Render robot arms with known factors, paired with a code of some of them.

    Seven factors, those of MPI3D [1]_, are drawn independently and uniformly. The modality
    ``"image"`` shows all of them; the modality ``"factors"`` is a one-hot code of the `shared`
    ones, so that the others are nuisances of the image.

    ================  ======  ==========================================================
    factor            values  meaning
    ================  ======  ==========================================================
    object_color      6       white, green, red, blue, brown, olive
    object_shape      6       cone, cube, cylinder, hexagonal prism, pyramid, sphere
    object_size       2       small, large
    camera_height     3       top, center, bottom
    background_color  3       purple, sea green, salmon
    horizontal_axis   40      the shoulder turns by -70 to 70 degrees
    vertical_axis     40      the elbow lifts the forearm to -45 to 55 degrees
    ================  ======  ==========================================================

    Parameters
    ----------
    n_samples : int, default=10_000
        Number of arms.
    image_size : int, default=64
        Side of the images in pixels, at least 8.
    shared : sequence of str, default=("object_color", "object_shape", "horizontal_axis")
        Factors in ``"factors"``. If all seven are shared, there are no nuisances.
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
    .. [1] M. W. Gondal et al., "On the Transfer of Inductive Bias from Simulation to the Real
       World: a New Disentanglement Dataset", NeurIPS 2019. https://arxiv.org/abs/1906.03292

    Examples
    --------
    >>> from mibsk.datasets import make_arm
    >>> arms = make_arm(50, image_size=16, shared=["object_color", "object_size"], random_state=0)
    >>> arms.data["image"].shape, arms.data["factors"].shape
    ((50, 16, 16, 3), (50, 8))
    >>> arms.nuisances[:3]
    ['object_shape', 'camera_height', 'background_color']
    """
    check_scalar("image_size", image_size, low=8, integer=True)
    shared = check_names("shared", "factor", shared, FACTORS)
    labels = draw_factors(FACTORS, n_samples, random_state)
    codes = {name: column.to_numpy() for name, column in labels.items()}
    images = render_arm(
        codes["object_color"],
        codes["object_shape"],
        codes["object_size"],
        codes["camera_height"],
        codes["background_color"],
        codes["horizontal_axis"] / (FACTORS["horizontal_axis"] - 1),
        codes["vertical_axis"] / (FACTORS["vertical_axis"] - 1),
        image_size=image_size,
    )
    return factor_bunch(images, labels, FACTORS, shared, DESCR)
