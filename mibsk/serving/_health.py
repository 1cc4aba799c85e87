"""Health, metrics and the manifest."""

from __future__ import annotations

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from ._openapi import described
from ._responses import json_response
from ._service import Service


def routes(service: Service) -> APIRouter:
    """Return the routes of operation."""
    router = APIRouter(tags=["Operation"])

    @router.get("/healthz", **described())
    async def healthz() -> Response:
        """Say that the process answers."""
        return json_response({"status": "ok"})

    @router.get("/readyz", **described(extra=(503,)))
    async def readyz() -> Response:
        """Say what is served, and whether a newer bundle or an index could not be opened."""
        snapshot = service.snapshot
        detail = {
            "status": "draining" if service.draining else "ready",
            "name": snapshot.name,
            "digest": snapshot.bundle.digest,
            "reload_problem": service.reload_problem or None,
            "index_problem": snapshot.index_problem or None,
        }
        return json_response(detail, 503 if service.draining else 200)

    @router.get("/metrics", **described(content="text/plain"))
    async def metrics() -> Response:
        """Return all metrics in Prometheus' format."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    @router.get("/manifest", **described())
    async def manifest() -> Response:
        """Return the manifest of the bundle as it is in its folder."""
        return Response(service.snapshot.manifest, media_type="application/json")

    return router
