"""A process that serves: socket, signals, graceful end."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from ._app import create_app
from ._logs import JsonHandler, log
from ._protocol import protocol
from ._service import Service

_BACKLOG = 2048
_DRAIN, _ARRIVAL = 1.0, 0.2  # seconds
_KEEP_ALIVE = 75  # seconds; longer than clients keep idle connections


class _Server(uvicorn.Server):
    """Uvicorn's server, which ends in steps, so that no request is lost.

    After SIGTERM each answer closes its connection, so that clients which keep theirs open send the
    next request elsewhere; then no connection is accepted any more; then, when requests that are
    under way have arrived, idle connections are closed, and open requests are answered.
    """

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End, at a second signal without waiting."""
        if self._service.draining:
            self.should_exit = self.force_exit = True
            return
        self._service.draining = True
        wait = _DRAIN if sig == signal.SIGTERM else 0.0
        asyncio.get_running_loop().call_soon_threadsafe(self._exit_after, wait)

    def _exit_after(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, setattr, self, "should_exit", True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept the connections that wait, and no others; let their requests arrive."""
        waiting = [each.dup() for each in sockets or []]
        for server in self.servers:
            server.close()
        for each in sockets or []:
            each.close()
        await asyncio.sleep(0.01)  # the loop closes its own in its next round
        accepted = [connection for listener in waiting for connection in _accept_all(listener)]
        for connection in accepted:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        await asyncio.sleep(_ARRIVAL)
        await super().shutdown()

    def _protocol(self) -> asyncio.Protocol:
        made: Any = self.config.http_protocol_class
        found: asyncio.Protocol = made(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return found


def _accept_all(listener: socket.socket) -> list[socket.socket]:
    """Return the connections that wait at a socket, and close it: others are refused."""
    accepted = []
    with listener:
        listener.setblocking(False)
        while True:
            try:
                accepted.append(listener.accept()[0])
            except BlockingIOError:
                return accepted


def serve(
    service: Service, host: str, port: int, started: Callable[[str], None] | None = None
) -> None:
    """Serve until SIGTERM or SIGINT; requests that have begun are answered first.

    SIGHUP reloads the bundle.

    Parameters
    ----------
    service : Service
        What is served.
    host : str
        Address to listen on.
    port : int
        Port; 0 takes a free one.
    started : callable, default=None
        Called with the address when connections are accepted.

    Raises
    ------
    OSError
        If the address is in use.
    """
    handler = JsonHandler()
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = (
            [handler] if name == "uvicorn" else [],
            name != "uvicorn",
        )
        logger.setLevel(logging.WARNING)
    gc.collect()
    gc.freeze()  # what is there stays: collections look at the objects of requests alone
    listener = _listen(host, port)
    config = uvicorn.Config(
        create_app(service),
        http=protocol(service.settings.timeout),
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=int(service.settings.timeout) or 1,
    )
    server = _Server(config, service)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        reloads: set[asyncio.Task[bool]] = set()

        def reload() -> None:
            task = asyncio.create_task(service.reload())
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        if hasattr(signal, "SIGHUP"):
            loop.add_signal_handler(signal.SIGHUP, reload)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if not serving.done():
            shown = f"[{host}]" if ":" in host else host
            address = f"http://{shown}:{listener.getsockname()[1]}"
            log("started", address=address, name=service.snapshot.name)
            if started is not None:
                started(address)
        await serving
        log("ended")

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(run())


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, error.strerror, f"{host}:{port}") from error
    return listener
