"""A bundle of digits and other kinds of rows, an app on it, and servers as processes."""

import asyncio
import subprocess
import sys
import threading
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest

from mibsk import IBAligner
from mibsk.bundle import write_bundle
from mibsk.datasets import load_digits_halves

pytest.importorskip("fastapi")

import uvicorn
from fastapi.testclient import TestClient

from mibsk.serving import Service, Settings, create_app
from mibsk.serving._protocol import protocol


@pytest.fixture(scope="session")
def halves():
    return {name: X[:200] for name, X in load_digits_halves().data.items()}


@pytest.fixture(scope="session")
def digits(halves, tmp_path_factory):
    """Folder of a bundle of two halves of pictures, of shape (8, 4) and values of 0 to 1."""
    folder = tmp_path_factory.mktemp("served") / "digits"
    write_bundle(
        IBAligner(n_components=8, max_epochs=1, random_state=0).fit(halves), folder, name="digits"
    )
    return folder


@pytest.fixture(scope="session")
def kinds(tmp_path_factory):
    """Folder of a bundle of a table with columns, of words, and of pictures of bytes."""
    rng = np.random.default_rng(0)
    n = 60
    factors = rng.normal(size=(n, 2))
    rows = {
        "table": pd.DataFrame(factors + 0.1 * rng.normal(size=(n, 2)), columns=["a", "b"]),
        "words": [f"word {number} {int(9 * a)}" for number, (a, _) in enumerate(factors)],
        "bytes": np.arange(n * 48).reshape(n, 4, 4, 3).astype(np.uint8),
    }
    rows["bytes"][:, 0, 0] = rng.integers(256, size=(n, 3))
    folder = tmp_path_factory.mktemp("served") / "kinds"
    model = IBAligner(n_components=4, max_epochs=1, random_state=0, bottleneck=None).fit(rows)
    write_bundle(model, folder, name="kinds")
    return folder


@pytest.fixture(scope="session")
def classes(tmp_path_factory):
    """Folder of a bundle of an array "x" (n, 2) and of classes "y", which are numbers."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    folder = tmp_path_factory.mktemp("served") / "classes"
    model = IBAligner(n_components=4, max_epochs=1, random_state=0, bottleneck=None)
    write_bundle(model.fit(X, np.where(X[:, 0] > 0, 7, 3)), folder, name="classes")
    return folder


@contextmanager
def server_in_thread(folder, **settings):
    """Serve a bundle in a thread, for clients that need a socket; yields service and port."""
    service = Service(folder, Settings(poll=0, access_log=False, **settings))
    with served_in_thread(service) as port:
        yield service, port
    assert unexpected_errors(service) == 0


@contextmanager
def served_in_thread(service):
    """Run a server in a thread; yields its port."""
    config = uvicorn.Config(
        create_app(service), port=0, log_level="error", http=protocol(service.settings.timeout)
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            thread.join(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def client_of():
    """Return a function from a folder and settings to a client; defects show as exceptions."""
    opened = []

    def open_client(folder, *, open_index=None, **settings):
        service = Service(
            folder, Settings(poll=0, access_log=False, **settings), open_index=open_index
        )
        client = TestClient(create_app(service))
        client.service = service
        client.__enter__()
        opened.append(client)
        return client

    yield open_client
    for client in opened:
        client.__exit__(None, None, None)
        assert unexpected_errors(client.service) == 0


@pytest.fixture
def client(client_of, digits):
    return client_of(digits)


def unexpected_errors(service):
    return service.metrics.registry.get_sample_value("mibsk_unexpected_errors_total")


@pytest.fixture
def run_server(tmp_path):
    """Return a context manager: ``mibsk serve`` as a process, its address, its log."""

    @contextmanager
    def run(folder, *options, env=None):
        with open(tmp_path / "log", "w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "mibsk", "serve", str(folder), "--port", "0", *options],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=env,
            )
        try:
            line = process.stdout.readline()
            process.address = line.split()[-1] if line else None
            process.log = lambda: (tmp_path / "log").read_text()
            yield process
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    return run
