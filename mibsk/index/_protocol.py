"""The calls of an index, whichever store is behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from ._values import Content, Hit, ModalitySummary, Row


class Index(Protocol):
    """Embedded rows of several modalities, with metadata and contents for people.

    Rows of different modalities with the same id are partners. All embeddings are of one bundle.
    Opened by :func:`mibsk.index.open_index`.

    Attributes
    ----------
    address : str
        Where the index is.
    digest : str
        Digest of the space of its embeddings.
    n_components : int
        Dimension of that space.
    """

    address: str
    digest: str
    n_components: int

    def modalities(self) -> dict[str, ModalitySummary]:
        """Return what the index contains, by modality."""

    def add(
        self,
        modality: str,
        ids: Sequence[str],
        vectors: np.ndarray,
        metadata: pd.DataFrame | None = None,
        contents: Sequence[Content | None] | None = None,
        *,
        source: str = "",
    ) -> None:
        """Add rows; one with an id that the modality has already is replaced.

        Parameters
        ----------
        modality : str
            Name of the modality.
        ids : sequence of str (n,)
            Each id once.
        vectors : ndarray (n, n_components)
            Embeddings.
        metadata : DataFrame (n, columns), default=None
            Values to filter by.
        contents : sequence of Content or None (n,), default=None
            What people see or hear.
        source : str, default=""
            Where the rows are from, for :meth:`ids_of_source`.

        Raises
        ------
        ValueError, TypeError
            If the rows cannot be stored; none of them is then.
        OSError
            If the disk is full; none of them is stored then.
        """

    def delete(self, modality: str, ids: Sequence[str]) -> int:
        """Delete rows, and return how many of the ids there were."""

    def search(
        self,
        modality: str,
        vectors: np.ndarray,
        k: int = 10,
        *,
        where: Mapping[str, Any] | None = None,
    ) -> list[list[Hit]]:
        """Return the rows of largest inner product for each query, best first, ties by id.

        Parameters
        ----------
        modality : str
            Modality to search in.
        vectors : ndarray (n, n_components)
            Embeddings of the queries.
        k : int, default=10
            Number of rows.
        where : mapping, default=None
            Conditions on columns of metadata, all of which hold: ``{column: value}``,
            ``{column: [values]}`` for any of them, or ``{column: {"gte": low, "lt": high}}`` with
            "gt", "gte", "lt", "lte" and "ne". A row without a value fulfils only None.

        Raises
        ------
        ValueError, TypeError
            If there is no such modality or column, or a value is of another type than its column.
        """

    def get(
        self, modality: str, ids: Sequence[str], *, vectors: bool = False, contents: bool = False
    ) -> list[Row]:
        """Return rows by id, in the order of the ids.

        Raises
        ------
        ValueError
            If the modality has no row with one of the ids.
        """

    def rows(self, modality: str, offset: int = 0, limit: int = 50) -> list[Row]:
        """Return rows in the order in which they were added."""

    def ids_of_source(self, modality: str, source: str) -> set[str]:
        """Return the ids of the rows that were added from a source."""

    def sources(self, modality: str) -> set[str]:
        """Return the sources of all rows of a modality."""

    def optimise(self) -> None:
        """Tidy the store after many changes, and build an approximate index if rows are many."""


def one_line(index: Index) -> str:
    """Return address, dimension and start of the digest of an index, as its `repr`."""
    return (
        f"{type(index).__name__}({index.address!r}, n_components={index.n_components}, "
        f"digest={index.digest[:12]!r})"
    )
