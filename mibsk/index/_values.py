"""What an index stores and returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np


class Content(NamedTuple):
    """A row as a person sees or hears it.

    Parameters
    ----------
    data : bytes
        A picture, a recording, text or JSON.
    media_type : str
        What the bytes are, such as "image/png".
    """

    data: bytes
    media_type: str


@dataclass(frozen=True)
class Hit:
    """A row that a search found.

    Parameters
    ----------
    id : str
        Id of the row.
    score : float
        Inner product of its embedding and that of the query.
    metadata : dict
        Values of its columns: str, int, float, bool, or None; dates as ISO 8601.
    """

    id: str
    score: float
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A row of an index.

    Parameters
    ----------
    id : str
        Id of the row.
    metadata : dict
        Values of its columns, as in :class:`Hit`.
    vector : ndarray (n_components,) of float32, or None
        Its embedding; None if it was not asked for.
    content : Content or None
        What a person sees or hears; None if there is none, or if it was not asked for.
    media_type : str or None
        Media type of the content; None if there is none.
    """

    id: str
    metadata: dict[str, Any] = field(default_factory=dict)
    vector: np.ndarray | None = None
    content: Content | None = None
    media_type: str | None = None


@dataclass(frozen=True)
class ModalitySummary:
    """What an index contains of one modality.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    columns : dict of str to str
        Type of each column of metadata: "string", "integer", "number", "boolean" or "datetime".
    has_content : bool
        Whether rows have contents for people.
    kind : {"flat", "ivf", "hnsw"}
        "flat" compares a query with all rows and is exact; the others compare it with a part.
    """

    n_rows: int
    columns: dict[str, str]
    has_content: bool
    kind: Literal["flat", "ivf", "hnsw"]
