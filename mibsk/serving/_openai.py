"""Embeddings as in OpenAI's API: ``POST /v1/embeddings`` and ``GET /v1/models``."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from starlette.responses import Response

from ._errors import bad_request, errors_of_rows
from ._fields import boolean, check_json_type, choice, integer, json_object
from ._jobs import Job, answer, not_finite
from ._openapi import described
from ._responses import json_response
from ._rows import rows_of_json
from ._service import Service
from ._snapshot import Snapshot

_FIELDS = ("model", "input", "encoding_format", "dimensions", "resize", "user")


@dataclass(frozen=True)
class _Embeddings(Job):
    model: str
    encoding: str
    n_components: int  # of the answer


PATH = "/v1/embeddings"


async def embed(service: Service, body: bytes, headers: Mapping[bytes, bytes]) -> Response:
    """Return the answer to a request for embeddings."""
    check_json_type(headers)
    snapshot = service.snapshot
    return await answer(
        service,
        len(body),
        lambda: _read(service, snapshot, body),
        lambda job: _respond(service, job),
    )


def routes(service: Service) -> APIRouter:
    """Return the routes of this protocol."""
    router = APIRouter(tags=["OpenAI"])

    @router.post(PATH, **described(body="Embeddings"))
    async def embeddings(request: Request) -> Response:
        """Embed one row or several of a modality."""
        return await embed(service, request.scope["mibsk.body"], dict(request.scope["headers"]))

    @router.get("/v1/models", **described())
    async def models() -> Response:
        """List the modalities, each as a model."""
        listed = [_model(service.snapshot, name) for name in service.snapshot.encoders]
        return json_response({"object": "list", "data": listed})

    @router.get("/v1/models/{model:path}", **described())
    async def model(model: str) -> Response:
        """Describe one modality."""
        name, _ = service.snapshot.encoder_of_model(model)
        return json_response(_model(service.snapshot, name))

    return router


def _read(service: Service, snapshot: Snapshot, body: bytes) -> _Embeddings:
    values = json_object(body, _FIELDS, ("model", "input"))
    name, served = snapshot.encoder_of_model(values["model"])
    encoding = choice(values, "encoding_format", ("float", "base64"))
    n_components = snapshot.bundle.manifest.n_components
    if values.get("dimensions") is not None:
        wanted = integer(values, "dimensions", n_components, 1, n_components)
        if wanted < n_components and not snapshot.bundle.manifest.ordered:
            raise bad_request(
                "the components of this model are not ordered by what they share, so that fewer "
                f"dimensions are no space: leave dimensions out, or ask for all {n_components}. "
                "Components are ordered after a closed form alone, networks alone with "
                "bottleneck='canonical', or both reduced to their principal axes.",
                "dimensions",
            )
        n_components = wanted
    with errors_of_rows("input"):
        rows = rows_of_json(
            served.spec,
            served.display,
            values["input"],
            "input",
            resize=boolean(values, "resize"),
            tokens_of=served.tokens_of,
        )
    job = _Embeddings(served, rows, "input", f"{snapshot.name}/{name}", encoding, n_components)
    job.check_number(service.settings.max_rows)
    return job


def _respond(service: Service, job: _Embeddings) -> Response:
    z = first_components(job.embed(service), job.n_components)
    vectors: Any = z
    if job.encoding == "base64":
        vectors = [base64.b64encode(row.tobytes()).decode() for row in z.astype("<f4", copy=False)]
    data = [
        {"object": "embedding", "index": number, "embedding": vector}
        for number, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": len(z), "total_tokens": len(z)}  # a row counts as a token
    return json_response({"object": "list", "data": data, "model": job.model, "usage": usage})


def first_components(z: np.ndarray, n: int) -> np.ndarray:
    """Return the first components of embeddings, of norm 1 again.

    Raises
    ------
    RequestError
        If they are all 0: 422.
    """
    if n == z.shape[1]:
        return z
    cut = z[:, :n]
    norms = np.linalg.norm(cut, axis=1, keepdims=True)
    if not norms.all():
        raise not_finite("dimensions")
    return np.ascontiguousarray(cut / norms)


def _model(snapshot: Snapshot, name: str) -> dict[str, Any]:
    return {
        "id": f"{snapshot.name}/{name}",
        "object": "model",
        "created": 0,
        "owned_by": "mibsk",
    }
