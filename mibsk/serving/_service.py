"""State of the server: the bundle that is served now, settings, threads, metrics."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from ._logs import log
from ._metrics import Metrics
from ._snapshot import OpenIndex, Snapshot, open_snapshot, signature

_T = TypeVar("_T")


@dataclass(frozen=True)
class Settings:
    """Settings of a server.

    Parameters
    ----------
    token : str, default=""
        Bearer token that requests have to bring; "" lets everybody in.
    max_body : int, default=16 MB
        Largest body of a request, in bytes.
    max_rows : int, default=2048
        Largest number of rows of a request.
    timeout : float, default=30
        Seconds in which the headers of a request have to arrive, then its body, and in which the
        client has to read the answer.
    poll : float, default=2
        Seconds between two looks at the bundle, whether it was replaced; 0 never looks.
    n_threads : int, default=1
        Number of threads within one operator of an encoder; `None` lets onnxruntime choose.
    access_log : bool, default=True
        Whether a line is logged for each request.
    """

    token: str = ""
    max_body: int = 16_000_000
    max_rows: int = 2048
    timeout: float = 30.0
    poll: float = 2.0
    n_threads: int | None = 1
    access_log: bool = True


class Service:
    """A bundle that is served, and reloaded when it is replaced.

    Parameters
    ----------
    path : str or Path
        Folder of the bundle.
    settings : Settings, default=None
        Limits and times.
    open_index : callable, default=None
        Returns the index of the rows to search, of a Bundle.

    Attributes
    ----------
    snapshot : Snapshot
        What is served now.
    reload_problem : str
        Why the bundle that is in the folder now is not served; "" if it is.
    draining : bool
        Whether the server is about to end.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no bundle at `path`, or it is damaged; or if there is no index, or one of
        another model. After a reload this is no error: rows are embedded, and searches answer that
        the index cannot be used.
    """

    def __init__(
        self,
        path: str | Path,
        settings: Settings | None = None,
        *,
        open_index: OpenIndex | None = None,
    ) -> None:
        self.path = Path(path)
        self.settings = settings or Settings()
        self.metrics = Metrics()
        self._threads: ThreadPoolExecutor | None = None
        self.reload_problem = ""
        self.draining = False
        self._open_index = open_index
        self._seen = signature(self.path)
        self._reloading = asyncio.Lock()
        first = open_snapshot(self.path, self.settings.n_threads)
        self.snapshot = self._with_index(first, ())  # it has to be there, and of this bundle
        self.metrics.show(self.snapshot.bundle.manifest)

    async def in_thread(self, function: Callable[..., _T], *arguments: Any) -> _T:
        """Return the result of a function that would keep other requests waiting."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(os.cpu_count() or 1, "mibsk")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, function, *arguments)

    def close(self) -> None:
        """End the threads, when they have done what they do."""
        if self._threads is not None:
            self._threads.shutdown(wait=False)
            self._threads = None

    async def watch(self) -> None:
        """Reload the bundle whenever it was replaced, until cancelled."""
        while True:
            await asyncio.sleep(self.settings.poll)
            await self.reload_if_replaced()

    async def reload_if_replaced(self) -> None:
        """Reload the bundle if its files are others than at the last try."""
        if await self.in_thread(signature, self.path) != self._seen:
            await self.reload()
        elif self.snapshot.index_problem:
            await self._reopen_index()

    async def reload(self) -> bool:
        """Open the bundle again and serve it, if that succeeds; return whether it did.

        Requests that have begun are answered by the bundle that they began with.
        """
        async with self._reloading:
            self._seen = await self.in_thread(signature, self.path)
            try:
                opened = await self.in_thread(self._open)
            except Exception as error:  # whatever is wrong, the opened one goes on serving
                self.reload_problem = f"{type(error).__name__}: {error}"
                self.metrics.reloads.labels("failed").inc()
                self.metrics.reload_problem.set(1)
                log("reload_failed", level="error", problem=self.reload_problem)
                return False
            self.snapshot = opened
            self.reload_problem = ""
            self.metrics.reloads.labels("done").inc()
            self.metrics.reload_problem.set(0)
            self.metrics.show(opened.bundle.manifest)
            log("reloaded", name=opened.name, digest=opened.bundle.digest)
            return True

    def _open(self) -> Snapshot:
        return self._with_index(open_snapshot(self.path, self.settings.n_threads))

    async def _reopen_index(self) -> None:
        async with self._reloading:
            opened = await self.in_thread(self._with_index, self.snapshot)
            if opened.index is not None:
                self.snapshot = opened
                log("index_opened", digest=opened.bundle.digest)

    def _with_index(
        self,
        snapshot: Snapshot,
        accepted: tuple[type[Exception], ...] = (ValueError, OSError, RuntimeError),
    ) -> Snapshot:
        """Return the snapshot with the index, or with the reason why it has none."""
        if self._open_index is None:
            return snapshot
        try:
            return replace(snapshot, index=self._open_index(snapshot.bundle), index_problem="")
        except accepted as error:
            if str(error) != snapshot.index_problem:
                log("index_not_opened", level="error", problem=str(error))
            return replace(snapshot, index=None, index_problem=str(error))
