"""An index in memory, as `mibsk.index.Index` describes it."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np


class Content(NamedTuple):
    data: bytes
    media_type: str


@dataclass
class Row:
    id: str
    metadata: dict[str, Any] = field(default_factory=dict)
    vector: np.ndarray | None = None
    content: Content | None = None
    media_type: str | None = None
    score: float = 0.0


@dataclass
class Summary:
    n_rows: int
    columns: dict[str, str]
    has_content: bool


class FakeIndex:
    """Rows of a bundle, with the id and one column of metadata."""

    address = "memory"

    def __init__(self, bundle, rows):
        self.digest = bundle.digest
        self.stored = {
            name: [
                Row(str(i), {"even": i % 2 == 0}, z, Content(b"<b>%d</b>" % i, "text/html"))
                for i, z in enumerate(bundle.embed(name, X))
            ]
            for name, X in rows.items()
        }

    def modalities(self):
        return {
            name: Summary(len(rows), {"even": "boolean"}, True)
            for name, rows in self.stored.items()
        }

    def search(self, modality, vectors, k=10, *, where=None):
        if unknown := set(where or {}) - {"even"}:
            raise ValueError(f"the index has no column {unknown.pop()!r}, only even.")
        found = []
        for vector in vectors:
            rows = [
                Row(row.id, row.metadata, score=float(row.vector @ vector))
                for row in self.stored[modality]
                if not where or row.metadata["even"] == where["even"]
            ]
            found.append(sorted(rows, key=lambda row: (-row.score, row.id))[:k])
        return found

    def get(self, modality, ids, *, vectors=False, contents=False):
        by_id = {row.id: row for row in self.stored[modality]}
        if unknown := [id for id in ids if id not in by_id]:
            raise ValueError(f"the index has no row {unknown[0]!r} of modality {modality!r}.")
        return [self._shown(by_id[id], vectors, contents) for id in ids]

    def rows(self, modality, offset=0, limit=50):
        return [
            self._shown(row, False, False) for row in self.stored[modality][offset : offset + limit]
        ]

    @staticmethod
    def _shown(row, vectors, contents):
        media_type = row.content.media_type
        return Row(
            row.id,
            row.metadata,
            row.vector if vectors else None,
            row.content if contents else None,
            media_type,
        )
