"""Pictures of boxes with objects, and true statements about them by people."""

import json
import os
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import Bunch

from .._checks.parameters import check_scalar
from ..data import Modalities
from ._data_file import DataFile, read_data_file
from ._names import check_names

IMAGES = DataFile(
    url=None,
    local=PurePosixPath("nlvr", "images.npz"),
    checksum="sha256:e0cca5667b4741c8081d771f19afc29d0a0a3c90aa5db776d37b50c96b036550",
)
STATEMENTS = DataFile(
    url=None,
    local=PurePosixPath("nlvr", "statements.json"),
    checksum="sha256:bc37f58acb3cbccf332beefdf16ee769afc54d7e13cbe7b5740d29e064ccd619",
)
MODALITIES = ("image", "text", "objects")
ORDERS = tuple(permutations(range(3)))  # of the boxes, in the pictures of a statement
MOST_OBJECTS = 8  # in a box
COLORS = ("black", "blue", "yellow")
TYPES = ("circle", "square", "triangle")
SIDE = 100  # of a box, in the units of x and y
LARGEST = 30  # size of an object, in the same units

DESCR = """\
Statements about pictures of boxes.

What: 1,103 statements that people wrote about pictures of three boxes with up to eight objects
each, and {n_orders} picture(s) of which each is true, with the boxes in different orders; 50x200
pixels. The objects are given as a table of their colours, types, sizes and positions.
Source: NLVR (Suhr, Lewis, Yeh and Artzi 2017), https://github.com/lil-lab/nlvr; the true
statements of its parts dev and test.
Version: commit 18924841a.
Licence: CC BY 4.0.
Pairing: by instance; one row for each picture of a statement. The statement does not say in which
order the boxes are. Statements about one of the 523 scenes are one group.
"""


def fetch_nlvr(
    path: str | os.PathLike[str] | None = None,
    *,
    modalities: Sequence[str] = ("image", "text"),
    n_orders: int = 6,
) -> Bunch:
    """Read pictures of objects in boxes, with true statements and tables of the objects.

    The true statements of the parts dev and test of NLVR [1]_, whose repository has a file for each
    picture. They cannot be downloaded as one file: the folder ``nlvr`` with ``images.npz`` and
    ``statements.json`` must be in `path` or in the folder named by the environment variable
    ``MIBSK_DATA``. The SHA-256 of both files is verified.

    The modality ``"objects"`` has ten values for each of up to eight objects in each of the three
    boxes, from left to right as in the picture, and zeros in place of further objects:

    =======  =========================================================================
    value    what
    =======  =========================================================================
    0        1: there is an object
    1 to 3   1 for the colour: black, blue, yellow
    4 to 6   1 for the type: circle, square, triangle
    7        size of the object, as a share of the largest
    8, 9     left and upper side of the object, as shares of the side of the box
    =======  =========================================================================

    Parameters
    ----------
    path : path-like, default=None
        A folder that holds the files, or a folder ``nlvr`` with them.
    modalities : sequence of str, default=("image", "text")
        Modalities to return, in this order: also ``"objects"``.
    n_orders : int, default=6
        Number of pictures of each statement, 1 to 6; with 1, each statement is in one row.

    Returns
    -------
    bunch : Bunch
        ``data`` : Modalities with ``"image"``, uint8 of shape (1103 * n_orders, 50, 200, 3);
        ``"text"``, strings of shape (1103 * n_orders,); and ``"objects"``, float32 of shape
        (1103 * n_orders, 3, 8, 10).

        ``labels`` : dict of modality to DataFrame with the columns ``picture``, ``statement`` (0 to
        1102) and ``scene`` (0 to 522); those of image and objects also have ``order`` of the
        boxes, 0 to 5.

        ``picture`` : ndarray of int, the number of the picture of each row, where equal pictures
        have the same number; ``groups`` : ndarray of int, its scene, which :func:`split_bunch`
        keeps together. A picture is right for a statement if both are of one ``statement``.

        ``shared``, ``nuisances`` : lists of factor names; ``DESCR`` : str.

    Raises
    ------
    FileNotFoundError
        If a file is not found.
    OSError
        If a file has another checksum.
    TypeError
        If `modalities` is a single string, or `n_orders` is not an integer.
    ValueError
        If `modalities` is empty, repeats a name or has an unknown one, or `n_orders` is out of
        range.

    References
    ----------
    .. [1] A. Suhr, M. Lewis, J. Yeh, Y. Artzi, "A Corpus of Natural Language for Visual
       Reasoning", ACL 2017. https://doi.org/10.18653/v1/P17-2034

    Examples
    --------
    >>> from mibsk.datasets import fetch_nlvr
    >>> boxes = fetch_nlvr(modalities=["image", "text", "objects"])  # doctest: +SKIP
    >>> boxes.data["image"].shape, boxes.data["objects"].shape  # doctest: +SKIP
    ((6618, 50, 200, 3), (6618, 3, 8, 10))
    >>> boxes.data["text"][6]  # doctest: +SKIP
    'There is a tower with four blocks.'
    """
    modalities = check_names("modalities", "modality", modalities, MODALITIES)
    check_scalar("n_orders", n_orders, low=1, high=len(ORDERS) + 1, integer=True)
    statements = read_data_file(
        STATEMENTS, _read_statements, path=path, data_home=None, download=False
    )
    images = read_data_file(IMAGES, _read_images, path=path, data_home=None, download=False)
    n = len(statements)
    images = images[[number for each in statements for number in each["images"][:n_orders]]]
    statement = np.arange(n).repeat(n_orders)
    factors = pd.DataFrame(
        {
            "picture": pd.factorize(pd.Series([image.tobytes() for image in images]))[0],
            "statement": statement,
            "scene": pd.factorize(pd.Series([each["scene"] for each in statements]))[0][statement],
        }
    )
    with_order = factors.assign(order=np.tile(np.arange(n_orders), n))
    rows: dict[str, np.ndarray] = {"image": images}
    if "text" in modalities:
        texts = np.array([each["sentence"] for each in statements], dtype=object)
        rows["text"] = texts[statement]
    if "objects" in modalities:
        tables = np.stack([_objects(each["boxes"]) for each in statements])  # (n, 3, 8, 10)
        orders = np.array(ORDERS[:n_orders])
        rows["objects"] = tables[:, orders].reshape(n * n_orders, *tables.shape[1:])
    return Bunch(
        data=Modalities({name: rows[name] for name in modalities}),
        labels={name: (factors if name == "text" else with_order).copy() for name in modalities},
        picture=factors["picture"].to_numpy(np.intp),
        groups=factors["scene"].to_numpy(np.intp),
        shared=["picture", "statement", "scene"],
        nuisances=["order"],
        DESCR=DESCR.format(n_orders=n_orders),
    )


def _objects(boxes: list[list[dict]]) -> NDArray[np.float32]:
    """Return the values of the objects in the boxes of a statement, (3, 8, 10)."""
    table = np.zeros((len(boxes), MOST_OBJECTS, 10), dtype=np.float32)
    for box, objects in zip(table, boxes, strict=True):
        for row, thing in zip(box, objects, strict=False):
            row[0] = row[1 + COLORS.index(thing["color"])] = 1
            row[4 + TYPES.index(thing["type"])] = 1
            row[7:] = thing["size"] / LARGEST, thing["x"] / SIDE, thing["y"] / SIDE
    return table


def _read_statements(file: Path) -> list[dict]:
    return json.loads(file.read_bytes())


def _read_images(file: Path) -> NDArray[np.uint8]:
    with np.load(file) as arrays:
        return arrays["images"]
