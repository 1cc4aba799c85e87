"""Reader of the published file of dSprites."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from sklearn.utils import Bunch, check_random_state

from .._data_file import DataFile
from .._factors import check_n_samples, draw_rows, factor_bunch
from .._names import check_names
from .._sprites import FACTORS
from ._file import read_published
from ._npz import npz_length, read_npz_array, read_npz_rows

N_IMAGES = 737_280
IMAGE_SHAPE = (64, 64)

COMMIT = "fa310c66517cfc1939d77fe17c725154efc97127"
NAME = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
FILE = DataFile(
    url=f"https://github.com/google-deepmind/dsprites-dataset/raw/{COMMIT}/{NAME}",
    local=PurePosixPath("dsprites", NAME),
    cached=NAME,
    checksum="md5:7da33b31b13a06f4b04a70402ce90c2e",
)

DESCR = f"""\
dSprites.

What: {{n_samples}} images of {{image_size}}x{{image_size}} pixels, one white shape on black, and a
one-hot code of these factors: {{shared}}.
The factors: shape 3 (square, ellipse, heart), scale 6 from 0.5 to 1, orientation 40 in [0, 2 pi),
pos_x 32 and pos_y 32 from 0 to 1. The published file has every combination once.
Source: L. Matthey, I. Higgins, D. Hassabis, A. Lerchner (2017),
https://github.com/google-deepmind/dsprites-dataset.
Version: commit {COMMIT}, or as in the file that was given.
Licence: Apache License 2.0.
Pairing: by instance; row i of both modalities is the same sprite.
"""


def load_dsprites(
    path: str | os.PathLike[str] | None = None,
    *,
    n_samples: int | None = None,
    shared: Sequence[str] = ("shape", "scale", "pos_x"),
    random_state: int | np.random.RandomState | None = None,
    data_home: str | os.PathLike[str] | None = None,
    download: bool = True,
) -> Bunch:
    """Load sprites of dSprites, paired with a code of some of their factors.

    The modality ``"image"`` shows all five factors of dSprites [1]_; the modality ``"factors"`` is
    a one-hot code of the `shared` ones. :func:`make_sprites`, which renders similar sprites without
    a file, describes the factors. The images are decompressed a few at a time, and only those that
    are drawn are kept.

    Without `path`, the file is searched in the folder named by the environment variable
    ``MIBSK_DATA`` (in ``dsprites``, under its published name) and in the cache, and otherwise
    downloaded into the cache. Its checksum is verified, unless `path` is a file.

    Parameters
    ----------
    path : path-like, default=None
        A local file in the format of dSprites, or a folder that holds the published one. Then
        nothing is downloaded.
    n_samples : int, default=None
        Number of sprites, drawn without replacement; by default all 737,280 in the order of the
        file (3 GB).
    shared : sequence of str, default=("shape", "scale", "pos_x")
        Factors in ``"factors"``. If all five are shared, there are no nuisances.
    random_state : int, RandomState instance or None, default=None
        Draws the sprites.
    data_home : path-like, default=None
        Folder of the cache; by default the operating system's cache folder.
    download : bool, default=True
        Whether to download a file that is not found.

    Returns
    -------
    bunch : Bunch
        The fields of :func:`make_sprites`. The images are uint8 of shape (n_samples, 64, 64),
        0 for black and 255 for white.

    Raises
    ------
    FileNotFoundError
        If there is no file at `path`, or the file is not found and `download` is False.
    OSError
        If the download fails, or a copy of the published file has another checksum.
    ValueError
        If the file at `path` is not in the format of dSprites, `n_samples` is not between 1 and
        its number of sprites, or `shared` is empty, repeats a factor or names an unknown one.
    TypeError
        If `shared` is a single string, or `n_samples` is not an integer.

    References
    ----------
    .. [1] L. Matthey, I. Higgins, D. Hassabis, A. Lerchner, "dSprites: Disentanglement testing
       Sprites dataset", 2017. https://github.com/google-deepmind/dsprites-dataset

    Examples
    --------
    >>> from mibsk.datasets import load_dsprites
    >>> sprites = load_dsprites(n_samples=5000, random_state=0)  # doctest: +SKIP
    >>> sprites.data["image"].shape  # doctest: +SKIP
    (5000, 64, 64)
    """
    shared = check_names("shared", "factor", shared, FACTORS)
    check_n_samples(n_samples, N_IMAGES)
    rng = check_random_state(random_state)

    def read(file: Path) -> tuple[np.ndarray, pd.DataFrame]:
        return _read(file, n_samples, rng)

    images, labels = read_published(FILE, read, path=path, data_home=data_home, download=download)
    return factor_bunch(images, labels, FACTORS, shared, DESCR)


def _read(
    file: Path, n_samples: int | None, rng: np.random.RandomState
) -> tuple[np.ndarray, pd.DataFrame]:
    """Read images and factors of some sprites."""
    length = npz_length(file, "imgs", IMAGE_SHAPE, np.uint8)
    classes = read_npz_array(file, "latents_classes", (6,), np.integer)
    if length != len(classes):
        raise ValueError(
            f"{file} must hold as many images as rows of classes, got {length} and {len(classes)}."
        )
    rows = draw_rows(length, n_samples, rng)
    classes = classes[rows]
    sizes = np.array(
        [1, *FACTORS.values()]
    )  # the first column is the colour, which is always white
    if (classes < 0).any() or (classes >= sizes).any():
        raise ValueError(
            f"{file} must hold classes of colour, {', '.join(FACTORS)} from 0 to below "
            f"{sizes.tolist()}, got some from {classes.min(axis=0).tolist()} to "
            f"{classes.max(axis=0).tolist()}."
        )
    images = read_npz_rows(file, "imgs", rows, IMAGE_SHAPE, np.uint8)
    if images.max() > 1:
        raise ValueError(
            f"{file} must hold images of 0 and 1, got {images.max()}: it does not have the "
            "format of dSprites."
        )
    images *= 255
    return images, pd.DataFrame(classes[:, 1:].astype(np.int64), columns=list(FACTORS))
