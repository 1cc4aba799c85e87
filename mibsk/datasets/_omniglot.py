"""Handwritten characters of Omniglot, as images and pen strokes."""

import os
import re
import zipfile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from .._checks.parameters import check_scalar
from ..data import Modalities
from ._data_file import DataFile, read_data_file
from ._omniglot_images import SIDE, decode_drawings, shrink
from ._omniglot_strokes import STEPS_PER_STROKE, Pen, read_strokes, resample

COMMIT = "057f034baf2ecb8530bc5710e5a23584d2a519cc"
URL = f"https://raw.githubusercontent.com/brendenlake/omniglot/{COMMIT}/python"
CHECKSUMS = {
    "images_background_small1.zip": (
        "f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4"
    ),
    "images_background_small2.zip": (
        "3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f"
    ),
    "strokes_background_small1.zip": (
        "8cb3960fb6cf4ccf5f064ad83169f828c36c36782a0f6e7faacb7ecfae4468a2"
    ),
    "strokes_background_small2.zip": (
        "345bf2141efbea062833dbb2828abbc23d9e07825e46f2afdd4daecddfed6e78"
    ),
}
MEMBER = re.compile(
    r"[^/]+/(?P<alphabet>[^/]+)/character(?P<character>\d+)/\d+_(?P<drawer>\d+)\.(?:png|txt)"
)

MIN_STEPS = 29 * STEPS_PER_STROKE  # the largest number of strokes of a drawing is 29
N_DURATIONS = 8
MOST_STROKES = 4

DESCR = f"""\
Omniglot: images and pen strokes of handwritten characters.

What: 4,840 drawings of 242 characters of 8 alphabets (Balinese, Early Aramaic, Greek, Japanese
katakana, Korean, Latin, Sanskrit, Tagalog), each character drawn once by each of 20 drawers. The
image, {SIDE}x{SIDE} pixels of one bit in the source, is shrunk by taking means over areas. The pen
strokes, points in time in the source, are resampled evenly along their length.
Source: the two small background sets of Omniglot (Lake, Salakhutdinov and Tenenbaum 2015),
https://github.com/brendenlake/omniglot. Greek and Latin are in both, and are used once.
Version: commit {COMMIT}.
Licence: MIT.
Pairing: by instance; row i of both modalities is the same drawing. The image shows the path of the
pen, which the strokes contain as well. Duration and number of strokes are nuisances of the strokes.
Both are correlated with the image: a character has a typical number of strokes, and long lines take
long. Drawers are numbered within alphabets: whether one person drew two alphabets is not known.
"""


class Drawing(NamedTuple):
    """Identity of a drawing."""

    alphabet: str
    character: int
    drawer: int


def fetch_omniglot(
    path: str | os.PathLike[str] | None = None,
    *,
    data_home: str | os.PathLike[str] | None = None,
    download: bool = True,
    image_size: int = 28,
    n_steps: int = 64,
) -> Bunch:
    r"""Fetch handwritten characters: the image and the pen strokes of the same drawing.

    The two small background sets of Omniglot [1]_, at a pinned commit. Image and strokes share the
    character, its alphabet and the handwriting of the drawer. Nuisances of the strokes are the
    duration of the drawing and the number of strokes. They are correlated with the image, since a
    character has a typical number of strokes and long lines take long: their leakage is above 0
    even in a representation without any information that is specific to the strokes.

    The strokes have four channels over a fixed number of steps:

    =======  ===========================================================================
    channel  what
    =======  ===========================================================================
    0        x, in sides of the image, to the right
    1        y, in sides of the image, downwards
    2        time since the drawing began, as :math:`\log(1 + t)` of t in seconds
    3        1 at the first step of a stroke, else 0
    =======  ===========================================================================

    The steps are evenly spaced along the strokes, since the density of points in the source depends
    on the drawer's browser; time is kept as a channel. Start and end of each stroke are among its
    steps, so that duration and number of strokes are preserved: they are the maximum of channel 2,
    and the sum of channel 3.

    The four archives are searched in `path`, in the folder named by the environment variable
    ``MIBSK_DATA`` (in its folder ``omniglot``) and in the cache, and otherwise downloaded into the
    cache (10 MB). Their SHA-256 is verified in each case.

    Parameters
    ----------
    path : path-like, default=None
        A folder that holds the archives under their original names, or a folder ``omniglot`` with
        them. Then nothing is downloaded.
    data_home : path-like, default=None
        Folder of the cache; by default the operating system's cache folder.
    download : bool, default=True
        Whether to download archives that are not found.
    image_size : int, default=28
        Side of the images in pixels, 8 to 105.
    n_steps : int, default=64
        Number of steps of the strokes, at least 58: two for each stroke of the drawing with the
        most strokes.

    Returns
    -------
    bunch : Bunch
        ``data`` : Modalities with ``"image"``, uint8 of shape (4840, image_size, image_size), 0 for
        paper and 255 for ink, and ``"strokes"``, float32 of shape (4840, 4, n_steps). Rows are
        sorted by alphabet, character and drawer.

        ``labels`` : dict of modality to DataFrame. Both have the columns ``character`` (0 to 241),
        ``alphabet`` (its name) and ``drawer`` (0 to 159, 20 for each alphabet). ``"strokes"`` also
        has ``duration``, in 8 classes of equal size from short to long, and ``n_strokes``, 1 to 4,
        where 4 is four or more.

        ``shared`` : ``["character", "alphabet", "drawer"]``, which together identify the drawing;
        ``nuisances`` : ``["duration", "n_strokes"]``; ``DESCR`` : str.

    Raises
    ------
    FileNotFoundError
        If `path` does not hold an archive, or an archive is not found and `download` is False.
    OSError
        If the download fails, or an archive has another checksum.
    ValueError
        If `image_size` or `n_steps` is out of range.

    References
    ----------
    .. [1] B. M. Lake, R. Salakhutdinov, J. B. Tenenbaum, "Human-level concept learning through
       probabilistic program induction", Science 350 (6266), 2015.
       https://doi.org/10.1126/science.aab3050

    Examples
    --------
    >>> from mibsk.datasets import fetch_omniglot
    >>> characters = fetch_omniglot()  # doctest: +SKIP
    >>> characters.data["image"].shape, characters.data["strokes"].shape  # doctest: +SKIP
    ((4840, 28, 28), (4840, 4, 64))
    >>> characters.nuisances  # doctest: +SKIP
    ['duration', 'n_strokes']
    """
    check_scalar("image_size", image_size, low=8, high=SIDE + 1, integer=True)
    check_scalar("n_steps", n_steps, low=MIN_STEPS, integer=True)
    members: dict[str, dict[Drawing, bytes]] = {"images": {}, "strokes": {}}
    for name in CHECKSUMS:
        found = read_data_file(
            DataFile(
                url=f"{URL}/{name}",
                local=PurePosixPath("omniglot", name),
                cached=f"omniglot-{name}",
                checksum=f"sha256:{CHECKSUMS[name]}",
            ),
            _read_archive,
            path=path,
            data_home=data_home,
            download=download,
        )
        members[name.split("_")[0]] |= found  # two alphabets are in both sets, with equal files
    drawings = sorted(members["images"])
    images = decode_drawings(members["images"][drawing] for drawing in drawings)
    pen = read_strokes([members["strokes"][drawing] for drawing in drawings])
    labels = _labels(drawings)
    return Bunch(
        data=Modalities({"image": shrink(images, image_size), "strokes": _channels(pen, n_steps)}),
        labels={"image": labels, "strokes": labels.assign(**_pen_labels(pen))},
        shared=list(labels),
        nuisances=["duration", "n_strokes"],
        DESCR=DESCR,
    )


def _read_archive(file: Path) -> dict[Drawing, bytes]:
    """Return the files of the drawings in an archive."""
    found = {}
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if match := MEMBER.fullmatch(member.filename):
                alphabet, character, drawer = match.groups()
                found[Drawing(alphabet, int(character), int(drawer))] = archive.read(member)
    return found


def _labels(drawings: list[Drawing]) -> pd.DataFrame:
    """Return the labels that both modalities share; `drawings` are sorted."""
    table = pd.DataFrame(drawings, columns=list(Drawing._fields))
    return pd.DataFrame(
        {
            "character": table.groupby(["alphabet", "character"]).ngroup(),
            "alphabet": table["alphabet"],
            "drawer": table.groupby(["alphabet", "drawer"]).ngroup(),
        }
    )


def _channels(pen: Pen, n_steps: int) -> np.ndarray:
    """Return x, y, time and starts of strokes, float32 of shape (n, 4, n_steps)."""
    channels = resample(pen, n_steps)
    channels[:, :2] /= SIDE
    channels[:, 2] = np.log1p(channels[:, 2] / 1000)
    return channels.astype(np.float32)


def _pen_labels(pen: Pen) -> dict[str, np.ndarray]:
    """Return the labels of the strokes that are nuisances."""
    n_strokes = np.bincount(pen.drawings)
    ends = pen.points[pen.last, 2]  # time at the end of each stroke
    durations = ends[np.cumsum(n_strokes) - 1]
    inner = np.quantile(durations, np.arange(1, N_DURATIONS) / N_DURATIONS)
    return {
        "duration": np.searchsorted(inner, durations, side="right"),
        "n_strokes": np.minimum(n_strokes, MOST_STROKES),
    }
