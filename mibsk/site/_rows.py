"""The rows of one modality as files that a browser reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..index import Content, Index, Row

_CHUNK = 200  # rows read at a time, with their contents
_SAMPLE = 50  # rows by which the size of all is judged
_IN_FOLDER = 1000  # files in one folder
_SUFFIXES = {
    "application/json": "json",
    "audio/flac": "flac",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "text/plain": "txt",
}
"""Contents that a page shows; a file server tells the others to be of no type, so none is run."""


def write_rows(
    index: Index,
    modality: str,
    n_rows: int,
    folder: Path,
    on_rows: Callable[[int], None],
) -> None:
    """Write ``vectors.f32``, ``rows.json`` and the contents of the first rows into a folder.

    Vectors are float32, row by row, the least significant byte first. ``rows.json`` has the ids,
    the columns of the metadata, and type and path of each content, in the order of the vectors.
    File names are numbers: nothing of an id becomes part of a path.
    """
    folder.mkdir(parents=True)
    ids: list[str] = []
    columns: dict[str, list[Any]] = {name: [] for name in index.modalities()[modality].columns}
    types: list[str | None] = []
    paths: list[str | None] = []
    with open(folder / "vectors.f32", "wb") as file:
        for rows in _chunks(index, modality, n_rows):
            file.write(np.asarray([row.vector for row in rows], "<f4").tobytes())
            for row in rows:
                paths.append(_write_content(folder, len(ids), row.content))
                types.append(_media_type(row.content))
                ids.append(row.id)
                for name, values in columns.items():
                    values.append(row.metadata.get(name))
            on_rows(len(rows))
    table = {"ids": ids, "columns": columns, "media_types": types, "contents": paths}
    text = json.dumps(table, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    (folder / "rows.json").write_text(text, "utf-8")


def size_of_rows(index: Index, modality: str, n_rows: int, n_components: int) -> int:
    """Return about how many bytes the files have, judged by the first rows."""
    first = next(_chunks(index, modality, min(n_rows, _SAMPLE)), [])
    if not first:
        return 0
    contents = sum(len(row.content.data) for row in first if row.content)
    texts = sum(len(json.dumps([row.id, row.metadata], default=str)) for row in first)
    return n_rows * (4 * n_components + (contents + texts) // len(first))


def _chunks(index: Index, modality: str, n_rows: int) -> Iterator[list[Row]]:
    for offset in range(0, n_rows, _CHUNK):
        listed = index.rows(modality, offset, min(_CHUNK, n_rows - offset))
        if not listed:  # fewer than when they were counted
            return
        ids = [row.id for row in listed]
        yield index.get(modality, ids, vectors=True, contents=True)


def _media_type(content: Content | None) -> str | None:
    return content.media_type.partition(";")[0].strip().lower() if content else None


def _write_content(folder: Path, number: int, content: Content | None) -> str | None:
    """Write the content of a row; return its path in the folder."""
    if content is None:
        return None
    suffix = _SUFFIXES.get(_media_type(content) or "", "bin")
    path = f"contents/{number // _IN_FOLDER}/{number % _IN_FOLDER}.{suffix}"
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content.data)
    return path
