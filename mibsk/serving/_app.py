"""The application: all routes, around them what every request passes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from .. import __version__
from . import _health, _kserve, _openai, _pages, _search
from ._errors import RequestError, error_response
from ._guard import Guard
from ._service import Service


def create_app(service: Service) -> FastAPI:
    """Return the ASGI application that serves a bundle.

    Parameters
    ----------
    service : Service
        The bundle, its settings and its state.

    Returns
    -------
    FastAPI
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        watch = asyncio.create_task(service.watch()) if service.settings.poll else None
        yield
        if watch is not None:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
        service.close()

    app = FastAPI(
        title="mibsk",
        version=__version__,
        description="Embeddings and search of a bundle of encoders.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for part in (_openai, _kserve, _search, _health, _pages):
        app.include_router(part.routes(service))
    app.add_exception_handler(RequestError, _request_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(Guard, service=service, direct=partial(_direct, service))
    return app


def _direct(service: Service, path: str) -> Any:
    """Return the route of a path that embeds rows, and its answer."""
    if path == _openai.PATH:
        return path, partial(_openai.embed, service)
    model = _kserve.model_of(path)
    if model is None:
        return None
    return _kserve.ROUTE, partial(_kserve.infer_version, service, model, "")


async def _request_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return error_response(request.scope["path"], error)


async def _http_error(request: Request, error: Exception) -> Response:
    """Return the response to a path or a method that no route has."""
    assert isinstance(error, HTTPException)
    path = request.scope["path"]
    if error.status_code == 404:
        failed = RequestError(404, f"there is nothing at {path[:200]}.", "not_found")
    elif error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        failed = RequestError(
            405,
            f"{path} takes {allowed}, got {request.method}.",
            "method_not_allowed",
            headers=dict(error.headers or {}),
        )
    else:
        failed = RequestError(error.status_code, str(error.detail), "bad_request")
    return error_response(path, failed)
