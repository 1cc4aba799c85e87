"""Search in an index of embedded rows, and the rows that it contains."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np
from fastapi import APIRouter, Request
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.responses import Response

from ._errors import RequestError, bad_request, errors_of_rows
from ._fields import boolean, check_json_type, check_object, integer, json_object, kind_of, text
from ._jobs import Job
from ._logs import log
from ._openapi import described
from ._responses import json_response
from ._rows import rows_of_json
from ._service import Service
from ._snapshot import Snapshot

_FIELDS = ("query", "modality", "k", "where")
_MAX_K = 1000
_MAX_ROWS = 500
_MAX_OFFSET = 2**31 - 1
_NORMS = (1e-30, 1e30)  # of a query vector, whose norm becomes 1

_T = TypeVar("_T")


class _Text(PathConvertor):
    """Any text, also of several lines."""

    regex = r"(?s:.*)"


register_url_convertor("text", _Text())


def routes(service: Service) -> APIRouter:
    """Return the routes of search."""
    router = APIRouter(tags=["Search"])

    @router.post("/search", **described(body="Search", extra=(409, 503)))
    async def search(request: Request) -> Response:
        """Find the rows of a modality that are most similar to a row, by its values or its id."""
        check_json_type(dict(request.scope["headers"]))
        snapshot, body = service.snapshot, request.scope["mibsk.body"]
        return await _ask(service, _search, service, snapshot, body)

    @router.get("/index", **described(extra=(409, 503)))
    async def index() -> Response:
        """Say what the index contains."""
        return await _ask(service, _summary, service.snapshot)

    @router.get("/index/{modality:text}/rows", **described(extra=(409, 503)))
    async def rows(modality: str, request: Request) -> Response:
        """List rows of a modality: `offset` are left out, and at most `limit` are listed."""
        offset = _number_of(request, "offset", 0, 0, _MAX_OFFSET)
        limit = _number_of(request, "limit", 50, 1, _MAX_ROWS)
        return await _ask(service, _rows, service.snapshot, modality, offset, limit)

    @router.get(
        "/index/{modality:text}/rows/{id:text}/content",
        **described(extra=(409, 503), content="*/*"),
    )
    async def content(modality: str, id: str) -> Response:
        """Return what people see or hear of a row."""
        return await _ask(service, _content, service.snapshot, modality, id)

    return router


async def _ask(service: Service, function: Callable[..., Response], *arguments: Any) -> Response:
    """Return what a function answers with the index, in a thread.

    Raises
    ------
    RequestError
        If the index cannot be reached or read: 503.
    """
    try:
        return await service.in_thread(function, *arguments)
    except (OSError, RuntimeError) as error:  # of the store
        log("index_not_read", level="error", problem=str(error))  # it may name places
        raise RequestError(
            503, "the index cannot be read; the server's log says why.", "index_unavailable"
        ) from error


def index_of(snapshot: Snapshot) -> Any:
    """Return the index.

    Raises
    ------
    RequestError
        If none was asked for: 404; if it cannot be used with the bundle that is served: 409.
    """
    if snapshot.index is not None:
        return snapshot.index
    if snapshot.index_problem:
        raise RequestError(
            409,
            "the index cannot be used with the bundle that is served; the server's log says why.",
            "index_unusable",
        )
    raise RequestError(
        404, "this server has no index: start it with --index, see mibsk index.", "no_index"
    )


def _search(service: Service, snapshot: Snapshot, body: bytes) -> Response:
    index = index_of(snapshot)
    values = json_object(body, _FIELDS, ("query", "modality"), {"resize": "It goes inside query"})
    modality = text(values, "modality")
    k = integer(values, "k", 10, 1, _MAX_K)
    where = values.get("where")
    if where is not None and not isinstance(where, dict):
        raise bad_request(f"where must be an object, got {kind_of(where)}.", "where")
    _check_modality(index, modality)
    vector = _vector(service, snapshot, index, values["query"])
    hits = _asked(lambda: index.search(modality, vector, k, where=where), "where")[0]
    media = _media_types(index, modality, [hit.id for hit in hits])
    results = [
        {"id": hit.id, "score": hit.score, "metadata": hit.metadata, "media_type": media[hit.id]}
        for hit in hits
    ]
    return json_response({"results": results})


def _vector(service: Service, snapshot: Snapshot, index: Any, query: Any) -> np.ndarray:
    """Return the embedding (1, n_components) of a query."""
    check_object("query", query, ("modality", "input", "id", "vector", "resize"))
    given = [name for name in ("input", "id", "vector") if name in query]
    if len(given) != 1:
        raise bad_request("query must have one of the fields 'input', 'id' and 'vector'.", "query")
    if given == ["vector"]:
        if "modality" in query and text(query, "modality") not in index.modalities():
            snapshot.encoder(query["modality"], "modality")  # raises if it is unknown
        return _given_vector(query["vector"], snapshot.bundle.manifest.n_components)
    modality = text(query, "modality")
    if given == ["id"]:
        _check_modality(index, modality)
        row = _one_row(index, modality, text(query, "id"), vectors=True)
        return np.asarray(row.vector, np.float32)[np.newaxis]
    served = snapshot.encoder(modality, "modality")
    with errors_of_rows("input"):
        rows = rows_of_json(
            served.spec,
            served.display,
            query["input"],
            "input",
            resize=boolean(query, "resize"),
            tokens_of=served.tokens_of,
        )
    job = Job(served, rows, "input")
    job.check_number(1)
    return job.embed(service)


def _given_vector(vector: Any, n_components: int) -> np.ndarray:
    """Return a vector of numbers with norm 1, as embeddings have."""
    numbers = isinstance(vector, list) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in vector
    )
    if not numbers or len(vector) != n_components:
        raise bad_request(f"vector must be a list of {n_components} numbers.", "vector")
    array = np.array([vector], np.float64)
    with np.errstate(over="ignore"):
        norm = np.linalg.norm(array)
    if not _NORMS[0] < norm < _NORMS[1]:
        raise bad_request("vector has no direction: it is 0, or too large.", "vector")
    return (array / norm).astype(np.float32)


def _summary(snapshot: Snapshot) -> Response:
    index = index_of(snapshot)
    modalities = {
        name: {"n_rows": each.n_rows, "columns": each.columns, "has_content": each.has_content}
        for name, each in index.modalities().items()
    }
    return json_response({"name": _name_of(index.address), "modalities": modalities})


def _name_of(address: Any) -> str:
    """Return the last part of an address: where the index is concerns no visitor."""
    return re.split(r"[/\\]", str(address).rstrip("/\\"))[-1].partition("?")[0]


def _rows(snapshot: Snapshot, modality: str, offset: int, limit: int) -> Response:
    index = index_of(snapshot)
    summary = _check_modality(index, modality)
    listed = [
        {"id": row.id, "metadata": row.metadata, "media_type": row.media_type}
        for row in index.rows(modality, offset, limit)
    ]
    return json_response({"rows": listed, "n_rows": summary.n_rows})


def _content(snapshot: Snapshot, modality: str, id: str) -> Response:
    index = index_of(snapshot)
    place = f"{modality}/rows/{id}"  # either name may contain "/rows/"
    for name in sorted(index.modalities(), key=len, reverse=True):
        if place.startswith(f"{name}/rows/"):
            modality, id = name, place.removeprefix(f"{name}/rows/")
            break
    _check_modality(index, modality)
    content = _one_row(index, modality, id, contents=True).content
    if content is None:
        raise RequestError(404, f"row {id[:100]!r} has no content to show.", "no_content")
    return Response(
        content.data,
        media_type=content.media_type,
        # contents are files of others: they are shown, and run no script
        headers={
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _check_modality(index: Any, modality: str) -> Any:
    found = index.modalities().get(modality)
    if found is None:
        names = ", ".join(index.modalities())
        raise RequestError(
            404,
            f"the index has no modality {modality[:100]!r}, only {names}.",
            "modality_not_found",
            "modality",
        )
    return found


def _one_row(index: Any, modality: str, id: str, **what: bool) -> Any:
    try:
        return index.get(modality, [id], **what)[0]
    except ValueError as error:
        raise RequestError(404, str(error), "row_not_found", "id") from error


def _media_types(index: Any, modality: str, ids: list[str]) -> dict[str, str | None]:
    """Return what the contents of rows are, by id."""
    found: dict[str, str | None] = dict.fromkeys(ids)
    if ids and index.modalities()[modality].has_content:
        with suppress(ValueError):  # one was deleted since it was found
            found |= {row.id: row.media_type for row in index.get(modality, ids)}
    return found


def _asked(call: Callable[[], _T], param: str) -> _T:
    try:
        return call()
    except (ValueError, TypeError) as error:
        raise bad_request(str(error), param) from error
    except RecursionError as error:
        raise bad_request(f"{param} has too many lists or objects in each other.", param) from error


def _number_of(request: Request, name: str, default: int, low: int, high: int) -> int:
    given = request.query_params.get(name)
    if given is None:
        return default
    value = int(given) if given.isascii() and given.isdigit() and len(given) < 20 else -1
    if not low <= value <= high:
        raise bad_request(
            f"{name} must be a whole number from {low} to {high}, got {given[:40]!r}.", name
        )
    return value
