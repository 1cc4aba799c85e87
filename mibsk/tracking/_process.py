"""Runs of processes that were killed."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from ._mlflow import import_mlflow

PROCESS = "mibsk.process"
"""Tag of a run: machine, id and start of the process that trains."""


def this_process() -> str:
    """Return machine, id and start of this process."""
    started, _ = _started(os.getpid())
    return f"{platform.node()} {os.getpid()} {started}"


def end_killed_runs(experiment_id: str) -> None:
    """Set the status of runs to KILLED whose process on this machine no longer exists.

    A process that gets SIGKILL, or runs out of memory, cannot do so itself.
    """
    client = import_mlflow().MlflowClient()
    for run in client.search_runs([experiment_id], "attributes.status = 'RUNNING'"):
        if (process := run.data.tags.get(PROCESS)) and _has_ended(process):
            client.set_terminated(run.info.run_id, "KILLED")


def _has_ended(process: str) -> bool:
    node, pid, started = process.split(" ")
    if node != platform.node() or not started:
        return False
    now, state = _started(int(pid))
    return now != started or state == "Z"


def _started(pid: int) -> tuple[str, str]:
    """Return start and state of a process, empty if it does not exist or there is no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "", ""
    return fields[19], fields[0]
