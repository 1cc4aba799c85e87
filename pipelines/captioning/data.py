"""Pictures with texts, split by group, and the features that retrieval is trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import Bunch

from mibsk import Modalities, datasets

from .data_detected import DetectedWords
from .data_images import Colours, Gradients, Patches
from .data_texts import ObjectCounts, words

LOADERS: dict[str, Callable[..., Bunch]] = {
    "icons": datasets.fetch_icons,
    "openclipart": datasets.fetch_openclipart,
    "nlvr": datasets.fetch_nlvr,
}
KINDS = {
    "rows": FunctionTransformer,
    "gradients": Gradients,
    "patches": Patches,
    "colours": Colours,
    "detected words": DetectedWords,
    "words": words,
    "objects": ObjectCounts,
}
TEST_SIZE = 0.2

Features = NDArray[np.float32]
Blocks = Mapping[str, Mapping[str, Features]]
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


@dataclass(frozen=True)
class Rows:
    """Features of rows, the picture of each, and the group that it is split by."""

    blocks: Blocks
    picture: NDArray[np.intp]
    groups: NDArray[np.intp]

    def with_all_texts(self) -> Rows:
        """Add a row for each picture of several texts, with the mean features of its texts."""
        _, first, number, counts = np.unique(
            self.picture, return_index=True, return_inverse=True, return_counts=True
        )
        several = counts > 1
        added = first[several]

        def mean(features: Features) -> Features:
            sums = np.zeros((len(first), features.shape[1]), dtype=np.float32)
            np.add.at(sums, number, features)
            return np.divide(sums, counts[:, None], dtype=np.float32)[several]

        blocks = {
            modality: {
                name: np.concatenate([rows, mean(rows) if modality == "text" else rows[added]])
                for name, rows in of_one.items()
            }
            for modality, of_one in self.blocks.items()
        }
        picture, groups = (np.concatenate([v, v[added]]) for v in (self.picture, self.groups))
        return Rows(blocks, picture, groups)


def features(
    train: Bunch,
    test: Bunch,
    settings: Mapping[str, Mapping[str, Any]],
) -> tuple[Rows, Rows]:
    """Return the features of each modality, learned from the training rows.

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
    train, test : Rows
        The rows with their features.
    """
    of_train: dict[str, dict[str, Features]] = {modality: {} for modality in settings}
    of_test: dict[str, dict[str, Features]] = {modality: {} for modality in settings}
    for modality, blocks in settings.items():
        for name, spec in blocks.items():
            block = Block(spec)
            of_train[modality][name] = block.fit_transform(train)
            of_test[modality][name] = block.transform(test)
    return Rows(of_train, train.picture, train.groups), Rows(of_test, test.picture, test.groups)


class Block:
    """One kind of features of one modality, learned from the training rows; see `features`."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        options = dict(spec)
        self.source = options.pop("source")
        self.weight = options.pop("weight", 1.0)
        self.n_components = options.pop("n_components", None)
        self.transformer = KINDS[options.pop("kind", "rows")](**options)

    def fit_transform(self, train: Bunch) -> Features:
        """Learn from the training rows, and return their features (n, d)."""
        rows, row_of = self._once(train)
        if isinstance(self.transformer, DetectedWords):
            found = _flat(self.transformer.fit_transform(rows, *_words_and_groups(train)))
        else:
            found = _flat(self.transformer.fit_transform(rows))
        few = self.n_components is None or self.n_components >= min(found.shape)
        self.components_ = None if few else _components(found, self.n_components)
        found = self._reduced(found)
        self.mean_ = found.mean(axis=0)
        self.scale_ = self.weight / _deviation(found - self.mean_)
        return self._scaled(found)[row_of]

    def transform(self, part: Bunch) -> Features:
        """Return the features (n, d) of rows of the same dataset."""
        rows, row_of = self._once(part)
        return self._scaled(self._reduced(_flat(self.transformer.transform(rows))))[row_of]

    def _scaled(self, found: Any) -> Features:
        return np.asarray((found - self.mean_) * self.scale_, dtype=np.float32)

    def _once(self, part: Bunch) -> tuple[Any, Any]:
        """Return the rows, each picture once, and the position of each row among them."""
        rows = part.data[self.source]
        if not self.source.startswith("image"):
            return rows, slice(None)
        _, first, row_of = np.unique(part.picture, return_index=True, return_inverse=True)
        return rows[first], row_of

    def _reduced(self, rows: Any) -> Any:
        if self.components_ is not None:
            rows = self.components_.transform(rows)
        return rows.toarray() if sp.issparse(rows) else rows


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


def _words_and_groups(part: Bunch) -> tuple[list[str], NDArray[np.intp]]:
    """Return all texts of each picture as one, and the group of each picture."""
    texts = pd.Series(part.data["text"]).groupby(part.picture).agg(" ".join)
    groups = pd.Series(part.groups).groupby(part.picture).first()
    return texts.tolist(), groups.to_numpy()


def _components(rows: Any, n_components: int) -> PCA | TruncatedSVD:
    """Return principal components of dense rows, and singular vectors of sparse ones."""
    if sp.issparse(rows):
        return TruncatedSVD(n_components, n_iter=3, random_state=0).fit(rows)
    return PCA(n_components, svd_solver="covariance_eigh").fit(rows)


def _deviation(centred: Features) -> float:
    return float(np.sqrt(np.square(centred).sum(axis=1).mean()))


def _flat(rows: Any) -> Any:
    return rows if sp.issparse(rows) else np.asarray(rows, dtype=np.float32).reshape(len(rows), -1)
