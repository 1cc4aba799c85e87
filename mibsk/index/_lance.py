"""Index in a folder, as tables of LanceDB."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._checks.packages import not_installed
from .._checks.parameters import check_scalar
from ..exceptions import IndexReplacedError
from ..files.whole_files import replace_file
from ._checks import check_ids, check_modality, check_vectors, unknown_ids
from ._columns import Type
from ._lance_errors import is_conflict, written
from ._lance_rows import arrow_rows, empty_schema, field_of, hits_of, matrix_of, read_rows
from ._lance_sql import any_of, as_sql, text
from ._new_rows import NewRows
from ._protocol import one_line
from ._ranking import nearest
from ._rows_in_memory import RowsInMemory
from ._stored_names import column_of, decode_name, encode_name, metadata_columns
from ._values import Content, Hit, ModalitySummary, Row
from ._where import conditions

_UNSEARCHED = ("number", "source", "content", "media_type")  # columns
FILE = "index.json"
FORMAT = "mibsk-index/1"
_ROWS_OF_A_PARTITION = 1024
_FEW_ROWS = 20_000  # that fulfil conditions
_KEPT = datetime.timedelta(minutes=10)  # longer than a search of another process takes


class LanceIndex:
    """An :class:`Index` in a folder: one table of LanceDB per modality.

    A search compares a query with all rows up to `flat_rows` of them, and beyond with those of the
    `n_probes` partitions (IVF) whose centres are nearest.

    Parameters
    ----------
    folder : Path
        Folder of the index.
    digest : str
        Digest of the space of its embeddings.
    n_components : int
        Dimension of that space.

    Attributes
    ----------
    flat_rows : int
        Number of rows of a modality beyond which :meth:`optimise` makes partitions.
    n_probes : int
        Number of partitions whose rows a search compares.
    memory : int
        Bytes of embeddings of a modality up to which a search keeps all rows in memory.
    """

    flat_rows = 200_000  # both are measured by benchmarks/search_recall.py
    n_probes = 32
    memory = 1 << 29

    def __init__(self, folder: Path, digest: str, n_components: int) -> None:
        self.address, self.digest, self.n_components = str(folder), digest, n_components
        try:
            import lancedb
        except ImportError as error:
            raise not_installed("for an index in a folder", "lancedb", "pyarrow") from error
        always = datetime.timedelta(0)  # other processes add rows while a server searches
        self._database = lancedb.connect(str(folder), read_consistency_interval=always)
        self._tables: dict[str, Any] = {}
        self._record: tuple[int, int] | None = None  # the file of the digest, as it was read
        self._kept: dict[tuple[Any, str], tuple[int, Any]] = {}  # with the version of the table

    def __repr__(self) -> str:
        try:
            rows: Any = {name: each.n_rows for name, each in self.modalities().items()}
        except Exception:  # a folder that was removed or damaged; the object can still be shown
            rows = "not readable"
        return f"{one_line(self)[:-1]}, rows={rows})"

    def modalities(self) -> dict[str, ModalitySummary]:
        """Return what the index contains, by modality."""
        found = {name: self._of_version(_summary, name) for name in self._names()}
        return {name: each for name, each in found.items() if each.n_rows}

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
        """Add or replace rows; see :meth:`Index.add`."""
        new = NewRows.check(ids, vectors, metadata, contents, self.n_components)
        if not new.ids:
            return

        def add() -> None:
            table = self._table(modality, create=True)
            known = metadata_columns(table.schema.names)
            columns = new.columns_of(known)
            unknown = {name: kind for name, (kind, _) in columns.items() if name not in known}
            if unknown:
                table.add_columns([field_of(name, kind) for name, kind in unknown.items()])
            merge = table.merge_insert("id").when_matched_update_all()
            merge = merge.when_not_matched_insert_all()
            merge.execute(arrow_rows(new, columns, source, table.schema))

        written(add, self.address)

    def delete(self, modality: str, ids: Sequence[str]) -> int:
        """Delete rows; see :meth:`Index.delete`."""
        ids = check_ids(ids)
        table = self._table(modality)
        if not ids:
            return 0
        where = any_of("id", ids)
        found: int = table.count_rows(where)
        written(lambda: table.delete(where), self.address)
        return found

    def search(
        self,
        modality: str,
        vectors: np.ndarray,
        k: int = 10,
        *,
        where: Mapping[str, Any] | None = None,
    ) -> list[list[Hit]]:
        """Return the best rows for each query; see :meth:`Index.search`."""
        check_scalar("k", k, low=1, integer=True)
        queries = check_vectors(vectors, self.n_components)
        table = self._table(modality)
        columns = metadata_columns(table.schema.names)
        chosen = conditions(where, columns)
        rows = self._of_version(self._rows_in_memory, modality)
        if rows is None:
            sql = as_sql(chosen)
            return [self._nearest(table, query, k, sql, columns) for query in queries]
        return [
            hits_of(ids, scores, rows.metadata.take(positions), columns)
            for positions, ids, scores in rows.search(queries, k, chosen)
        ]

    def get(
        self, modality: str, ids: Sequence[str], *, vectors: bool = False, contents: bool = False
    ) -> list[Row]:
        """Return rows by id; see :meth:`Index.get`."""
        ids = check_ids(ids)
        table = self._table(modality)
        if not ids:
            return []
        read = read_rows(table, any_of("id", ids), vectors, contents)
        found = {row.id: row for _, row in read}
        if unknown := [each for each in ids if each not in found]:
            raise unknown_ids(modality, unknown)
        return [found[each] for each in ids]

    def rows(self, modality: str, offset: int = 0, limit: int = 50) -> list[Row]:
        """Return rows in the order in which they were added; see :meth:`Index.rows`."""
        check_scalar("offset", offset, low=0, integer=True)
        check_scalar("limit", limit, low=0, integer=True)
        table = self._table(modality)
        few = self._of_version(_numbers, modality)[offset : offset + limit]
        if not len(few):
            return []
        wanted = f"number IN ({', '.join(map(str, few.tolist()))})"
        by_number = sorted(read_rows(table, wanted), key=lambda pair: pair[0])
        return [row for _, row in by_number]

    def ids_of_source(self, modality: str, source: str) -> set[str]:
        """Return the ids of the rows of a source; see :meth:`Index.ids_of_source`."""
        if modality not in self._names():
            return set()
        found = self._table(modality).search().where(f"source = {text(source)}").select(["id"])
        return set(found.to_arrow()["id"].to_pylist())

    def sources(self, modality: str) -> set[str]:
        """Return the sources of all rows; see :meth:`Index.sources`."""
        if modality not in self._names():
            return set()
        found = self._table(modality).search().select(["source"]).to_arrow()
        return set(found["source"].unique().to_pylist())

    def optimise(self) -> None:
        """Tidy the tables, and partition those of many rows; see :meth:`Index.optimise`."""
        for name in self._names():
            table = self._table(name)
            try:
                written(partial(self._tidy, table), self.address)
            except RuntimeError as error:
                if not is_conflict(error):  # else another process does the same
                    raise

    def _tidy(self, table: Any) -> None:
        table.optimize(cleanup_older_than=_KEPT)
        n = table.count_rows()
        if n > self.flat_rows and not _has_partitions(table):
            from lancedb.index import IvfFlat

            partitions = max(1, n // _ROWS_OF_A_PARTITION)
            table.create_index("vector", config=IvfFlat("dot", num_partitions=partitions))

    def _nearest(
        self, table: Any, query: np.ndarray, k: int, sql: str | None, columns: dict[str, Type]
    ) -> list[Hit]:
        names = [column_of(name, kind) for name, kind in columns.items()]

        # the partitions near a query may have none of the few rows that fulfil conditions
        few = sql is not None and table.count_rows(sql) <= _FEW_ROWS

        def read(m: int, *, every: bool) -> Any:
            search = table.search(query, vector_column_name="vector").distance_type("dot").limit(m)
            search = search.bypass_vector_index() if every else search.nprobes(self.n_probes)
            if sql is not None:
                search = search.where(sql, prefilter=True)
            return search.select(["id", "vector", *names, "_distance"]).to_arrow()

        def fetch(m: int) -> tuple[np.ndarray, np.ndarray, Any]:
            found = read(m, every=few)
            if len(found) < m and not few:
                found = read(m, every=True)
            return found["id"].to_numpy(), matrix_of(found["vector"], self.n_components), found

        order, ids, scores, found = nearest(fetch, query, k)
        return hits_of(ids, scores, found.take(order), columns)

    def _of_version(self, read: Callable[[Any], Any], modality: str) -> Any:
        """Return what a function reads of a table, once for each version of the table."""
        table = self._table(modality)
        version, kept = table.version, self._kept.get((read, modality))
        if kept is None or kept[0] != version:
            kept = version, read(table)
            self._kept[read, modality] = kept
        return kept[1]

    def _rows_in_memory(self, table: Any) -> RowsInMemory | None:
        """Return all rows of a table, None if they are in partitions or too large."""
        n_bytes = 4 * self.n_components * table.count_rows()
        if n_bytes > self.memory or _has_partitions(table):
            return None
        names = [name for name in table.schema.names if name not in _UNSEARCHED]
        found = table.search().select(names).to_arrow().combine_chunks()
        ids, z = found["id"].to_numpy(), matrix_of(found["vector"], self.n_components)
        return RowsInMemory(ids, z, found.drop(["vector"]))

    def _check_unchanged(self) -> None:
        """Forget what was read if the index was built again; raise if it is of another model."""
        folder = Path(self.address)
        try:
            stat = (folder / FILE).stat()
        except FileNotFoundError:
            if self._record is None:  # it is being created
                return
            raise
        record = stat.st_ino, stat.st_mtime_ns
        if record == self._record:
            return
        found = read_record(folder)
        if found != (self.digest, self.n_components):
            raise IndexReplacedError(
                f"{folder} was replaced by an index of another model: open it again with the "
                "bundle that it was built with."
            )
        self._tables.clear()
        self._kept.clear()
        self._record = record

    def _names(self) -> list[str]:
        self._check_unchanged()
        # a table without a version is of a process that was killed while it created it
        tables = Path(self.address).glob("*.lance")
        return [decode_name(p.stem) for p in sorted(tables) if any(p.glob("_versions/*"))]

    def _table(self, modality: str, *, create: bool = False) -> Any:
        self._check_unchanged()
        if modality in self._tables:
            return self._tables[modality]
        known = self._names()
        if not create:
            check_modality(modality, known)
        elif not isinstance(modality, str) or not modality:
            raise TypeError(f"a modality is named by a string, got {modality!r}.")
        if modality in known:
            table = self._database.open_table(encode_name(modality))
        else:
            table = self._database.create_table(
                encode_name(modality), schema=empty_schema(self.n_components), exist_ok=True
            )
        self._tables[modality] = table
        return table


def create_lance(folder: Path, digest: str, n_components: int) -> LanceIndex:
    """Create an index in a folder that is empty or does not exist.

    Raises
    ------
    ValueError
        If the folder contains something else.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is not an index, and not an empty folder: choose another one.")
    index = LanceIndex(folder, digest, n_components)
    record = {"format": FORMAT, "digest": digest, "n_components": n_components}
    replace_file(folder / FILE, [json.dumps(record, indent=1).encode() + b"\n"])
    return index


def read_record(folder: Path) -> tuple[str, int] | None:
    """Return digest and dimension of the index in a folder, None if there is no index.

    Raises
    ------
    ValueError
        If the record cannot be read.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        values = json.loads(file.read_text("utf-8"))
        if values["format"] != FORMAT:
            raise ValueError(f"format {values['format']!r}, expected {FORMAT!r}")
        return str(values["digest"]), int(values["n_components"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{file} is not a record of an index that this version of mibsk can read "
            f"({type(error).__name__}: {error}): build the index again with mibsk index."
        ) from error


def _summary(table: Any) -> ModalitySummary:
    return ModalitySummary(
        table.count_rows(),
        dict(metadata_columns(table.schema.names)),
        bool(table.count_rows("media_type IS NOT NULL")),
        "ivf" if _has_partitions(table) else "flat",
    )


def _numbers(table: Any) -> np.ndarray:
    """Return the numbers of all rows, in order."""
    return np.sort(table.search().select(["number"]).to_arrow()["number"].to_numpy())


def _has_partitions(table: Any) -> bool:
    return any("vector" in each.columns for each in table.list_indices())
