"""Analogies: retrieval of pictures by a picture, minus one word and plus another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..._checks.blocks import tiles
from ..._checks.devices import double, to_numpy
from ..._checks.matrices import as_matrix, check_same_columns
from ..._checks.parameters import check_positive
from ..._checks.row_names import check_row_names
from ..rows import unit_rows
from ..statistics import Bootstrap, as_bootstrap, check_groups, paired_difference
from ._rank_estimates import Ints, as_ks, rank_estimates, scores_by_chance

Floats = NDArray[np.float64]


def analogy_recall(
    Z: ArrayLike,
    query: ArrayLike,
    Z_minus: ArrayLike,
    Z_plus: ArrayLike,
    is_right: ArrayLike,
    *,
    weight: float = 1.0,
    k: int | Sequence[int] = (1, 5, 10),
    ci: float | Bootstrap = 0.95,
) -> pd.DataFrame:
    r"""Score arithmetic with embeddings: picture minus word plus word.

    Analogy :math:`i` takes the picture :math:`q_i`, and looks for the pictures nearest to

    .. math:: z_{q_i} + w\, (b_i - a_i)

    by cosine, all embeddings having unit norm [1]_, [2]_. The picture itself is not among the
    answers. Pictures that resemble it may be right although the words say nothing, and pictures
    that the second word describes although the first picture says nothing; so :math:`z_{q_i}` alone
    and :math:`b_i` alone are scored, too. A hit is a right picture among the `k` nearest; ties
    count against the query.

    Parameters
    ----------
    Z : array-like of shape (n_pictures, n_features)
        Embeddings of the pictures.
    query : array-like of int, shape (n_analogies,)
        Row of the picture of each analogy.
    Z_minus, Z_plus : array-like of shape (n_analogies, n_features)
        Embeddings of the words that are subtracted and added.
    is_right : array-like of bool, shape (n_analogies, n_pictures)
        Which pictures are right answers; what it says of the picture of the analogy is ignored.
    weight : float, default=1.0
        The weight w, > 0. The embedding of a word is as long as that of a sentence, of which it is
        a small part, so that a smaller weight than 1 is often better; choose it on other pictures.
    k : int or sequence of int, default=(1, 5, 10)
        Numbers of pictures retrieved, less than ``n_pictures``.
    ci : float or Bootstrap, default=0.95
        Level of bootstrap intervals, with a fixed gallery. Pictures are drawn, each with all of
        its analogies, unless ``Bootstrap(groups=...)``, of shape (n_analogies,), says what to draw.

    Returns
    -------
    DataFrame
        One row for each ``recall_at_k``, ``mean_reciprocal_rank`` and ``median_rank`` (level
        `score` of the index) of each `query`: ``arithmetic``, ``picture`` and ``word``. Columns:
        ``value``, ``low`` and ``high``; ``by_chance``, the expected value for pictures in random
        order; and ``p_value`` of the hypothesis that it is equal to that of ``arithmetic`` (see
        :func:`compare`), NaN for ``arithmetic`` itself.

    Raises
    ------
    ValueError
        If shapes do not fit together, rows are out of range, `weight` is not positive, an analogy
        has no right answer, or all are of one picture.
    TypeError
        If `query` are not integers, or `is_right` not booleans.

    See Also
    --------
    mibsk.datasets.scene_analogies : Analogies of rendered scenes.

    References
    ----------
    .. [1] Mikolov et al., "Linguistic Regularities in Continuous Space Word Representations",
       NAACL 2013.
    .. [2] Kiros, Salakhutdinov and Zemel, "Unifying Visual-Semantic Embeddings with Multimodal
       Neural Language Models", 2014, section 3.2.

    Examples
    --------
    Colours and shapes in columns of their own; the first picture is a red circle:

    >>> import numpy as np
    >>> from mibsk.metrics import analogy_recall
    >>> red, blue, circle, square = np.eye(4)
    >>> Z = [red + circle, blue + circle, red + square, blue + square]
    >>> is_right = [[False, True, False, False], [False, False, False, True]]
    >>> table = analogy_recall(Z, [0, 2], [red, red], [blue, blue], is_right, k=1)
    >>> table["value"].xs("recall_at_1", level="score").to_dict()
    {'arithmetic': 1.0, 'picture': 0.0, 'word': 0.0}
    """
    chosen = as_bootstrap(ci)
    check_positive("weight", weight)
    of_analogies = {"query": query, "Z_minus": Z_minus, "Z_plus": Z_plus, "is_right": is_right}
    check_row_names(of_analogies)
    check_groups(chosen, of_analogies)
    pictures, minus, plus = (
        unit_rows(double(to_numpy(as_matrix(rows, name, min_rows=1))))
        for name, rows in (("Z", Z), ("Z_minus", Z_minus), ("Z_plus", Z_plus))
    )
    check_same_columns(pictures, minus, ("Z", "Z_minus"))
    check_same_columns(pictures, plus, ("Z", "Z_plus"))
    own = _as_rows(query, len(pictures))
    right = _as_right(is_right, own, len(pictures))
    for name, words in (("Z_minus", minus), ("Z_plus", plus)):
        if len(words) != len(own):
            raise ValueError(
                f"{name} must have one row for each analogy, got {len(words)} rows and "
                f"{len(own)} analogies."
            )
    others = len(pictures) - 1
    ks = as_ks(k, others)
    groups = own if chosen.groups is None else chosen.groups_of(len(own))
    queries = {
        "arithmetic": pictures[own] + weight * (plus - minus),
        "picture": pictures[own],
        "word": plus,
    }
    found = {
        name: rank_estimates(_ranks(Q, pictures, own, right), others, ks, chosen, groups)
        for name, Q in queries.items()
    }
    by_chance = scores_by_chance(others, np.count_nonzero(right, axis=1), ks)
    rows = {
        (name, score): (
            *estimate,
            by_chance[score],
            np.nan
            if name == "arithmetic"
            else paired_difference(found["arithmetic"][score], estimate).p_value,
        )
        for name, estimates in found.items()
        for score, estimate in estimates.items()
    }
    return pd.DataFrame(
        list(rows.values()),
        index=pd.MultiIndex.from_tuples(rows, names=["query", "score"]),
        columns=["value", "low", "high", "by_chance", "p_value"],
    )


def _as_rows(query: Any, n_pictures: int) -> Ints:
    rows = to_numpy(query)
    if rows.ndim != 1 or not len(rows):
        raise ValueError(f"query must have shape (n_analogies,), got shape {rows.shape}.")
    if rows.dtype.kind not in "iu":
        raise TypeError(f"query must be integers, the rows of pictures in Z, got {rows.dtype}.")
    if rows.min() < 0 or rows.max() >= n_pictures:
        raise ValueError(
            f"query must be rows of Z, 0 to {n_pictures - 1}, got {rows.min()} to {rows.max()}."
        )
    return rows.astype(np.int64)


def _as_right(is_right: Any, own: Ints, n_pictures: int) -> NDArray[np.bool_]:
    """Return which pictures are right, (n_analogies, n_pictures), never the analogy's own."""
    right = to_numpy(is_right)
    if right.shape != (len(own), n_pictures):
        raise ValueError(
            f"is_right must have shape (n_analogies, n_pictures), ({len(own)}, {n_pictures}), got "
            f"{right.shape}."
        )
    if right.dtype != bool:
        raise TypeError(f"is_right must be booleans, got {right.dtype}.")
    right = right.copy()
    right[np.arange(len(own)), own] = False
    if len(without := np.flatnonzero(~right.any(axis=1))):
        raise ValueError(
            f"{len(without)} analogies have no right picture, such as analogy {without[0]}: they "
            "cannot be hits, leave them out."
        )
    return right


def _ranks(Q: Floats, Z: Floats, own: Ints, right: NDArray[np.bool_]) -> Ints:
    """Return how many wrong pictures come before the best right one, (n_analogies,)."""
    rounding = np.linalg.norm(Q, axis=1) * Z.shape[1] * np.finfo(np.float64).eps
    ranks = np.empty(len(Q), dtype=np.int64)
    for rows in tiles(len(Q), len(Z)):
        S = Q[rows] @ Z.T
        S[np.arange(len(S)), own[rows]] = -np.inf
        floor = np.where(right[rows], S, -np.inf).max(axis=1) - rounding[rows]
        ranks[rows] = np.count_nonzero((floor[:, None] <= S) & ~right[rows], axis=1)
    return ranks
