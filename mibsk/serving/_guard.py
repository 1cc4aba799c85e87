"""What every request passes: token, limits, times, metrics, log, and the last line for errors."""

from __future__ import annotations

import asyncio
import hmac
import os
import re
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ._errors import RequestError, error_response
from ._logs import log
from ._protocol import ARRIVED
from ._service import Service

_PUBLIC = ("/", "/healthz", "/docs", "/openapi.json")
_PUBLIC_FOLDER = "/static/"
_REQUEST_ID = re.compile(rb"[\w.-]{1,64}")
_CLOSED_BY_CLIENT = 499  # nginx's, for metrics and log; nobody reads the answer


Headers = Mapping[bytes, bytes]
Direct = Callable[[str], tuple[str, Callable[[bytes, Headers], Awaitable[Response]]] | None]


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete."""


class Guard:
    """ASGI middleware around all routes.

    Parameters
    ----------
    app : callable
        The routes.
    service : Service
        Settings and metrics.
    direct : callable, default=None
        Returns, of the path of a POST request, its route and the answer to a body, or None.
        The search for a route takes longer than an encoder for one row, so that those which have
        to be fast are called without.
    """

    def __init__(self, app: ASGIApp, service: Service, direct: Direct | None = None) -> None:
        self.app, self.service, self.direct = app, service, direct
        self.token = service.settings.token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, metrics = time.perf_counter(), self.service.metrics
        headers = dict(scope["headers"])
        request_id = _request_id(headers)
        path, method, route, status = scope["path"], scope["method"], "other", 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", request_id))
                if self.service.draining:
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        metrics.in_progress.inc()
        try:
            self._check_token(path, headers)
            body = await self._read_body(scope, headers, receive) if _has_body(headers) else b""
            found = self.direct(path) if self.direct and scope["method"] == "POST" else None
            if found is not None:
                route, call = found
                response = await call(body, headers)
                await response(scope, receive, send_with_id)
            else:
                scope["mibsk.body"] = body
                if scope["method"] == "HEAD":  # as GET; the server below sends no body
                    scope = {**scope, "method": "GET"}
                await self.app(scope, _replay(body, receive), send_with_id)
                route = getattr(scope.get("route"), "path", "other")
        except RequestError as error:
            await error_response(path, error)(scope, receive, send_with_id)
        except ClientGoneError:
            status = _CLOSED_BY_CLIENT
        except Exception as error:
            metrics.unexpected_errors.inc()
            log(
                "unexpected_error",
                level="error",
                request_id=request_id.decode(),
                path=path,
                exception="".join(traceback.format_exception(error)),
            )
            if status:
                raise
            failed = RequestError(500, "the server failed; its log says why.", "unexpected_error")
            await error_response(path, failed)(scope, receive, send_with_id)
        finally:
            metrics.in_progress.dec()
            seconds = time.perf_counter() - start
            metrics.request(route, status, seconds)
            if self.service.settings.access_log:
                log(
                    "request",
                    request_id=request_id.decode(),
                    method=method,
                    path=path,
                    status=status,
                    ms=round(seconds * 1000, 2),
                    client=(scope.get("client") or ("",))[0],
                )

    def _check_token(self, path: str, headers: dict[bytes, bytes]) -> None:
        if not self.token or path in _PUBLIC or path.startswith(_PUBLIC_FOLDER):
            return
        kind, _, token = headers.get(b"authorization", b"").partition(b" ")
        right = hmac.compare_digest(token.strip(), self.token)  # in constant time
        if kind.lower() != b"bearer" or not right:
            raise RequestError(
                401,
                "this server expects a token: send the header 'Authorization: Bearer TOKEN'."
                if not token
                else "the token is not the one of this server.",
                "invalid_token",
                headers={"WWW-Authenticate": "Bearer"},
            )

    async def _read_body(
        self, scope: Scope, headers: dict[bytes, bytes], receive: Receive
    ) -> bytes:
        """Return the whole body; a length that is announced is refused before it is read."""
        settings = self.service.settings
        announced = headers.get(b"content-length", b"0")
        if announced.isdigit() and int(announced[:20]) > settings.max_body:
            raise self._too_large()
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise RequestError(
                415, "a compressed body is not read: send it as it is.", "unsupported_encoding"
            )
        if scope.get(ARRIVED):  # a timer takes time
            return await self._whole_body(receive)
        try:
            async with asyncio.timeout(settings.timeout):
                return await self._whole_body(receive)
        except TimeoutError as error:
            raise RequestError(
                408,
                f"the body did not arrive within {settings.timeout:g} seconds.",
                "timeout",
                headers={"Connection": "close"},
            ) from error

    async def _whole_body(self, receive: Receive) -> bytes:
        chunks, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self.service.settings.max_body:
                raise self._too_large()
            chunks.append(chunk)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _too_large(self) -> RequestError:
        return RequestError(
            413,
            f"the body has more than {self.service.settings.max_body:,} bytes: send fewer rows in "
            "one request.",
            "body_too_large",
        )


def _has_body(headers: dict[bytes, bytes]) -> bool:
    return b"content-length" in headers or b"transfer-encoding" in headers


def _request_id(headers: dict[bytes, bytes]) -> bytes:
    given = headers.get(b"x-request-id", b"")
    return given if _REQUEST_ID.fullmatch(given) else os.urandom(8).hex().encode()


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a channel on which the body, which was read, arrives again at once."""
    sent: list[Any] = []

    async def replay() -> Message:
        if sent:
            return await receive()
        sent.append(True)
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
