"""Rows that are added to an index, checked."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._checks import check_ids, check_vectors
from ._columns import Type, as_stored, typed_columns
from ._values import Content


@dataclass(frozen=True)
class NewRows:
    """Checked rows.

    Parameters
    ----------
    ids : list of str (n,)
    vectors : ndarray (n, n_components) of float32
    columns : dict of str to (type, list (n,))
        Metadata, see :func:`typed_columns`.
    contents : list of Content or None (n,)
    """

    ids: list[str]
    vectors: np.ndarray
    columns: dict[str, tuple[Type, list[Any]]]
    contents: list[Content | None]

    @classmethod
    def check(
        cls,
        ids: Any,
        vectors: Any,
        metadata: Any,
        contents: Sequence[Content | None] | None,
        n_components: int,
    ) -> NewRows:
        """Return rows as given to :meth:`Index.add`.

        Raises
        ------
        TypeError, ValueError
            If they cannot be stored.
        """
        ids = check_ids(ids)
        z = check_vectors(vectors, n_components, len(ids))
        columns = typed_columns(metadata, len(ids))
        contents = [None] * len(ids) if contents is None else list(contents)
        if len(contents) != len(ids):
            raise ValueError(f"there are {len(contents)} contents, but {len(ids)} ids.")
        return cls(ids, z, columns, contents)

    def columns_of(self, known: Mapping[str, Type]) -> dict[str, tuple[Type, list[Any]]]:
        """Return the columns in the types that an index has given them.

        Raises
        ------
        ValueError
            If a column is of another type.
        """
        return {
            name: (known.get(name, kind), as_stored(name, kind, values, known.get(name, kind)))
            for name, (kind, values) in self.columns.items()
        }

    def numbers(self) -> list[int]:
        """Return numbers that grow with each row and each call, also of other processes."""
        first = time.time_ns()
        return list(range(first, first + len(self.ids)))
