"""Mapping of paired arrays that can be indexed by rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from skorch.helper import SliceDict

from .._checks.parameters import check_names
from .._checks.row_names import check_mask, check_row_names, row_index
from .._checks.rows import check_same_length
from ._missing import rows_with_missing


class Modalities(SliceDict):
    """Paired arrays, one per modality, indexed by name or by rows.

    Row ``i`` of every array belongs to the same sample. ``len`` is the number of rows, and a slice,
    mask or index array selects rows, so that `sklearn.model_selection` can split it like a table.
    A plain `dict` cannot be split: scikit-learn takes its number of modalities for that of rows,
    and fails before any estimator is reached.

    Parameters
    ----------
    mapping : mapping of str to array-like
        Arrays of any dimension, tables, sparse matrices, lists of strings or memory maps, with
        the same number of rows. Rows of pandas are paired by position too, and their index must
        not contradict that. Rows may lack a modality: None in a list, a row of NaN, a masked row.

    Attributes
    ----------
    index : pandas Index or None
        Names of the rows, if the index of a modality gives them.

    Raises
    ------
    TypeError
        If `mapping` is not a mapping, a name is not a string, or a value has no rows.
    ValueError
        If the mapping is empty, numbers of rows differ, or the index of one modality has the names
        of another in another order.

    Warns
    -----
    mibsk.exceptions.RowNamesWarning
        If the index of one modality has other names than that of another.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk import Modalities
    >>> pairs = Modalities({"image": np.zeros((4, 8, 8)), "text": ["a", "b", "c", "d"]})
    >>> len(pairs), pairs["image"].shape
    (4, (4, 8, 8))
    >>> pairs[[0, 2]]["text"].tolist()
    ['a', 'c']
    """

    index: pd.Index[Any] | None = None

    def __init__(self, mapping: Mapping[str, Any]) -> None:
        if not isinstance(mapping, Mapping):
            raise TypeError(
                f"Modalities takes a mapping of name to array, got {type(mapping).__name__}."
            )
        if not mapping:
            raise ValueError("Modalities needs at least one modality, got an empty mapping.")
        check_names(mapping)
        arrays = {name: rows_with_missing(name, X) for name, X in mapping.items()}
        check_same_length({name: X.shape[0] for name, X in arrays.items()})
        check_row_names({"mapping": mapping})
        super().__init__()
        self.update(arrays)  # not keyword arguments, since a name can be "self"
        self.index = row_index(mapping)

    def __getitem__(self, key: Any) -> Any:
        """Return one modality if `key` is a name, else the selected rows of all."""
        if isinstance(key, str):
            return dict.__getitem__(self, key)
        if isinstance(key, int | np.integer):
            raise TypeError(
                f"Modalities has no integer indexing: use [{key}:{int(key) + 1}] for one row."
            )
        check_mask(self, key)
        selected = type(self)({name: X[key] for name, X in self.items()})
        if self.index is not None:
            selected.index = self.index[np.arange(len(self))[key]]
        return selected

    def __setitem__(self, name: str, X: Any) -> None:
        """Add or replace a modality."""
        check_row_names({"modalities": self, f"modalities[{name!r}]": X})
        super().__setitem__(name, rows_with_missing(name, X))
        self.index = row_index({0: self, 1: X})

    def copy(self) -> Modalities:
        """Return a shallow copy."""
        return type(self)(self)

    def __repr__(self) -> str:
        listed = ", ".join(f"{name}: {X.dtype}{list(X.shape[1:])}" for name, X in self.items())
        return f"Modalities({len(self)} rows; {listed})"
