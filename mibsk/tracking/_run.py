"""Runs of MLflow that say how they ended."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ._mlflow import import_mlflow
from ._process import PROCESS, this_process


@contextmanager
def tracked_run(run_name: str | None = None, *, run_id: str | None = None) -> Iterator[Any]:
    """Start or resume an MLflow run, which ends with a status also if the program is killed.

    The status is FAILED after an error, as with `mlflow.start_run`, and KILLED after Ctrl-C or
    SIGTERM, also if the training caught Ctrl-C and left a fitted aligner. SIGTERM raises
    ``SystemExit``, unless the program has its own handler. A process that gets SIGKILL cannot set
    a status: the next :func:`use_store` on this machine does.

    Parameters
    ----------
    run_name : str, default=None
        Name of the run; None: MLflow chooses one.
    run_id : str, default=None
        Run to resume.

    Yields
    ------
    mlflow.ActiveRun
    """
    mlflow = import_mlflow()
    with _noted_signals() as received:
        run = mlflow.start_run(run_id=run_id, run_name=run_name)
        status = "FAILED"
        try:
            mlflow.set_tag(PROCESS, this_process())
            yield run
            status = "FINISHED"
        except KeyboardInterrupt:
            status = "KILLED"
            raise
        finally:
            active = mlflow.active_run()
            if active is not None and active.info.run_id == run.info.run_id:
                mlflow.end_run("KILLED" if received else status)


@contextmanager
def continue_run(run_id: str, run_name: str) -> Iterator[Any]:
    """Resume a finished run, to log more to it.

    If the store does not have it (it was deleted, or the model came from a cache), a new run with
    this name is started.

    Yields
    ------
    mlflow.ActiveRun
    """
    mlflow = import_mlflow()
    try:
        kept = mlflow.get_run(run_id).info.lifecycle_stage == "active"
    except mlflow.exceptions.MlflowException:
        kept = False
    with tracked_run(run_id=run_id) if kept else tracked_run(run_name) as run:
        yield run


@contextmanager
def _noted_signals() -> Iterator[list[int]]:
    """Yield the signals received so far; SIGINT and SIGTERM raise an exception as well.

    Handlers of the program are kept. Only the main thread can set handlers.
    """
    received: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    def terminate(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise SystemExit(128 + number)

    replaced: list[tuple[int, Callable[..., Any], Any]] = [
        (signal.SIGINT, interrupt, signal.default_int_handler),
        (signal.SIGTERM, terminate, signal.SIG_DFL),
    ]
    own = [
        (number, handler, default)
        for number, handler, default in replaced
        if threading.current_thread() is threading.main_thread()
        and signal.getsignal(number) == default
    ]
    for number, handler, _ in own:
        signal.signal(number, handler)
    try:
        yield received
    finally:
        for number, _, default in own:
            signal.signal(number, default)
