"""A server of a bundle and an index, in a thread."""

import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pandas as pd
import pytest

from mibsk.index import open_index


def indexed(bundle, folder, rows, ids, *, metadata=None, contents=None):
    """Return an index with the rows of some modalities."""
    pytest.importorskip("lancedb")
    index = open_index(folder, bundle=bundle, create=True)
    for name, X in rows.items():
        index.add(
            name,
            ids,
            bundle.embed(name, X),
            None if metadata is None else pd.DataFrame(metadata[name]),
            None if contents is None else contents[name],
        )
    return SimpleNamespace(bundle=bundle, index=index, rows=rows, ids=ids)


def expected(made, target, vector, k=10, where=None):
    """Return the hits of a search in Python."""
    return made.index.search(target, vector[None], k, where=where)[0]


@contextmanager
def served(made, *, index=True, token=""):
    """Serve a bundle, with its index, at a free port; yields the address."""
    pytest.importorskip("fastapi")
    uvicorn = pytest.importorskip("uvicorn")
    from mibsk.serving import Service, Settings, create_app

    settings = Settings(token=token, poll=0, access_log=False)
    opened = (lambda bundle: open_index(made.index.address, bundle=bundle)) if index else None
    app = create_app(Service(made.bundle.path, settings, open_index=opened))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join()
