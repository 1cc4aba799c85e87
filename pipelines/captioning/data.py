"""Pictures with texts, split by group, and the features that retrieval is trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import Bunch

from mibsk import Modalities, datasets

from .data_images import Colours, Gradients, Patches
from .data_texts import ObjectCounts, words

LOADERS = {
    "icons": datasets.fetch_icons,
    "openclipart": datasets.fetch_openclipart,
    "nlvr": datasets.fetch_nlvr,
}
KINDS = {
    "rows": FunctionTransformer,
    "gradients": Gradients,
    "patches": Patches,
    "colours": Colours,
    "words": words,
    "objects": ObjectCounts,
}
TEST_SIZE = 0.2

Rows = NDArray[np.float32]
Blocks = Mapping[str, Mapping[str, Rows]]
"""Modality -> name of the block -> features (n, d)."""


def load(name: str, settings: Mapping[str, Any]) -> Bunch:
    """Return a dataset, or the `share` of it that the setting names.

    The pictures of NLVR are its scenes: statements do not say in which order the boxes are, and all
    statements about a scene are true of it.
    """
    options = dict(settings)
    share = options.pop("share", 1)
    bunch = LOADERS[name](**options)
    if name == "nlvr":
        bunch.picture = bunch.groups
    return datasets.split_bunch(bunch, test_size=share, random_state=0)[1] if share < 1 else bunch


def split(bunch: Bunch, seed: int) -> tuple[Bunch, Bunch]:
    """Return training rows, and a fifth of all rows as test rows, of other groups."""
    return datasets.split_bunch(bunch, test_size=TEST_SIZE, random_state=seed)


def features(
    train: Bunch, test: Bunch, settings: Mapping[str, Mapping[str, Any]]
) -> tuple[Blocks, Blocks]:
    """Return the blocks of features of each modality, learned from the training rows.

    Parameters
    ----------
    train, test : Bunch
        The rows.
    settings : mapping of str to mapping
        For each modality, the settings of its blocks: ``source``, the modality of the dataset
        that is read; ``kind``, a name in `KINDS` ("rows": as they are), with its parameters;
        ``n_components`` of principal components (of TF-IDF: singular vectors), if any; and
        ``weight`` beside the other blocks. A block has mean 0 and, with weight 1, total variance 1
        on the training rows.

    Returns
    -------
    train, test : dict of str to dict of str to ndarray (n, d)
    """
    found: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for modality, blocks in settings.items():
        for name, spec in blocks.items():
            for part, rows in zip(found, block(train, test, spec), strict=True):
                part.setdefault(modality, {})[name] = rows
    return found


def block(train: Bunch, test: Bunch, spec: Mapping[str, Any]) -> tuple[Rows, Rows]:
    """Return one block of the training and of the test rows."""
    options = dict(spec)
    source, weight = options.pop("source"), options.pop("weight", 1.0)
    n_components = options.pop("n_components", None)
    transformer = KINDS[options.pop("kind", "rows")](**options)
    # pictures repeat where they have several texts
    keys = [part.picture if source.startswith("image") else None for part in (train, test)]
    (rows, row_of), (test_rows, test_row_of) = (
        _once(part.data[source], key) for part, key in zip((train, test), keys, strict=True)
    )
    learned = transformer.fit(rows)
    rows, test_rows = (_flat(learned.transform(each)) for each in (rows, test_rows))
    if n_components is not None and n_components < min(rows.shape):
        solver = _components(rows, n_components)
        rows, test_rows = solver.transform(rows), solver.transform(test_rows)
    rows, test_rows = (each.toarray() if sp.issparse(each) else each for each in (rows, test_rows))
    mean = rows.mean(axis=0)
    factor = weight / np.sqrt(np.square(rows - mean).sum(axis=1).mean())
    rows, test_rows = ((each - mean) * factor for each in (rows, test_rows))
    return rows.astype(np.float32)[row_of], test_rows.astype(np.float32)[test_row_of]


def beside(blocks: Blocks, names: Mapping[str, Sequence[str]] | None = None) -> Modalities:
    """Return the chosen blocks of each modality side by side; None: all.

    Examples
    --------
    >>> import numpy as np
    >>> blocks = {"image": {"tower": np.ones((2, 3)), "pixels": np.zeros((2, 4))}}
    >>> beside(blocks), beside(blocks, {"image": ["tower"]})
    (Modalities(2 rows; image: float64[7]), Modalities(2 rows; image: float64[3]))
    """
    return Modalities(
        {
            modality: np.hstack([of_one[name] for name in (names or {}).get(modality, of_one)])
            for modality, of_one in blocks.items()
        }
    )


def with_all_texts(blocks: Blocks, picture: NDArray[np.intp]) -> tuple[Blocks, NDArray[np.intp]]:
    """Add a row for each picture of several texts, with the mean of the features of its texts.

    Returns
    -------
    blocks : dict of str to dict of str to ndarray (n + n_pictures_of_several, d)
    rows : ndarray of int, the row that each of them has its picture of
    """
    _, first, number, counts = np.unique(
        picture, return_index=True, return_inverse=True, return_counts=True
    )
    several = counts > 1
    added = first[several]

    def mean(rows: Rows) -> Rows:
        sums = np.zeros((len(first), rows.shape[1]), dtype=np.float32)
        np.add.at(sums, number, rows)
        return (sums / counts[:, None])[several]

    found = {
        modality: {
            name: np.concatenate([rows, mean(rows) if modality == "text" else rows[added]])
            for name, rows in of_one.items()
        }
        for modality, of_one in blocks.items()
    }
    return found, np.concatenate([np.arange(len(picture)), added])


def _once(rows: Any, key: NDArray[np.intp] | None) -> tuple[Any, Any]:
    """Return the first row of each key, and the position of each row among them."""
    if key is None:
        return rows, slice(None)
    _, first, row_of = np.unique(key, return_index=True, return_inverse=True)
    return rows[first], row_of


def _components(rows: Any, n_components: int) -> PCA | TruncatedSVD:
    """Return principal components of dense rows, and singular vectors of sparse ones."""
    if sp.issparse(rows):
        return TruncatedSVD(n_components, n_iter=3, random_state=0).fit(rows)
    return PCA(n_components, svd_solver="covariance_eigh").fit(rows)


def _flat(rows: Any) -> Any:
    if sp.issparse(rows):
        return rows
    return np.asarray(rows, dtype=np.float32).reshape(len(rows), -1)
