"""Pages for people: the search page and the documentation of the routes."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from ._service import Service

_NO_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>mibsk</title>
<h1>mibsk</h1><p>Embeddings over HTTP: see <a href="/docs">the documentation</a>.</p></html>
"""


def routes(service: Service) -> APIRouter:
    """Return the routes of the pages."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def index() -> Response:
        return HTMLResponse(_NO_PAGE)

    return router
