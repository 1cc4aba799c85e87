"""A client that costs little beside the server: prepared requests on open connections."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field

import uvloop


@dataclass
class Load:
    """What a run of load measured.

    Parameters
    ----------
    seconds : list of float
        Time of each answer of status 200.
    lost : list of str
        Requests that were not answered, or not with 200.
    duration : float
        Seconds of the run.
    """

    seconds: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    duration: float = 0.0

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.seconds) / self.duration

    def quantile(self, q: float) -> float:
        """Return a quantile of the times, in seconds."""
        return sorted(self.seconds)[int(q * (len(self.seconds) - 1))]


def request_of(path: str, body: object, headers: str = "") -> bytes:
    """Return the bytes of a POST request."""
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"{headers}Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


class _Connection(asyncio.Protocol):
    """One client: sends a request, and the next one when it is answered."""

    def __init__(self, request: bytes, load: Load, until: float, done: asyncio.Future) -> None:
        self.request, self.load, self.until, self.done = request, load, until, done
        self.received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.received.clear()
        self.start = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
        if len(body) < length:
            return
        now = time.perf_counter()
        if head.startswith(b"HTTP/1.1 200"):
            self.load.seconds.append(now - self.start)
        else:
            self.load.lost.append(head.split(b"\r\n")[0].decode())
        if now >= self.until:
            self.done.set_result(None)
            self.transport.close()
        else:
            self.send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.load.lost.append(f"connection lost: {error}")
            self.done.set_result(None)


def run_load(port: int, request: bytes, n_clients: int, seconds: float) -> Load:
    """Send a request again and again on several connections."""

    async def run() -> Load:
        loop, load = asyncio.get_running_loop(), Load()
        start = time.perf_counter()
        until = start + seconds
        ends = [loop.create_future() for _ in range(n_clients)]
        for end in ends:
            await loop.create_connection(
                lambda end=end: _Connection(request, load, until, end), "127.0.0.1", port
            )
        await asyncio.gather(*ends)
        load.duration = time.perf_counter() - start
        return load

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())
