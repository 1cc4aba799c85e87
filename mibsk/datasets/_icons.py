"""Icons and the words for them."""

import json
import os
import re
import tarfile
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import Bunch

from .._checks.parameters import check_scalar, suggest
from ._captioned import Side, captioned_bunch
from ._data_file import DataFile, DataFileError, local_file, read_data_file
from ._names import check_names
from .rendering import render_paths

VERSION = "7.4.47"
PACKAGE = DataFile(
    url=f"https://registry.npmjs.org/@mdi/svg/-/svg-{VERSION}.tgz",
    local=PurePosixPath("icons", f"mdi-svg-{VERSION}.tgz"),
    cached=f"mdi-svg-{VERSION}.tgz",
    checksum="sha256:de92e5dc9ce46c392ab5c53aa7190b19f82b40cb48872a083f788c7e13e91fef",
)
IMAGES = DataFile(
    url=None,
    local=PurePosixPath("icons", "images48.npz"),
    checksum="sha256:c4a38105c3d7d4382e2ea6c232198704e34efcb035074374b9a33772f097b163",
)
WORDS = DataFile(
    url=None,
    local=PurePosixPath("icons", "words.json"),
    checksum="sha256:c305a17095e2a23605a0bd34ad99dd99e6e78c0e0e59a93d17ba8e56ad9ba6c6",
)
FEATURES = DataFile(
    url=None,
    local=PurePosixPath("icons", "tower_features.npz"),
    checksum="sha256:23dfa93a493912017c06f5ee699cd63b1579bc021ba605cc8abab09dc67069bd",
)
MODALITIES = {"image": "image", "text": "text", "image_features": "image", "text_features": "text"}
TEXTS = ("all", "names")
SIDE = 48  # pixels
VIEW = 24  # units of the paths
PATH = re.compile(r'<path[^>]*\sd="([^"]*)"')

DESCR = f"""\
Icons and words.

What: 7,188 icons drawn by people, {{side}}x{{side}} pixels, with their names, other names (aliases)
and tags. Icons with one base, such as an icon and its outline, are one group: a random split would
have nearly the same picture in both parts. There are 2,173 bases.
{{features}}Source: npm package @mdi/svg of Pictogrammers, https://pictogrammers.com; icons that are
marked as deprecated are left out.
Version: {VERSION}.
Licence: Apache License 2.0.
Pairing: by instance; {{rows}}
"""
ABOUT_FEATURES = """\
Features: image_features are 1,280 means over the last map of EfficientNet-Lite0 of the icon at 128
pixels; text_features are 384 means over the tokens of MiniLM-L6 of all words, of unit norm.
"""
ROWS = {
    "all": "one row for each icon, whose text is all of its words.",
    "names": "one row for each name of an icon. The kind of name belongs to the text alone.",
}


class Icons(NamedTuple):
    """Pictures and words of n icons."""

    images: NDArray[np.uint8]  # (n, 48, 48)
    words: list[dict]  # with name, aliases, tags, and base


def fetch_icons(
    path: str | os.PathLike[str] | None = None,
    *,
    modalities: Sequence[str] = ("image", "text"),
    texts: str = "all",
    image_size: int = SIDE,
    data_home: str | os.PathLike[str] | None = None,
    download: bool = True,
) -> Bunch:
    """Fetch icons and the words for them: pictures that people search by words daily.

    The icons of Pictogrammers [1]_ that are not deprecated. They are drawn from the paths in the
    SVG files of the package; a folder that holds ``icons/images48.npz`` and ``icons/words.json`` is
    read instead if there is one. Both have the same words, and pictures that differ by 0.2 of 255
    grey levels on average.

    The files are searched in `path`, in the folder named by the environment variable
    ``MIBSK_DATA`` (in its folder ``icons``) and in the cache; the package is otherwise downloaded
    into the cache (1.4 MB). Features, the outputs of pretrained networks, cannot be downloaded:
    ``icons/tower_features.npz`` must be in one of these folders. The SHA-256 of files is verified
    in each case.

    Parameters
    ----------
    path : path-like, default=None
        A folder that holds the files, or a folder ``icons`` with them. Then nothing is downloaded.
    modalities : sequence of str, default=("image", "text")
        Modalities to return, in this order: also ``"image_features"`` and ``"text_features"``.
    texts : {"all", "names"}, default="all"
        ``"all"``: one row for each icon, whose text is its name, aliases and tags, separated by
        commas. ``"names"``: one row for each name or alias of an icon, to describe icons or to
        find them by one name.
    image_size : int, default=48
        Side of the pictures in pixels. Pictures of another size than 48 are drawn from the package,
        as ``icons/images48.npz`` does not have them.
    data_home : path-like, default=None
        Folder of the cache; by default the operating system's cache folder.
    download : bool, default=True
        Whether to download the package if it is not found.

    Returns
    -------
    bunch : Bunch
        ``data`` : Modalities with ``"image"``, uint8 of shape (n, image_size, image_size), 0 for
        paper and 255 for ink; ``"text"``, strings of shape (n,); ``"image_features"``, float32 of
        shape (n, 1280); and ``"text_features"``, float32 of shape (n, 384), those of all words. n
        is 7,188 with all words, and 14,144 with names.

        ``labels`` : dict of modality to DataFrame with the columns ``picture`` and ``base``, the
        number of the icon that an icon varies; with names, that of text also has ``kind``, which is
        "name" or "alias".

        ``picture`` : ndarray of int, the number of the icon of each row; ``groups`` : ndarray of
        int, its base, which :func:`split_bunch` keeps together.

        ``shared``, ``nuisances`` : lists of factor names; ``DESCR`` : str.

    Raises
    ------
    FileNotFoundError
        If `path` does not hold a file, or a file is not found and cannot be downloaded.
    OSError
        If the download fails, or a file has another checksum.
    TypeError
        If `modalities` is a single string, or `image_size` is not a whole number.
    ValueError
        If `modalities` is empty, repeats a name or has an unknown one, `texts` is unknown,
        `image_size` is below 1, or features of texts are asked for with names, of which there are
        none.

    References
    ----------
    .. [1] Pictogrammers, "Material Design Icons", https://pictogrammers.com/library/mdi

    Examples
    --------
    >>> from mibsk.datasets import fetch_icons, split_bunch
    >>> icons = fetch_icons()  # doctest: +SKIP
    >>> icons.data["image"].shape, icons.data["text"][1]  # doctest: +SKIP
    ((7188, 48, 48), 'abacus, Math')
    >>> train, test = split_bunch(icons, test_size=0.2, random_state=0)  # doctest: +SKIP
    >>> set(train.groups) & set(test.groups)  # doctest: +SKIP
    set()
    """
    modalities = check_names("modalities", "modality", modalities, MODALITIES)
    if texts not in TEXTS:
        raise ValueError(f"texts must be one of {TEXTS}, got {texts!r}." + suggest(texts, TEXTS))
    if texts == "names" and "text_features" in modalities:
        raise ValueError(
            "text_features are those of all words of an icon: pass texts='all' to have them."
        )
    check_scalar("image_size", image_size, low=1, integer=True)
    icons = _icons(path, data_home, image_size, download=download)
    of_image: dict[str, np.ndarray] = {"image": icons.images}
    of_text: dict[str, np.ndarray] = {}
    with_features = any(name.endswith("_features") for name in modalities)
    if with_features:
        for name, features in read_data_file(
            FEATURES, _read_features, path=path, data_home=data_home, download=False
        ).items():
            side = of_image if MODALITIES[name] == "image" else of_text
            side[name] = features
    strings, picture, kinds = _texts(icons.words, texts)
    of_text["text"] = np.array(strings, dtype=object)
    bases = pd.factorize(pd.Series([icon["base"] for icon in icons.words]))[0]
    return captioned_bunch(
        Side(of_image, pd.DataFrame({"base": bases})),
        Side(of_text, pd.DataFrame({"kind": kinds} if texts == "names" else {})),
        np.array(picture, dtype=np.intp),
        bases,
        modalities=modalities,
        shared=["base"],
        nuisances=["kind"] if texts == "names" else [],
        about=DESCR.format(
            side=image_size, rows=ROWS[texts], features=ABOUT_FEATURES if with_features else ""
        ),
    )


def _icons(
    path: str | os.PathLike[str] | None,
    data_home: str | os.PathLike[str] | None,
    image_size: int,
    *,
    download: bool,
) -> Icons:
    """Return the icons of a local copy of pictures and words, or else of the package."""
    if image_size == SIDE and local_file(IMAGES, path) and not local_file(PACKAGE, path):
        images = read_data_file(IMAGES, _read_images, path=path, data_home=None, download=False)
        words = read_data_file(WORDS, _read_json, path=path, data_home=None, download=False)
        return Icons(images, words)
    read = partial(_read_package, image_size=image_size)
    return read_data_file(PACKAGE, read, path=path, data_home=data_home, download=download)


def _read_package(file: Path, *, image_size: int) -> Icons:
    """Draw the icons of the npm package, and return them with their words."""
    try:
        with tarfile.open(file) as archive:
            content = {
                PurePosixPath(member.name).name: archive.extractfile(member).read()  # type: ignore[union-attr]
                for member in archive
                if member.isfile() and member.name.endswith((".svg", "/meta.json"))
            }
        icons = [icon for icon in json.loads(content["meta.json"]) if not icon["deprecated"]]
        paths = [PATH.search(content[f"{icon['name']}.svg"].decode())[1] for icon in icons]  # type: ignore[index]
        images = render_paths(paths, view=VIEW, image_size=image_size)
    except (tarfile.TarError, zlib.error, EOFError, KeyError, TypeError, ValueError) as error:
        raise DataFileError(f"is damaged or not the package @mdi/svg ({error!r})") from error
    words = [
        {
            "name": icon["name"].replace("-", " "),
            "aliases": [alias.replace("-", " ") for alias in icon["aliases"]],
            "tags": icon["tags"],
            "base": icon["baseIconId"],
        }
        for icon in icons
    ]
    return Icons(images, words)


def _texts(words: list[dict], texts: str) -> tuple[list[str], list[int], list[str]]:
    """Return the texts, the icon of each, and its kind."""
    if texts == "all":
        joined = [", ".join([icon["name"], *icon["aliases"], *icon["tags"]]) for icon in words]
        return joined, list(range(len(words))), []
    rows = [
        (name, number, "alias" if i else "name")
        for number, icon in enumerate(words)
        for i, name in enumerate([icon["name"], *icon["aliases"]])
    ]
    strings, picture, kinds = (list(column) for column in zip(*rows, strict=True))
    return strings, picture, kinds


def _read_images(file: Path) -> NDArray[np.uint8]:
    with np.load(file) as arrays:
        return arrays["images"]


def _read_json(file: Path) -> list[dict]:
    return json.loads(file.read_bytes())


def _read_features(file: Path) -> dict[str, NDArray[np.float32]]:
    with np.load(file) as arrays:
        return {f"{side}_features": arrays[side].astype(np.float32) for side in ("image", "text")}
