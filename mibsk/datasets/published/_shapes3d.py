"""Reader of the published file of 3D Shapes."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from types import ModuleType

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import Bunch, check_random_state

from ..._checks.packages import not_installed
from .._data_file import DataFile
from .._factors import check_n_samples, draw_rows, factor_bunch
from .._names import check_names
from .._room import FACTORS
from ._file import read_published

N_IMAGES = 480_000
IMAGE_SHAPE = (64, 64, 3)
ROWS_AT_A_TIME = (
    256,
    8192,
)  # smallest and largest number of images read together, which bounds the memory

FILE = DataFile(
    url="https://storage.googleapis.com/3d-shapes/3dshapes.h5",
    local=PurePosixPath("shapes3d", "3dshapes.h5"),
    cached="3dshapes.h5",
    checksum="sha256:0a0f6ed98baff276a50f3a081a7434d788da63cb135a98189b2a5b5769be1785",
)

DESCR = """\
3D Shapes.

What: {n_samples} RGB images of {image_size}x{image_size} pixels, an object in a room, and a
one-hot code of these factors: {shared}.
The factors: floor_hue 10, wall_hue 10 and object_hue 10 from 0 to 0.9, scale 8 from 0.75 to 1.25,
shape 4 (cube, cylinder, sphere, capsule), orientation 15 from -30 to 30 degrees. The published
file has every combination once.
Source: C. Burgess, H. Kim (2018), https://github.com/google-deepmind/3d-shapes.
Version: the only one.
Licence: Apache License 2.0.
Pairing: by instance; row i of both modalities is the same room.
"""


def load_shapes3d(
    path: str | os.PathLike[str] | None = None,
    *,
    n_samples: int | None = None,
    shared: Sequence[str] = ("object_hue", "scale", "shape"),
    random_state: int | np.random.RandomState | None = None,
    data_home: str | os.PathLike[str] | None = None,
    download: bool = True,
) -> Bunch:
    """Load rooms of 3D Shapes, paired with a code of some of their factors.

    The modality ``"image"`` shows all six factors of 3D Shapes [1]_; the modality ``"factors"`` is
    a one-hot code of the `shared` ones. :func:`make_room`, which renders similar rooms without a
    file, describes the factors. The file contains the values of the factors; a label is the rank of
    a value among all values of its factor in the file. The images are decompressed a few at a time,
    and only those that are drawn are kept. Reading needs h5py: ``pip install h5py``.

    Without `path`, the file is searched in the folder named by the environment variable
    ``MIBSK_DATA`` (as ``shapes3d/3dshapes.h5``) and in the cache, and otherwise downloaded into the
    cache (268 MB). Its checksum is verified, unless `path` is a file.

    Parameters
    ----------
    path : path-like, default=None
        A local file in the format of 3D Shapes, or a folder that holds the published one. Then
        nothing is downloaded.
    n_samples : int, default=None
        Number of rooms, drawn without replacement; by default all 480,000 in the order of the file
        (5.9 GB).
    shared : sequence of str, default=("object_hue", "scale", "shape")
        Factors in ``"factors"``. If all six are shared, there are no nuisances.
    random_state : int, RandomState instance or None, default=None
        Draws the rooms.
    data_home : path-like, default=None
        Folder of the cache; by default the operating system's cache folder.
    download : bool, default=True
        Whether to download a file that is not found.

    Returns
    -------
    bunch : Bunch
        The fields of :func:`make_room`. The images are uint8 of shape (n_samples, 64, 64, 3).

    Raises
    ------
    NotInstalledError
        If h5py is not installed.
    FileNotFoundError
        If there is no file at `path`, or the file is not found and `download` is False.
    OSError
        If the download fails, or a copy of the published file has another checksum.
    ValueError
        If the file at `path` is not in the format of 3D Shapes, `n_samples` is not between 1 and
        its number of rooms, or `shared` is empty, repeats a factor or names an unknown one.
    TypeError
        If `shared` is a single string, or `n_samples` is not an integer.

    References
    ----------
    .. [1] C. Burgess, H. Kim, "3D Shapes Dataset", 2018.
       https://github.com/google-deepmind/3d-shapes

    Examples
    --------
    >>> from mibsk.datasets import load_shapes3d
    >>> rooms = load_shapes3d(n_samples=5000, random_state=0)  # doctest: +SKIP
    >>> rooms.data["image"].shape  # doctest: +SKIP
    (5000, 64, 64, 3)
    """
    shared = check_names("shared", "factor", shared, FACTORS)
    check_n_samples(n_samples, N_IMAGES)
    rng = check_random_state(random_state)
    h5py = _import_h5py()

    def read(file: Path) -> tuple[np.ndarray, pd.DataFrame]:
        try:
            with h5py.File(file, "r") as content:
                return _read(file, content, n_samples, rng)
        except (OSError, RuntimeError) as error:
            raise ValueError(
                f"{file} is not an HDF5 file, or it is damaged ({error}). Download it again."
            ) from error

    images, labels = read_published(FILE, read, path=path, data_home=data_home, download=download)
    return factor_bunch(images, labels, FACTORS, shared, DESCR)


def _import_h5py() -> ModuleType:
    try:
        import h5py
    except ImportError as error:
        raise not_installed("to read 3D Shapes", "h5py") from error
    return h5py


def _read(
    file: Path, content: dict, n_samples: int | None, rng: np.random.RandomState
) -> tuple[np.ndarray, pd.DataFrame]:
    """Read images and factors of some rooms."""
    expected = {"images": (IMAGE_SHAPE, np.uint8), "labels": ((len(FACTORS),), np.floating)}
    for name, (row_shape, kind) in expected.items():
        shape = getattr(content.get(name), "shape", None)
        if shape is None or shape[1:] != row_shape or not np.issubdtype(content[name].dtype, kind):
            what = "nothing" if shape is None else f"{content[name].dtype} of shape {shape}"
            raise ValueError(
                f"{file} must hold uint8 'images' of shape (n, 64, 64, 3) and float64 'labels' of "
                f"shape (n, 6), got {what} as {name!r}."
            )
    images, values = content["images"], content["labels"]
    if len(images) != len(values) or not 0 < len(images) <= N_IMAGES:
        raise ValueError(
            f"{file} must hold as many images as rows of labels, from 1 to {N_IMAGES}, got "
            f"{len(images)} and {len(values)}."
        )
    codes = _classes(file, values[:])
    rows = draw_rows(len(images), n_samples, rng)
    return _read_rows(images, rows), codes.iloc[rows].reset_index(drop=True)


def _classes(file: Path, values: NDArray[np.floating]) -> pd.DataFrame:
    """Return the rank of each value, (n, 6), among the values of its factor."""
    columns = {}
    for (name, size), column in zip(FACTORS.items(), values.T, strict=True):
        known, codes = np.unique(column, return_inverse=True)
        if len(known) > size or not np.isfinite(known).all():
            raise ValueError(
                f"{file} must hold at most {size} values of {name}, all of them finite, got "
                f"{len(known)} from {known[0]} to {known[-1]}."
            )
        columns[name] = codes
    return pd.DataFrame(columns)


def _read_rows(images: np.ndarray, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Read some rows of an HDF5 dataset, whose compressed chunks span many rows."""
    order = np.argsort(rows)
    ordered = rows[order]
    chunks = getattr(images, "chunks", None)
    at_a_time = int(np.clip(chunks[0] if chunks else 0, *ROWS_AT_A_TIME))
    found = np.empty((len(rows), *IMAGE_SHAPE), dtype=np.uint8)
    for start in range(0, len(images), at_a_time):
        first, last = np.searchsorted(ordered, [start, start + at_a_time])
        if first < last:
            some = ordered[first:last]
            found[order[first:last]] = images[some[0] : some[-1] + 1][some - some[0]]
    return found
