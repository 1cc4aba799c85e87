"""Tasks on the workers of a Dask cluster."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from .._checks.packages import not_installed
from ._one_file import Outcome, Task, embed_file

_SECONDS = 30  # to reach the scheduler


def embed_on_cluster(
    tasks: Sequence[Task], scheduler: str, progress: Callable[[float, int, str], None] | None
) -> list[Outcome]:
    """Return the outcome of each task, which a worker of the cluster does.

    The tasks of a worker that is lost are given to others; a task with which several workers were
    lost, fails.

    Raises
    ------
    NotInstalledError
        If Dask is missing.
    ValueError
        If there is no scheduler at the address.
    """
    try:
        from distributed import Client, as_completed
        from distributed.comm import get_address_host_port
    except ImportError as error:
        raise not_installed("to use a cluster", "dask[distributed]") from error
    try:
        get_address_host_port(scheduler)  # a Client with a bad address takes a minute to close
        client = Client(scheduler, timeout=_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(
            f"no Dask scheduler answers at {scheduler} ({error}): start one with `dask scheduler` "
            "and pass the address that it prints."
        ) from error
    done: dict[int, Outcome] = {}
    with client:
        run = uuid.uuid4().hex
        futures = {
            client.submit(embed_file, task, pure=False, key=f"{task.rows.name}-{run}-{i}"): i
            for i, task in enumerate(tasks)
        }
        if progress is not None:
            n_workers = len(client.scheduler_info(n_workers=-1)["workers"])
            waiting = f": start `dask worker {scheduler}`" if n_workers == 0 else ""
            progress(0, len(tasks), f"{n_workers} worker(s){waiting}")
        for future in as_completed(futures, loop=client.loop):
            i, lost = futures[future], future.exception()
            if lost is None:
                done[i] = future.result()
            else:  # embed_file raises nothing: the cluster has failed
                task = tasks[i]
                what = f"{type(lost).__name__}: {lost}"
                done[i] = Outcome(task.rows, task.target, "failed", what)
            if progress is not None:
                progress(len(done) - 1, len(tasks), tasks[i].rows.name)
    return [done[i] for i in range(len(tasks))]
