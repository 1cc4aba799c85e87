"""Mixed load on a server for minutes: bundles replaced and torn, bad requests, slow clients."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
import urllib.request
from collections import Counter
from pathlib import Path

import numpy as np

from mibsk.datasets import load_digits_halves

from .serving_client import request_of

_PATH, _KSERVE = "/v1/embeddings", "/v2/models/left/infer"
_REPLACE_EVERY = 10.0  # seconds


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return status and body of the next answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    return int(head.split(b" ", 2)[1]), await reader.readexactly(length)


class _Soak:
    """The clients, and what they saw."""

    def __init__(self, port: int, seconds: float) -> None:
        self.port, self.until = port, time.monotonic() + seconds
        self.answers: Counter[tuple[str, int]] = Counter()
        self.lost: list[str] = []

    def running(self) -> bool:
        return time.monotonic() < self.until

    async def client(self, kind: str, request: bytes, status: int, pause: float) -> None:
        """Send a request again and again on one connection; another status is a lost request."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while self.running():
            try:
                writer.write(request)
                found, body = await asyncio.wait_for(_answer(reader), 30)
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                self.lost.append(f"{kind}: {error!r}")
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                continue
            self.answers[kind, found] += 1
            if found != status:
                self.lost.append(f"{kind}: {found} {body[:200]!r}")
            await asyncio.sleep(pause)
        writer.close()

    async def slow(self, request: bytes, pause: float) -> None:
        """Send a byte now and then, until the server closes the connection."""
        while self.running():
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                for number in range(len(request)):
                    writer.write(request[number : number + 1])
                    await writer.drain()
                    await asyncio.sleep(pause)
            except OSError:
                pass
            self.answers["slow", 0] += 1
            writer.close()

    async def leaving(self, request: bytes) -> None:
        """Send half of a request, or all of it, and leave without reading the answer."""
        number = 0
        while self.running():
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(request[: len(request) // (1 + number % 2)])
            await asyncio.sleep(0.2)
            writer.transport.abort()
            self.answers["leaving", 0] += 1
            number += 1

    async def replace(self, bundle: Path, others: list[Path]) -> None:
        """Replace the bundle; each third time its files are torn at first."""
        number = 0
        while self.running():
            await asyncio.sleep(_REPLACE_EVERY)
            await asyncio.to_thread(shutil.copytree, others[number % 2], bundle, dirs_exist_ok=True)
            if number % 3 == 2:
                for file in bundle.glob("left*.onnx"):
                    file.write_bytes(file.read_bytes()[:1000])
            number += 1

    async def memory(self, pid: int) -> list[tuple[float, float]]:
        """Return (seconds, MB of resident memory) of the server."""
        found, start = [], time.monotonic()
        while self.running():
            status = Path(f"/proc/{pid}/status").read_text()
            size = int(status.split("VmRSS:")[1].split()[0]) / 1024
            found.append((time.monotonic() - start, size))
            print(f"{found[-1][0]:5.0f} s {size:7.1f} MB {len(self.lost)} lost", flush=True)
            await asyncio.sleep(15)
        return found


def soak(bundle: Path, other: Path, port: int, pid: int, seconds: float) -> None:
    """Load a server, and print what was lost, the answers and the memory.

    Parameters
    ----------
    bundle : Path
        The bundle that is served; its files are replaced.
    other : Path
        Another bundle with the same modalities.
    port, pid : int
        Of the server.
    seconds : float
        Duration.
    """
    rows = load_digits_halves().data["left"].round(4)
    first = shutil.copytree(bundle, bundle.parent / "first")
    tensor = {"name": "x", "shape": [1, 8, 4], "datatype": "FP32", "data": rows[0].tolist()}
    one = request_of(_PATH, {"model": "left", "input": rows[0].tolist()})
    many = request_of(_PATH, {"model": "left", "input": rows[:500].tolist()})
    kserve = request_of(_KSERVE, {"inputs": [tensor]})
    wrong = request_of(_PATH, {"model": "left", "input": [[1, 2]]})
    soaking = _Soak(port, seconds)

    async def run() -> list[tuple[float, float]]:
        tasks = [
            *(soaking.client("one row", one, 200, 0.002) for _ in range(8)),
            *(soaking.client("500 rows", many, 200, 0.1) for _ in range(2)),
            *(soaking.client("KServe", kserve, 200, 0.005) for _ in range(2)),
            *(soaking.client("bad", wrong, 400, 0.01) for _ in range(2)),
            soaking.slow(b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 1000, 0.5),
            soaking.slow(one, 0.2),
            soaking.leaving(many),
            soaking.replace(bundle, [other, first]),
        ]
        found, *_ = await asyncio.gather(soaking.memory(pid), *tasks)
        return found

    memory = asyncio.run(run())
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        metrics = answer.read().decode()
    for line in metrics.splitlines():
        if line.startswith(("mibsk_reloads_total", "mibsk_unexpected", "mibsk_requests_in_prog")):
            print(line)
    print(json.dumps({f"{kind} {status}": n for (kind, status), n in soaking.answers.items()}))
    settled = [size for second, size in memory if second > seconds / 5]
    slope = np.polyfit([second / 60 for second, _ in memory[-len(settled) :]], settled, 1)[0]
    print(f"memory: {settled[0]:.0f} to {settled[-1]:.0f} MB, {slope:+.2f} MB a minute")
    print(f"lost: {len(soaking.lost)} of {sum(soaking.answers.values())}", *soaking.lost[:10])
