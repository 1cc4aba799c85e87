"""Colour drawings of Open Clip Art with titles, descriptions and keywords."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from .._checks.parameters import check_scalar
from ..files.digest import sha256_of
from ._captioned import Side, captioned_bunch
from ._data_file import DataFile, read_data_file
from ._image_files import ImageFiles
from ._names import check_names

CAPTIONS = DataFile(
    url=None,
    local=PurePosixPath("openclipart", "captions.json"),
    checksum="sha256:4564817c389d149a30c4718f5ff7c2fedb4e689525732107a2a2440f0768b05a",
)
FEATURES = DataFile(
    url=None,
    local=PurePosixPath("openclipart", "features.npz"),
    checksum="sha256:24a6705f1f105dfb796148cae3f5fbee6c476ea57b9a26da1dd4e9c3410add6e",
)
# output of `LC_ALL=C sha256sum *.jpg | sha256sum` in the folder of the images
IMAGES_CHECKSUM = "7d21bc74ceaabaabf8ff073651d7b8d8a3a153d06a9b2e24ed24f05bf2616dab"
SIDE = 128  # pixels, of the longer side of the files
MODALITIES = {  # name in the file of features
    "image": "",
    "text": "",
    "image_features": "image_pooled",
    "image_map": "map_pca64",
    "text_features": "caption_emb",
}

DESCR = """\
Open Clip Art: drawings with titles, descriptions and keywords.

What: 1,962 colour drawings by 442 people, and the 4,601 texts that these wrote for them: a title, a
description of some, and a list of keywords. They are noisy: some titles are in other languages, and
some keywords are wrong. Drawings of one creator are one group, since series of similar drawings
would otherwise be in both parts of a split.
{features}Source: Debian's package openclipart; https://openclipart.org.
Version: 0.18.
Licence: public domain; every file states this dedication.
Pairing: by instance; one row for each text. Creator and category are known of the drawing; the kind
of text, title, description or keywords, belongs to the text alone.
"""
ABOUT_FEATURES = """\
Features: the last map of EfficientNet-Lite0 of the drawing at 224 pixels, as 1,280 means
(image_features) and as 7x7 positions of 64 principal components (image_map); text_features are 384
means over the tokens of MiniLM-L6.
"""


def fetch_openclipart(
    path: str | os.PathLike[str] | None = None,
    *,
    modalities: Sequence[str] = ("image", "text"),
    image_size: int = 64,
) -> Bunch:
    """Read drawings of Open Clip Art with several texts each, written by their creators.

    Drawings [1]_ in the public domain, with titles, descriptions and keywords as people write them.
    They are a selection from Debian's packages of the whole library, and cannot be downloaded as
    one file: the folder ``openclipart`` with ``captions.json``, ``images`` and, for features,
    ``features.npz`` must be in `path` or in the folder named by the environment variable
    ``MIBSK_DATA``. The SHA-256 of all files is verified. Reading images needs Pillow:
    ``pip install pillow``.

    Parameters
    ----------
    path : path-like, default=None
        A folder that holds the files, or a folder ``openclipart`` with them.
    modalities : sequence of str, default=("image", "text")
        Modalities to return, in this order: also ``"image_features"``, ``"image_map"`` and
        ``"text_features"``, the outputs of pretrained networks.
    image_size : int, default=64
        Side of the images in pixels, 8 to 128; drawings that are not square are padded with white.

    Returns
    -------
    bunch : Bunch
        ``data`` : Modalities of 4,601 rows, one for each text, with ``"image"``, uint8 of shape
        (4601, image_size, image_size, 3); ``"text"``, strings of shape (4601,);
        ``"image_features"``, float32 of shape (4601, 1280); ``"image_map"``, float32 of shape
        (4601, 7, 7, 64); and ``"text_features"``, float32 of shape (4601, 384).
        :func:`one_per_picture` returns one row for each drawing.

        ``labels`` : dict of modality to DataFrame with the columns ``picture``, ``category`` (its
        name) and ``creator`` (0 to 441); that of text also has ``kind``, which is "title",
        "description" or "keywords".

        ``picture`` : ndarray of int, the number of the drawing of each row; ``groups`` : ndarray
        of int, its creator, which :func:`split_bunch` keeps together.

        ``shared``, ``nuisances`` : lists of factor names; ``DESCR`` : str.

    Raises
    ------
    NotInstalledError
        If Pillow is not installed.
    FileNotFoundError
        If a file is not found.
    OSError
        If a file has another checksum, or images are missing or others.
    TypeError
        If `modalities` is a single string.
    ValueError
        If `modalities` is empty, repeats a name or has an unknown one, or `image_size` is out of
        range.

    References
    ----------
    .. [1] Open Clip Art Library, https://openclipart.org

    Examples
    --------
    >>> from mibsk.datasets import fetch_openclipart, one_per_picture
    >>> drawings = fetch_openclipart(modalities=["image_map", "text"])  # doctest: +SKIP
    >>> drawings.data["image_map"].shape  # doctest: +SKIP
    (4601, 7, 7, 64)
    >>> one_per_picture(drawings).references[1]  # doctest: +SKIP
    ['Architetto Francesco Rollandin', 'architetto francesco rollandin, animal']
    """
    modalities = check_names("modalities", "modality", modalities, MODALITIES)
    check_scalar("image_size", image_size, low=8, high=SIDE + 1, integer=True)

    def read(file: DataFile, reader):  # type: ignore[no-untyped-def]
        return read_data_file(file, reader, path=path, data_home=None, download=False)

    entries, folder = read(CAPTIONS, _read_captions)
    of_image: dict[str, np.ndarray] = {}
    of_text: dict[str, np.ndarray] = {}
    if "image" in modalities:
        of_image["image"] = _read_images(entries, folder, image_size)
    if named := [name for name in modalities if MODALITIES[name]]:
        features = read(FEATURES, _read_features)
        for name in named:
            (of_image if name.startswith("image") else of_text)[name] = features[name]
    texts = [
        (text, number, _kind(entry, i))
        for number, entry in enumerate(entries)
        for i, text in enumerate(entry["captions"])
    ]
    strings, picture, kinds = (list(column) for column in zip(*texts, strict=True))
    of_text["text"] = np.array(strings, dtype=object)
    drawings = pd.DataFrame(
        {key: [entry[key] for entry in entries] for key in ("category", "creator")}
    )
    return captioned_bunch(
        Side(of_image, drawings),
        Side(of_text, pd.DataFrame({"kind": kinds})),
        np.array(picture, dtype=np.intp),
        drawings["creator"],
        modalities=modalities,
        shared=["category", "creator"],
        nuisances=["kind"],
        about=DESCR.format(features=ABOUT_FEATURES if named else ""),
    )


def _kind(entry: dict, number: int) -> str:
    """Return the kind of a text: the title is first, and keywords are last if there are any."""
    if number == 0:
        return "title"
    is_last = number == len(entry["captions"]) - 1
    return "keywords" if is_last and entry["keywords"] else "description"


def _read_captions(file: Path) -> tuple[list[dict], Path]:
    return json.loads(file.read_bytes()), file.parent / "images"


def _read_images(entries: list[dict], folder: Path, image_size: int) -> np.ndarray:
    """Return the images (n, image_size, image_size, 3), if all are there and are the expected."""
    files = [folder / entry["image"] for entry in entries]
    if missing := [file for file in files if not file.is_file()]:
        raise FileNotFoundError(
            f"{len(missing)} of {len(files)} images are missing, such as {missing[0]}: copy the "
            "folder openclipart again."
        )
    lines = (f"{sha256_of(file)}  {file.name}\n" for file in files)
    actual = hashlib.sha256("".join(lines).encode()).hexdigest()
    if actual != IMAGES_CHECKSUM:
        raise OSError(
            f"the images in {folder} are damaged or others: the checksum of their checksums is "
            f"{actual}, expected {IMAGES_CHECKSUM}. Copy the folder openclipart again."
        )
    return ImageFiles(files, image_size=image_size, resize="pad")[:]


def _read_features(file: Path) -> dict[str, np.ndarray]:
    with np.load(file) as arrays:
        return {
            name: arrays[stored].astype(np.float32) for name, stored in MODALITIES.items() if stored
        }
