"""A grid search under joblib's Dask backend survives a killed worker; one under loky does not."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import joblib
import numpy as np
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.model_selection import GridSearchCV, KFold

from mibsk import IBAligner, Modalities

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow
ROOT = str(Path(__file__).parents[1])
GRID = {"beta": [0.1, 1.0], "lr": [1e-3, 5e-3]}


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(1000, 3))
    views = {
        n: (hidden @ rng.normal(size=(3, d))).astype("f4") for n, d in {"a": 5, "b": 4}.items()
    }
    return Modalities(views)


@pytest.fixture
def splits(pairs):
    return list(KFold(2).split(pairs))


@pytest.fixture
def search(splits):
    aligner = IBAligner(max_epochs=8, encoders="network", bottleneck=None, random_state=0)
    return GridSearchCV(aligner, GRID, cv=splits, refit=False, error_score="raise")


def kill_when(pid, seconds=120):
    """Kill a process as soon as `pid` returns one, in another thread."""

    def run():
        end = time.monotonic() + seconds
        while not (found := pid()) and time.monotonic() < end:
            time.sleep(0.05)
        if found:
            killed.append(found)
            os.kill(found, signal.SIGKILL)

    killed: list[int] = []
    thread = threading.Thread(target=run)
    thread.start()
    return thread, killed


def test_a_search_on_dask_survives_a_killed_worker(search, pairs, splits, tmp_path):
    from distributed import Client

    file = tmp_path / "scheduler.json"
    environment = {
        **os.environ,
        "PYTHONPATH": ROOT,
        "OMP_NUM_THREADS": "1",
        # it would remove copies of what is on several workers
        "DASK_DISTRIBUTED__SCHEDULER__ACTIVE_MEMORY_MANAGER__START": "False",
    }
    with ExitStack() as stack:

        def start(program, *arguments):
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{program}", *arguments],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
            stack.callback(process.wait, 30)
            stack.callback(process.kill)

        quiet = ["--no-dashboard", "--scheduler-file", str(file)]
        start("scheduler", "--host", "127.0.0.1", "--port", "0", *quiet)
        while not (file.exists() and file.read_text().rstrip().endswith("}")):
            time.sleep(0.1)
        for i in range(2):
            folder = str(tmp_path / f"worker{i}")
            start("worker", "--nthreads", "1", "--no-nanny", "--local-directory", folder, *quiet)
        address = json.loads(file.read_text())["address"]
        client = stack.enter_context(Client(address))
        client.wait_for_workers(2, timeout=120)
        pids = client.run(os.getpid)
        alone = search.fit(pairs).cv_results_["mean_test_score"]

        def busy():
            time.sleep(0.5)  # into a task
            return next((pids[worker] for worker, keys in client.processing().items() if keys), 0)

        # on all workers: what only the killed one had would be lost, and the search with it
        everywhere = [pairs, *chain.from_iterable(splits)]
        with joblib.parallel_config("dask", scatter=everywhere):
            thread, killed = kill_when(busy)
            found = search.fit(pairs).cv_results_["mean_test_score"]
            thread.join()
        assert killed
        assert len(client.scheduler_info(n_workers=-1)["workers"]) == 1
    np.testing.assert_allclose(found, alone, rtol=0, atol=1e-3)


def test_a_search_on_loky_is_lost_with_a_worker(search, pairs):
    def worker():
        listed = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True
        ).stdout.splitlines()
        return next(
            (int(line.split()[0]) for line in listed if "loky" in line and "popen" in line), 0
        )

    with joblib.parallel_config("loky", n_jobs=2):
        thread, killed = kill_when(worker)
        with pytest.raises(TerminatedWorkerError):
            search.fit(pairs)
        thread.join()
    assert killed
