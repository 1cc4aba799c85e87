"""Numbers of groups of equal rows, for the argument `groups` of `fit`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .._checks.row_names import check_row_names
from .._checks.rows import check_same_length
from ._class_pairs import ClassPairs
from ._duplicates import equal_rows
from ._forms import is_mapping
from ._inputs import InputSpec
from ._missing import present_rows


def duplicate_groups(X: Any) -> np.ndarray:
    """Return the group of each row: equal rows are of one group.

    With ``IBAligner(same_group="positive").fit(X, groups=duplicate_groups(X))`` equal rows are not
    negatives of each other, but partners: several texts of one image, say, in a row for each.

    Parameters
    ----------
    X : array-like of shape (n, ...), or mapping of str to those
        Rows of one modality, or of several: then rows that are equal in some modality are of one
        group, and so are two rows that both equal a third one. Rows are equal if `fit` reads the
        same numbers or text; a row that lacks a modality equals no other in it.

    Returns
    -------
    ndarray of int (n,)
        Group of each row, numbered from 0 in the order of their first rows.

    Raises
    ------
    TypeError, ValueError
        If rows are not those of modalities, as in `fit`, or modalities differ in their number.

    Examples
    --------
    >>> from mibsk.data import duplicate_groups
    >>> duplicate_groups({"image": [[1.0], [2.0], [1.0]], "text": ["a cat", "a dog", "cats"]})
    array([0, 1, 0])
    """
    if isinstance(X, ClassPairs):
        raise TypeError(
            "ClassPairs have groups already, their classes, which same_group of IBAligner applies "
            "to: pass the rows of one modality, such as "
            f"duplicate_groups(X[{X.anchor!r}])."
        )
    modalities = dict(X) if is_mapping(X) else {"X": X}
    check_row_names(modalities)
    starts, ends, lengths = [], [], {}
    for name, given in modalities.items():
        known, present = present_rows(name, given)
        if present is not None and not present.any():
            lengths[name] = len(present)
            continue
        rows = InputSpec.learn(name, known)[1]
        lengths[name] = rows.shape[0] if present is None else len(present)
        repeats, kinds = equal_rows(rows)
        if present is not None:
            repeats = np.flatnonzero(present)[repeats]
        _, first, of_row = np.unique(kinds, return_index=True, return_inverse=True)
        starts.append(repeats)
        ends.append(repeats[first][of_row])
    n = check_same_length(lengths)
    none = np.empty(0, np.intp)
    edges = np.concatenate([none, *starts]), np.concatenate([none, *ends])
    graph = coo_array((np.ones(len(edges[0]), bool), edges), shape=(n, n))
    _, component = connected_components(graph, directed=False)
    return pd.factorize(component)[0]
