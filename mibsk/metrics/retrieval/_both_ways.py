"""Retrieval between pictures and their texts, several to a picture, both ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..._checks.devices import on_one_device
from ..._checks.labels import as_labels, check_one_type
from ..._checks.matrices import as_matrix, check_same_columns
from ..._checks.row_names import check_row_names
from ..rows import take_rows
from ..statistics import Bootstrap, as_bootstrap, check_groups
from ._rank_estimates import as_ks, rank_estimates, scores_by_chance
from ._ranks import Relevance, first_ranks


def retrieval_scores(
    Z_picture: ArrayLike,
    Z_text: ArrayLike,
    picture_of_text: ArrayLike,
    *,
    picture: ArrayLike | None = None,
    k: int | Sequence[int] = (1, 5, 10),
    ci: float | Bootstrap = 0.95,
) -> pd.DataFrame:
    """Score the retrieval of texts by pictures and of pictures by texts.

    Any text of a picture is right for it, and the picture is right for each of its texts. Nearness
    is the inner product: pass rows of unit norm for the cosine. The scores are those of
    :func:`recall_at_k` (a hit rate), :func:`mean_reciprocal_rank` and :func:`median_rank` with
    ``labels``; ties count against the query.

    Parameters
    ----------
    Z_picture : array-like or tensor of shape (n_pictures, n_features)
        Embeddings of the pictures, one row for each.
    Z_text : array-like or tensor of shape (n_texts, n_features)
        Embeddings of the texts.
    picture_of_text : array-like of shape (n_texts,)
        The picture of each text: its row in `Z_picture`, or its number in `picture`.
    picture : array-like of shape (n_pictures,), default=None
        Numbers or names of the pictures; None: 0, 1, 2, ...
    k : int or sequence of int, default=(1, 5, 10)
        Numbers of rows retrieved, at most ``min(n_pictures, n_texts)``.
    ci : float or Bootstrap, default=0.95
        Level of bootstrap intervals, with a fixed gallery. Pictures are drawn, in both directions:
        with a picture all of its texts. ``Bootstrap(groups=...)``, of shape (n_pictures,), draws
        whole groups of pictures that are not independent.

    Returns
    -------
    DataFrame
        One row for each ``recall_at_k``, ``mean_reciprocal_rank`` and ``median_rank`` (level
        `score` of the index) of each `direction`, ``picture_to_text`` and ``text_to_picture``.
        Columns: ``value``, ``low`` and ``high``; ``by_chance``, the expected value for a gallery
        in random order; and ``n_queries``. Pictures without a text are in the gallery, but are no
        queries.

    Raises
    ------
    ValueError
        If shapes do not fit together, a picture has several rows, a text belongs to a picture that
        is not there, `k` is out of range, or there is only one picture, or group, to draw.
    TypeError
        If `picture` and `picture_of_text` are of different types, such as integers and strings.

    See Also
    --------
    mibsk.datasets.one_per_picture : One row for each picture of a dataset.

    Examples
    --------
    Two texts of each picture:

    >>> import numpy as np
    >>> from mibsk.metrics import retrieval_scores
    >>> rng = np.random.default_rng(0)
    >>> Z_picture, picture_of_text = rng.standard_normal((100, 8)), np.repeat(np.arange(100), 2)
    >>> Z_text = Z_picture[picture_of_text] + rng.standard_normal((200, 8))
    >>> table = retrieval_scores(Z_picture, Z_text, picture_of_text)
    >>> table.loc[("text_to_picture", "recall_at_10"), ["value", "by_chance"]].round(2).tolist()
    [0.76, 0.1]
    """
    chosen = as_bootstrap(ci)
    check_row_names({"Z_picture": Z_picture, "picture": picture})
    check_row_names({"Z_text": Z_text, "picture_of_text": picture_of_text})
    check_groups(chosen, {"Z_picture": Z_picture, "picture": picture})
    pictures = as_matrix(Z_picture, "Z_picture", min_rows=1)
    texts = as_matrix(Z_text, "Z_text", min_rows=1)
    pictures, texts = on_one_device(pictures, texts)
    check_same_columns(pictures, texts, ("Z_picture", "Z_text"))
    n_pictures, n_texts = len(pictures), len(texts)
    ks = as_ks(k, min(n_pictures, n_texts))
    row = _row_of_picture(picture, n_pictures, picture_of_text, n_texts)
    n_of_picture = np.bincount(row, minlength=n_pictures)
    queries = np.flatnonzero(n_of_picture)
    groups = chosen.groups_of(n_pictures)
    to_text = first_ranks(take_rows(pictures, queries), texts, Relevance(queries, row))
    to_picture = first_ranks(texts, pictures, Relevance(row, np.arange(n_pictures)))
    found = {
        "picture_to_text": (
            rank_estimates(
                to_text, n_texts, ks, chosen, None if groups is None else groups[queries]
            ),
            scores_by_chance(n_texts, n_of_picture[queries], ks),
            len(queries),
        ),
        "text_to_picture": (
            rank_estimates(
                to_picture, n_pictures, ks, chosen, row if groups is None else groups[row]
            ),
            scores_by_chance(n_pictures, np.ones(n_texts, np.int64), ks),
            n_texts,
        ),
    }
    rows = {
        (direction, score): (*estimate, by_chance[score], n_queries)
        for direction, (estimates, by_chance, n_queries) in found.items()
        for score, estimate in estimates.items()
    }
    return pd.DataFrame(
        list(rows.values()),
        index=pd.MultiIndex.from_tuples(rows, names=["direction", "score"]),
        columns=["value", "low", "high", "by_chance", "n_queries"],
    )


def _row_of_picture(
    picture: Any, n_pictures: int, picture_of_text: Any, n_texts: int
) -> NDArray[np.int64]:
    """Return the row of each text's picture, (n_texts,)."""
    own = as_labels(np.arange(n_pictures) if picture is None else picture, n_pictures, "picture")
    of_text = as_labels(picture_of_text, n_texts, "picture_of_text")
    check_one_type({"picture": own, "picture_of_text": of_text})
    index = pd.Index(own)
    if not index.is_unique:
        twice = index[index.duplicated()].tolist()[0]
        raise ValueError(
            f"picture must have each picture once, got {twice!r} twice: copies in the gallery "
            "would count as wrong answers. Pass one row for each picture, as "
            "mibsk.datasets.one_per_picture returns them."
        )
    row: NDArray[np.int64] = index.get_indexer(pd.Index(of_text))
    if (row < 0).any():
        first = int((row < 0).argmax())
        raise ValueError(
            f"{np.count_nonzero(row < 0)} text(s) belong to no picture that was passed, such as "
            f"text {first}, of picture {of_text[first]!r}: leave them out, or pass the numbers of "
            "the rows of Z_picture as picture."
        )
    return row
