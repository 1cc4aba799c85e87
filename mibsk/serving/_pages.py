"""Pages for people: the search page and the documentation of the routes."""

from __future__ import annotations

import mimetypes

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from ..page import FILES
from ._docs import docs_page
from ._errors import RequestError
from ._service import Service

# the page itself allows no scripts of others; only a header can forbid frames
_HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def routes(service: Service) -> APIRouter:
    """Return the routes of the pages."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def index() -> Response:
        return _file("index.html")

    @router.get("/static/{name:path}")
    async def static(name: str) -> Response:
        return _file(f"static/{name}")

    @router.get("/docs")
    async def docs(request: Request) -> Response:
        document = request.app.openapi()
        return HTMLResponse(docs_page(document, token=bool(service.settings.token)))

    return router


def _file(name: str) -> Response:
    """Return a file of the page; only those that are listed can be asked for."""
    path = FILES.get(name)
    if path is None:
        raise RequestError(404, f"there is nothing at /{name[:200]}.", "not_found")
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Response(path.read_bytes(), media_type=media_type, headers=_HEADERS)
