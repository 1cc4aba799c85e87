"""Reader of the published files of MPI3D."""

import os
from collections.abc import Sequence
from math import prod
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from sklearn.utils import Bunch, check_random_state

from ..._checks.parameters import suggest
from .._arm import FACTORS
from .._data_file import DataFile
from .._factors import check_n_samples, draw_rows, factor_bunch
from .._names import check_names
from ._file import read_published
from ._npz import npz_length, read_npz_rows

IMAGE_SHAPE = (64, 64, 3)

HOME = "https://storage.googleapis.com/disentanglement_dataset/Final_Dataset"
CHECKSUMS = {
    "toy": "md5:55889cb7c7dfc655d6e0277beee88868",
    "realistic": "md5:59a6225b88b635365f70c91b3e52f70f",
    "real": "md5:0f33f609918fb5c97996692f91129802",
}

DESCR = """\
MPI3D, {variant}.

What: {{n_samples}} RGB images of {{image_size}}x{{image_size}} pixels, a robot arm that holds an
object, and a one-hot code of these factors: {{shared}}.
The factors: object_color 6 (white, green, red, blue, brown, olive), object_shape 6 (cone, cube,
cylinder, hexagonal prism, pyramid, sphere), object_size 2, camera_height 3 (top, center, bottom),
background_color 3 (purple, sea green, salmon), horizontal_axis 40 and vertical_axis 40. The
published file has every combination once.
Source: M. W. Gondal et al. (2019), https://github.com/rr-learning/disentanglement_dataset.
Version: the final one of 1,036,800 images.
Licence: CC BY 4.0.
Pairing: by instance; row i of both modalities is the same arm.
"""


def load_mpi3d(
    path: str | os.PathLike[str] | None = None,
    *,
    variant: str = "toy",
    n_samples: int | None = None,
    shared: Sequence[str] = ("object_color", "object_shape", "horizontal_axis"),
    random_state: int | np.random.RandomState | None = None,
    data_home: str | os.PathLike[str] | None = None,
    download: bool = True,
) -> Bunch:
    """Load images of a robot arm of MPI3D, paired with a code of some of their factors.

    The modality ``"image"`` shows all seven factors of MPI3D [1]_; the modality ``"factors"`` is a
    one-hot code of the `shared` ones. :func:`make_arm`, which renders similar arms without a file,
    describes the factors. The images are decompressed a few at a time, and only those that are
    drawn are kept, but all images up to the last one drawn are read (12.7 GB if it is the last).

    Without `path`, the file is searched in the folder named by the environment variable
    ``MIBSK_DATA`` (in ``mpi3d``, under its published name) and in the cache, and otherwise
    downloaded into the cache (several gigabytes). Its checksum is verified, unless `path` is a
    file.

    Parameters
    ----------
    path : path-like, default=None
        A local file in the format of MPI3D, or a folder that holds the published one. Nothing is
        downloaded then.
    variant : {"toy", "realistic", "real"}, default="toy"
        Published file of simple renderings, realistic renderings or photographs. Ignored if `path`
        is a file, except in ``DESCR``.
    n_samples : int, default=None
        Number of images, drawn without replacement; by default all 1,036,800 in the order of the
        file (12.7 GB).
    shared : sequence of str, default=("object_color", "object_shape", "horizontal_axis")
        Factors in ``"factors"``. If all seven are shared, there are no nuisances.
    random_state : int, RandomState instance or None, default=None
        Draws the images.
    data_home : path-like, default=None
        Folder of the cache; by default the operating system's cache folder.
    download : bool, default=True
        Whether to download a file that is not found.

    Returns
    -------
    bunch : Bunch
        The fields of :func:`make_arm`. The images are uint8 of shape (n_samples, 64, 64, 3).

    Raises
    ------
    FileNotFoundError
        If there is no file at `path`, or the file is not found and `download` is False.
    OSError
        If the download fails, or a copy of the published file has another checksum.
    ValueError
        If the file at `path` is not in the format of MPI3D, `variant` is unknown, `n_samples` is
        not between 1 and 1,036,800, or `shared` is empty, repeats a factor or names an unknown
        one.
    TypeError
        If `shared` is a single string, or `n_samples` is not an integer.

    References
    ----------
    .. [1] M. W. Gondal et al., "On the Transfer of Inductive Bias from Simulation to the Real
       World: a New Disentanglement Dataset", NeurIPS 2019. https://arxiv.org/abs/1906.03292

    Examples
    --------
    >>> from mibsk.datasets import load_mpi3d
    >>> arms = load_mpi3d(variant="real", n_samples=5000, random_state=0)  # doctest: +SKIP
    >>> arms.data["image"].shape  # doctest: +SKIP
    (5000, 64, 64, 3)
    """
    if not isinstance(variant, str) or variant not in CHECKSUMS:
        raise ValueError(
            f"variant must be one of {list(CHECKSUMS)}, got {variant!r}."
            + suggest(variant, CHECKSUMS)
        )
    shared = check_names("shared", "factor", shared, FACTORS)
    check_n_samples(n_samples, prod(FACTORS.values()))
    rng = check_random_state(random_state)

    def read(file: Path) -> tuple[np.ndarray, pd.DataFrame]:
        return _read(file, n_samples, rng)

    name = f"mpi3d_{variant}.npz"
    published = DataFile(
        url=f"{HOME}/{name}",
        local=PurePosixPath("mpi3d", name),
        cached=name,
        checksum=CHECKSUMS[variant],
    )
    images, labels = read_published(
        published, read, path=path, data_home=data_home, download=download
    )
    return factor_bunch(images, labels, FACTORS, shared, DESCR.format(variant=variant))


def _read(
    file: Path, n_samples: int | None, rng: np.random.RandomState
) -> tuple[np.ndarray, pd.DataFrame]:
    """Read some images; their factors follow from their row in the file."""
    sizes = tuple(FACTORS.values())
    length = npz_length(file, "images", IMAGE_SHAPE, np.uint8)
    if length != prod(sizes):
        raise ValueError(
            f"{file} must hold {prod(sizes)} images, one for each combination of "
            f"{dict(FACTORS)} the last factor varying fastest, got {length}."
        )
    rows = draw_rows(length, n_samples, rng)
    codes = np.unravel_index(rows, sizes)
    images = read_npz_rows(file, "images", rows, IMAGE_SHAPE, np.uint8)
    return images, pd.DataFrame(dict(zip(FACTORS, codes, strict=True)))
