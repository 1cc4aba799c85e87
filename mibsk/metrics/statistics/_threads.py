"""Replicates of one metric in several threads, with the same results for any number of threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

T = TypeVar("T")
R = TypeVar("R")

LARGE = 2**19  # numbers of a call: of less, threads wait for Python more than they compute
ROOM = 2**27  # numbers of all calls at the same time: 1 GiB


def in_threads(function: Callable[[T], R], items: Iterable[T], size: int) -> Iterator[R]:
    """Yield what a function returns for each item, in order, as `map` does.

    Calls are distributed over as many threads as BLAS would use, which `OMP_NUM_THREADS` and
    ``threadpoolctl.threadpool_limits`` set, and BLAS uses one in each of them: it gains less from
    more for a few hundred columns. So results are bit for bit the same for any number of threads.
    Calls that need much memory are left to the threads of BLAS.

    Parameters
    ----------
    function : callable
        Of an item; its calls must not depend on each other.
    items : iterable
        Read in this thread.
    size : int
        Numbers in the arrays that a call makes.
    """
    n_threads = _n_threads()
    if n_threads * size > ROOM:
        yield from map(function, items)
        return
    with one_blas_thread():
        if n_threads < 2 or size < LARGE:
            yield from map(function, items)
        else:
            yield from _in_pool(function, items, n_threads)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let BLAS use one thread: for small matrices, more threads take longer."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


def _in_pool(function: Callable[[T], R], items: Iterable[T], n_threads: int) -> Iterator[R]:
    with ThreadPoolExecutor(n_threads, thread_name_prefix="mibsk-replicates") as pool:
        waiting: deque[Future[R]] = deque()
        try:
            for item in items:
                # settings such as numpy.errstate are those of this thread
                waiting.append(pool.submit(copy_context().run, function, item))
                if len(waiting) > 2 * n_threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _n_threads() -> int:
    """Return the number of threads that BLAS would use; 1 if its number cannot be set."""
    libraries = _controller().select(user_api="blas").info()
    return min((_n_cores(), *(each["num_threads"] for each in libraries))) if libraries else 1


def _n_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # looks for the libraries of this process, which takes a while
