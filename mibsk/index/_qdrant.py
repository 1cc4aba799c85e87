"""Index in a Qdrant server."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .._checks.parameters import check_scalar
from ..exceptions import IndexReplacedError
from ._checks import check_ids, check_modality, check_vectors, unknown_ids
from ._columns import Type, plain_row
from ._new_rows import NewRows
from ._protocol import one_line
from ._qdrant_client import is_local, server_errors
from ._qdrant_filter import HIGH, LOW, VALUE, as_filter, split
from ._ranking import nearest
from ._stored_names import column_of, encode_name, metadata_columns
from ._values import Content, Hit, ModalitySummary, Row
from ._where import conditions

FORMAT = "mibsk-index/1"
FLAT_ROWS = 200_000  # beyond, the server's graph (HNSW) is used
_EF = 256  # candidates of a search in the graph
_RECORD = 0  # id of the point that describes the index
_SPACE = uuid.UUID("9d3c1d2e-6f0b-4e0c-9f51-5d8a6b1c7e42")  # of ids of points
_ROWS_OF_A_REQUEST, _BYTES_OF_A_REQUEST = 256, 8_000_000  # a server refuses more than 32 MB


class QdrantIndex:
    """An :class:`Index` in Qdrant: one collection per modality, and one that describes them.

    A search compares a query with all rows up to `FLAT_ROWS` of them, and beyond uses the graph
    (HNSW) that the server builds.

    Parameters
    ----------
    address : str
        Address of the index.
    client : QdrantClient
        Client of the server, or of Qdrant's local mode.
    name : str
        Name of the collection that describes the index.
    digest : str
        Digest of the space of its embeddings.
    n_components : int
        Dimension of that space.
    """

    def __init__(
        self, address: str, client: Any, name: str, digest: str, n_components: int
    ) -> None:
        self.address, self.digest, self.n_components = address, digest, n_components
        self._client, self._name = client, name

    def __repr__(self) -> str:  # without a request to the server
        return one_line(self)

    def modalities(self) -> dict[str, ModalitySummary]:
        """Return what the index contains, by modality."""
        from qdrant_client import models

        summaries = {}
        with server_errors(self.address):
            for name, columns in self._columns().items():
                collection = self._collection(name)
                n = self._client.count(collection).count
                bare = models.IsEmptyCondition(is_empty=models.PayloadField(key="media_type"))
                n_bare = self._client.count(
                    collection, count_filter=models.Filter(must=[bare])
                ).count
                kind = "flat" if n <= FLAT_ROWS else "hnsw"
                if n:
                    summaries[name] = ModalitySummary(n, columns, n_bare < n, kind)  # type: ignore[arg-type]
        return summaries

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
        with server_errors(self.address):
            known = self._columns().get(modality)
            columns = new.columns_of(known or {})
            if known is None:
                self._create(modality)
            self._describe(modality, {name: kind for name, (kind, _) in columns.items()})
            for chunk, payloads in _requests(new, columns, source):
                self._upsert(modality, new, chunk, payloads)

    def delete(self, modality: str, ids: Sequence[str]) -> int:
        """Delete rows; see :meth:`Index.delete`."""
        from qdrant_client import models

        points: list[Any] = [_point(each) for each in check_ids(ids)]
        with server_errors(self.address):
            check_modality(modality, self._columns())
            collection = self._collection(modality)
            there = models.Filter(must=[models.HasIdCondition(has_id=points)])
            found: int = self._client.count(collection, count_filter=there).count
            if points:
                self._client.delete(collection, models.PointIdsList(points=points), wait=True)
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
        from qdrant_client import models

        check_scalar("k", k, low=1, integer=True)
        queries = check_vectors(vectors, self.n_components)
        with server_errors(self.address):
            known = self._columns()
            check_modality(modality, known)
            collection, columns = self._collection(modality), known[modality]
            chosen = as_filter(conditions(where, columns))
            n = self._client.count(collection).count
            params = None
            if not is_local(self._client):
                params = models.SearchParams(exact=n <= FLAT_ROWS, hnsw_ef=_EF)
            wanted = ["id", *(column_of(name, kind) for name, kind in columns.items())]

            def found(query: np.ndarray) -> list[Hit]:
                def fetch(m: int) -> tuple[np.ndarray, np.ndarray, Any]:
                    points = self._client.query_points(
                        collection,
                        query=query.tolist(),
                        query_filter=chosen,
                        search_params=params,
                        limit=m,
                        with_payload=wanted,
                        with_vectors=True,
                    ).points
                    ids = np.array([point.payload["id"] for point in points], object)
                    z = np.array([point.vector for point in points], np.float32)
                    return ids, z.reshape(-1, self.n_components), points

                order, ids, scores, points = nearest(fetch, query, k)
                return [
                    Hit(each, float(score), _plain(points[i].payload, columns))
                    for i, each, score in zip(order, ids, scores, strict=True)
                ]

            return [found(query) for query in queries]

    def get(
        self, modality: str, ids: Sequence[str], *, vectors: bool = False, contents: bool = False
    ) -> list[Row]:
        """Return rows by id; see :meth:`Index.get`."""
        ids = check_ids(ids)
        with server_errors(self.address):
            known = self._columns()
            check_modality(modality, known)
            points = self._client.retrieve(
                self._collection(modality),
                [_point(each) for each in ids],
                with_payload=_wanted(known[modality], contents),
                with_vectors=vectors,
            )
        found = {point.payload["id"]: _row(point, known[modality]) for point in points}
        if unknown := [each for each in ids if each not in found]:
            raise unknown_ids(modality, unknown)
        return [found[each] for each in ids]

    def rows(self, modality: str, offset: int = 0, limit: int = 50) -> list[Row]:
        """Return rows in the order in which they were added; see :meth:`Index.rows`."""
        from qdrant_client import models

        check_scalar("offset", offset, low=0, integer=True)
        check_scalar("limit", limit, low=0, integer=True)
        with server_errors(self.address):
            known = self._columns()
            check_modality(modality, known)
            if limit == 0:
                return []
            points = self._client.query_points(
                self._collection(modality),
                query=models.OrderByQuery(order_by=models.OrderBy(key="number")),
                offset=offset,
                limit=limit,
                with_payload=_wanted(known[modality], contents=False),
            ).points
        return [_row(point, known[modality]) for point in points]

    def ids_of_source(self, modality: str, source: str) -> set[str]:
        """Return the ids of the rows of a source; see :meth:`Index.ids_of_source`."""
        from qdrant_client import models

        same = models.FieldCondition(key="source", match=models.MatchValue(value=source))
        return {each["id"] for each in self._payloads(modality, "id", models.Filter(must=[same]))}

    def sources(self, modality: str) -> set[str]:
        """Return the sources of all rows; see :meth:`Index.sources`."""
        return {each["source"] for each in self._payloads(modality, "source", None)}

    def optimise(self) -> None:
        """Do nothing: a Qdrant server tidies its collections itself."""

    def _collection(self, modality: str) -> str:
        return f"{self._name}.{encode_name(modality)}"

    def _columns(self) -> dict[str, dict[str, Type]]:
        """Return the columns of each modality; raise if the index was replaced or is gone."""
        try:
            points, _ = self._client.scroll(self._name, limit=10_000, with_payload=True)
        except Exception:  # its kind is not the same in local mode
            if self._client.collection_exists(self._name):
                raise
            message = f"no index at {self.address}: build one with mibsk index."
            raise FileNotFoundError(message) from None
        records = [_space_of(p.payload, self._name) for p in points if p.id == _RECORD]
        if records != [(self.digest, self.n_components)]:
            raise IndexReplacedError(
                f"{self.address} was replaced by an index of another model: open it again with the "
                "bundle that it was built with."
            )
        payloads = {p.payload["modality"]: p.payload for p in points if p.id != _RECORD}
        return {name: metadata_columns(payloads[name]) for name in sorted(payloads)}

    def _payloads(self, modality: str, key: str, chosen: Any) -> Iterator[Mapping[str, Any]]:
        """Yield one value of the payload of each row that fulfils a filter."""
        with server_errors(self.address):
            if modality not in self._columns():
                return
            start, wanted = None, [key]
            while True:
                points, start = self._client.scroll(
                    self._collection(modality),
                    scroll_filter=chosen,
                    limit=10_000,
                    offset=start,
                    with_payload=wanted,
                )
                yield from (point.payload for point in points)
                if start is None:
                    return

    def _describe(self, modality: str, columns: Mapping[str, Type]) -> None:
        payload = {column_of(name, kind): True for name, kind in columns.items()}
        if payload:
            self._client.set_payload(self._name, payload, points=[_point(modality)], wait=True)

    def _create(self, modality: str) -> None:
        from qdrant_client import models

        if not isinstance(modality, str) or not modality:
            raise TypeError(f"a modality is named by a string, got {modality!r}.")
        collection = self._collection(modality)
        if not self._client.collection_exists(collection):
            _create(self._client, collection, self.n_components)
        elif self._client.count(collection).count and modality not in self._columns():
            raise ValueError(
                f"the collection {collection!r} has rows that the index {self.address} does not "
                "know, as of an index that was deleted in part: delete it too, or choose another "
                "name."
            )
        point = models.PointStruct(
            id=_point(modality), vector=[0.0], payload={"modality": modality}
        )
        self._client.upsert(self._name, [point], wait=True)

    def _upsert(
        self, modality: str, new: NewRows, chunk: slice, payloads: list[dict[str, Any]]
    ) -> None:
        from qdrant_client import models

        self._client.upsert(
            self._collection(modality),
            models.Batch(
                ids=[_point(each) for each in new.ids[chunk]],
                vectors=new.vectors[chunk].tolist(),
                payloads=payloads,
            ),
            wait=True,
        )


def create_qdrant(client: Any, name: str, digest: str, n_components: int) -> None:
    """Create the collection that describes an index."""
    from qdrant_client import models

    one = models.VectorParams(size=1, distance=models.Distance.DOT)
    client.create_collection(name, vectors_config=one)
    record = {"format": FORMAT, "digest": digest, "n_components": n_components}
    client.upsert(name, [models.PointStruct(id=_RECORD, vector=[0.0], payload=record)], wait=True)


def read_qdrant(client: Any, name: str) -> tuple[str, int] | None:
    """Return digest and dimension of an index, None if there is none.

    Raises
    ------
    ValueError
        If the collection is of something else.
    """
    if not client.collection_exists(name):
        return None
    points = client.retrieve(name, [_RECORD], with_payload=True)
    return _space_of(points[0].payload if points else {}, name)


def _space_of(payload: Mapping[str, Any], name: str) -> tuple[str, int]:
    """Return digest and dimension of the point that describes an index."""
    if payload.get("format") != FORMAT:
        raise ValueError(
            f"the collection {name!r} is not an index of this version of mibsk: choose another "
            "name."
        )
    return str(payload["digest"]), int(payload["n_components"])


def _create(client: Any, collection: str, n_components: int) -> None:
    from qdrant_client import models

    client.create_collection(
        collection,
        vectors_config=models.VectorParams(size=n_components, distance=models.Distance.DOT),
    )
    if not is_local(client):
        for key, kind in {
            "number": "integer",
            "source": "keyword",
            "media_type": "keyword",
        }.items():
            client.create_payload_index(collection, key, models.PayloadSchemaType(kind), wait=True)


def _point(name: str) -> str:
    """Return the id of a point, which is a UUID in Qdrant."""
    return str(uuid.uuid5(_SPACE, name))


def _requests(
    new: NewRows, columns: Mapping[str, tuple[Type, list[Any]]], source: str
) -> Iterator[tuple[slice, list[dict[str, Any]]]]:
    """Yield positions and payloads of rows that are sent together."""
    numbers, start, size = new.numbers(), 0, 0
    payloads: list[dict[str, Any]] = []
    for i, (each, content) in enumerate(zip(new.ids, new.contents, strict=True)):
        payload = {"id": each, "number": numbers[i], "source": source}
        for name, (kind, values) in columns.items():
            if values[i] is not None:
                payload[column_of(name, kind)] = _stored(kind, values[i])
        if content is not None:
            payload["media_type"] = content.media_type
            payload["content"] = base64.b64encode(content.data).decode()
            size += len(content.data)
        payloads.append(payload)
        if len(payloads) == _ROWS_OF_A_REQUEST or size > _BYTES_OF_A_REQUEST:
            yield slice(start, i + 1), payloads
            start, size, payloads = i + 1, 0, []
    if payloads:
        yield slice(start, len(new.ids)), payloads


def _stored(kind: Type, value: Any) -> Any:
    if kind in ("integer", "datetime"):
        high, low = split(value)
        return {VALUE: value, HIGH: high, LOW: low}
    return value


def _wanted(columns: Mapping[str, Type], contents: bool) -> list[str]:
    stored = [column_of(name, kind) for name, kind in columns.items()]
    return ["id", "media_type", *stored, *(["content"] if contents else [])]


def _plain(payload: Mapping[str, Any], columns: Mapping[str, Type]) -> dict[str, Any]:
    values = {name: payload.get(column_of(name, kind)) for name, kind in columns.items()}
    return plain_row(
        columns, {k: v[VALUE] if isinstance(v, dict) else v for k, v in values.items()}
    )


def _row(point: Any, columns: Mapping[str, Type]) -> Row:
    payload = point.payload
    content, media_type = payload.get("content"), payload.get("media_type")
    return Row(
        payload["id"],
        _plain(payload, columns),
        None if point.vector is None else np.array(point.vector, np.float32),
        None if content is None else Content(base64.b64decode(content), str(media_type)),
        media_type,
    )
