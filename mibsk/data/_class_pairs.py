"""Data paired by class: partners are redrawn each epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype
from sklearn.utils import check_random_state

from .._checks.masks import check_unmasked
from .._checks.parameters import suggest
from .._checks.row_names import check_mask, check_row_names, row_index
from .._checks.rows import as_rows
from ._modalities import Modalities
from ._pairing import ClassPairing

_MAX_SEED = np.iinfo(np.int32).max


class ClassPairs(Mapping[str, Any]):
    """Modalities that share classes, not instances: a recording and *an* image of the same digit.

    Its rows are those of the `anchor` modality. In every training epoch each anchor row is paired
    with a random partner of the same class, so that variation within a class cannot be predicted
    from the partner and counts as modality-specific. With fixed pairs, a network can memorize the
    arbitrary pairing.

    Each partner row is assigned to one anchor row of its class, and selecting anchor rows selects
    the partners assigned to them: train and test sets share neither anchors nor partners.

    Parameters
    ----------
    modalities : mapping of str to (array-like, array-like)
        Rows and class labels of each modality. Numbers of rows may differ.
    anchor : str, default=None
        Modality whose rows define the pairs; by default the one with the most rows.
    random_state : int, RandomState instance or None, default=None
        Controls the assignment of partners to anchors.

    Raises
    ------
    ValueError
        If there are fewer than two modalities, labels do not match rows or have their names in
        another order, the anchor is unknown, or a class of the anchor has no partner.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk import ClassPairs
    >>> audio, digit_heard = np.arange(4.0)[:, None], [0, 0, 1, 1]
    >>> image, digit_seen = np.arange(6.0)[:, None], [0, 0, 0, 1, 1, 1]
    >>> pairs = ClassPairs({"audio": (audio, digit_heard), "image": (image, digit_seen)},
    ...                    anchor="audio", random_state=0)
    >>> len(pairs)
    4
    >>> drawn = pairs.draw(random_state=0)
    >>> (drawn["image"].ravel() >= 3).astype(int).tolist()  # the digit of each drawn image
    [0, 0, 1, 1]
    """

    _index: pd.Index[Any] | None = None  # pairs pickled without one have no names

    def __init__(
        self,
        modalities: Mapping[str, tuple[Any, Any]],
        *,
        anchor: str | None = None,
        random_state: Any = None,
    ) -> None:
        if not isinstance(modalities, Mapping) or len(modalities) < 2:
            raise ValueError(
                "ClassPairs needs a mapping of at least two modalities to (rows, labels), got "
                f"{modalities!r}."
            )
        arrays, labels = {}, {}
        for name, pair in modalities.items():
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise TypeError(f"modality {name!r} must be a tuple (rows, labels), got {pair!r}.")
            check_row_names({f"modalities[{name!r}]": dict(enumerate(pair))})
            arrays[name] = as_rows(name, pair[0])
            labels[name] = _as_labels(name, pair[1], arrays[name].shape[0])
        if len({y.dtype.kind in "OU" for y in labels.values()}) > 1:
            raise TypeError(
                "labels of all modalities must be of one type, got "
                f"{ {name: str(y.dtype) for name, y in labels.items()} }: convert "
                "them to one type, e.g. numbers with astype(str)."
            )
        if anchor is None:
            anchor = max(arrays, key=lambda name: arrays[name].shape[0])
        if anchor not in arrays:
            raise ValueError(
                f"anchor {anchor!r} is not one of the modalities {list(arrays)}."
                + suggest(anchor, arrays)
            )
        classes, codes = np.unique(labels[anchor], return_inverse=True)
        # not scikit-learn's generator: a splitter with the same seed would draw the same
        # permutations, and separate the anchors with partners from those without
        rng = np.random.default_rng(check_random_state(random_state).randint(_MAX_SEED))
        owners, partner_codes = {}, {}
        for name in arrays:
            if name == anchor:
                continue
            known = np.isin(labels[name], classes)
            # rows of classes that the anchor lacks are assigned to no anchor
            partner_codes[name] = np.where(known, np.searchsorted(classes, labels[name]), -1)
            owners[name] = _deal(codes, partner_codes[name], rng)
        self._arrays, self._labels = arrays, labels
        self.anchor = anchor
        self._index = row_index(dict(enumerate(modalities[anchor])))
        self.pairing = ClassPairing(anchor, np.arange(len(codes)), codes, owners, partner_codes)

    @property
    def shape(self) -> tuple[int]:
        """Number of anchor rows, as the shape that scikit-learn's splitters read."""
        return (self.pairing.n_rows,)

    def __len__(self) -> int:
        return self.pairing.n_rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __getitem__(self, key: Any) -> Any:
        """Return the rows of a modality if `key` is a name, else the pairs of these anchors."""
        if isinstance(key, str):
            return self._arrays[key]
        if isinstance(key, int | np.integer):
            raise TypeError(
                f"ClassPairs has no integer indexing: use [{key}:{int(key) + 1}] for one row."
            )
        check_mask(self, key)
        selected = object.__new__(type(self))
        selected._arrays, selected._labels, selected.anchor, selected._index = (
            self._arrays,
            self._labels,
            self.anchor,
            self._index,
        )
        selected.pairing = self.pairing.subset(np.arange(len(self))[key])
        return selected

    @property
    def index(self) -> pd.Index[Any] | None:
        """Names of the anchor rows, if the index of these rows or of their labels gives them."""
        return None if self._index is None else self._index[self.pairing.rows]

    @property
    def labels(self) -> np.ndarray:
        """Class label of each pair, (n_rows,)."""
        return self._labels[self.anchor][self.pairing.rows]

    @property
    def class_labels(self) -> dict[str, np.ndarray]:
        """Class labels of all rows, per modality."""
        return dict(self._labels)

    def rows(self, name: str) -> np.ndarray:
        """Return the unique rows of modality `name` that these pairs can contain, sorted."""
        if name == self.anchor:
            return np.unique(self.pairing.rows)
        return np.flatnonzero(np.isin(self.pairing.owners[name], self.pairing.rows))

    def compact(self) -> ClassPairs:
        """Return pairs over only the rows that these can contain; partners are reassigned."""
        rows = {name: self.rows(name) for name in self}
        chosen = {name: (self._arrays[name][r], self._labels[name][r]) for name, r in rows.items()}
        return ClassPairs(chosen, anchor=self.anchor, random_state=0)

    def draw(self, random_state: Any = None) -> Modalities:
        """Return the pairs of every anchor row with a random partner."""
        seed = check_random_state(random_state).randint(_MAX_SEED)
        drawn = self.pairing.draw(np.random.default_rng(seed))
        pairs = Modalities({name: self._arrays[name][rows] for name, rows in drawn.items()})
        pairs.index = self.index
        return pairs

    def __repr__(self) -> str:
        return (
            f"ClassPairs({len(self)} rows of {self.anchor!r}; partners "
            f"{[name for name in self if name != self.anchor]}; {len(np.unique(self.labels))} "
            "classes)"
        )


def _as_labels(name: str, given: Any, n_rows: int) -> np.ndarray:
    """Return the class labels of a modality (n_rows,), numbers or strings."""
    check_unmasked(f"the column of labels of modality {name!r}", given)
    labels = as_rows(f"labels of {name}", given)
    if labels.shape == (n_rows, 1):
        labels = labels[:, 0]
    if labels.shape != (n_rows,):
        raise ValueError(
            f"modality {name!r} has {n_rows} rows but labels of shape {labels.shape}: give one "
            "label per row."
        )
    if labels.dtype.kind == "O":
        if (missing := pd.isna(labels)).any():
            raise _missing(name, missing)
        kind = infer_dtype(labels, skipna=False)
        if kind not in ("boolean", "floating", "integer", "string"):
            raise TypeError(
                f"labels of modality {name!r} must be all numbers or all strings, got {kind} "
                "values: convert them, e.g. with astype(str)."
            )
        labels = labels if kind == "string" else labels.astype(np.float64)
    if labels.dtype.kind not in "biufOU":
        raise TypeError(
            f"labels of modality {name!r} must be numbers or strings, got {labels.dtype}."
        )
    if labels.dtype.kind == "f" and (missing := np.isnan(labels)).any():
        raise _missing(name, missing)
    return labels


def _missing(name: str, missing: np.ndarray) -> ValueError:
    return ValueError(
        f"labels of modality {name!r} are missing (first at row {missing.argmax()}; "
        f"{missing.sum()} row(s) affected): drop these rows."
    )


def _deal(codes: np.ndarray, partner_codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Assign partner rows to anchor rows of their class, round-robin; -1 without an anchor."""
    owners = np.full(len(partner_codes), -1)
    for code in np.unique(codes):
        anchors = rng.permutation(np.flatnonzero(codes == code))
        partners = rng.permutation(np.flatnonzero(partner_codes == code))
        owners[partners] = np.resize(anchors, len(partners))
    return owners
