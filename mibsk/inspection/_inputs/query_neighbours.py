"""Queries and their nearest neighbours in the gallery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._checks.labels import as_labels, check_one_type
from ..._checks.matrices import check_same_columns
from ..._checks.parameters import check_k, check_scalar
from ..._checks.row_names import check_row_names
from .paired_embeddings import as_array, choose_rows, cosines


@dataclass(frozen=True)
class Nearest:
    """The rows of a gallery nearest to some queries.

    Attributes
    ----------
    queries : ndarray of int (n_queries,)
        Rows of the queries.
    gallery : ndarray of int (n_queries, k)
        Rows of their nearest neighbours, the nearest first.
    scores : ndarray (n_queries, k)
        Cosines.
    is_right : ndarray of bool (n_queries, k)
        Whether the neighbour is the partner of the query or, with classes, of its class.
    query_notes : list of str
        Class of each query or, without classes, the rank of its partner.
    gallery_notes : list of lists of str, or None
        Classes of the neighbours.
    """

    queries: np.ndarray
    gallery: np.ndarray
    scores: np.ndarray
    is_right: np.ndarray
    query_notes: list[str]
    gallery_notes: list[list[str]] | None


def find_nearest(
    X: Any,
    Y: Any,
    *,
    labels: Any,
    k: int,
    n_queries: int,
    rows: Any,
    random_state: int | None,
) -> Nearest:
    """Return the `k` rows of `Y` nearest to some rows of `X`.

    The parameters are those of `RetrievalDisplay.from_embeddings`.
    """
    _check_names(X, Y, labels)
    X, Y = as_array(X, "X", min_rows=1), as_array(Y, "Y", min_rows=1)
    check_same_columns(X, Y)
    check_k(k, len(Y))
    chosen = _query_rows(rows, len(X), n_queries, random_state)
    scores = cosines(X[chosen], Y)  # (n_queries, n_y)
    nearest = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    best = np.take_along_axis(scores, nearest, axis=1)
    if labels is None:
        if len(X) != len(Y):
            raise ValueError(
                f"row i of X must be the partner of row i of Y, got shapes {X.shape} and {Y.shape}:"
                " pass the same number of rows in both, or labels=(those of X, those of Y)."
            )
        own = scores[np.arange(len(chosen)), chosen]
        ranks = (scores > own[:, None]).sum(axis=1) + 1
        notes = [f"partner #{rank}" for rank in ranks]
        return Nearest(chosen, nearest, best, nearest == chosen[:, None], notes, None)
    of_x, of_y = _labels(labels, len(X), len(Y))
    wanted, found = of_x[chosen], of_y[nearest]
    is_right = np.asarray(found == wanted[:, None], dtype=bool)
    names = [[str(name) for name in row] for row in found]
    return Nearest(chosen, nearest, best, is_right, [str(name) for name in wanted], names)


def _query_rows(rows: Any, n: int, n_queries: int, random_state: int | None) -> np.ndarray:
    """Return the numbers of the rows that are queries: those given, or a random choice."""
    if rows is None:
        check_scalar("n_queries", n_queries, low=1, integer=True)
        return choose_rows(n, n_queries, random_state)
    chosen = np.asarray(rows)
    if chosen.ndim != 1 or chosen.size == 0 or chosen.dtype.kind not in "iu":
        raise TypeError(f"rows must be a list of row numbers, at least one, got {rows!r:.80}.")
    if chosen.min() < 0 or chosen.max() >= n:
        raise ValueError(f"rows must be in 0..{n - 1}, got {rows!r:.80}.")
    return chosen


def _check_names(X: Any, Y: Any, labels: Any) -> None:
    if labels is None:
        check_row_names({"X": X, "Y": Y})
        return
    for i, (what, Z) in enumerate((("X", X), ("Y", Y))):
        own = {f"labels[{i}]": labels[i]} if _is_pair(labels) else {"labels": labels}
        check_row_names({what: Z, **own})


def _is_pair(labels: Any) -> bool:
    return isinstance(labels, tuple) and len(labels) == 2 and not np.isscalar(labels[0])


def _labels(labels: Any, n_x: int, n_y: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes of `X` and of `Y`, from a pair of them or from one for both."""
    first, second = labels if _is_pair(labels) else (labels, labels)
    of_x, of_y = as_labels(first, n_x, "labels of X"), as_labels(second, n_y, "labels of Y")
    check_one_type({"labels of X": of_x, "labels of Y": of_y})
    return of_x.to_numpy(), of_y.to_numpy()
