import contextlib
import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mibsk.site import runtime_files


class Quiet(SimpleHTTPRequestHandler):
    """A plain file server."""

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def file_server(folder):
    """Serve a folder as ``python -m http.server`` does; yields the address."""
    handler = functools.partial(Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="session")
def runtime():
    """Folder with onnxruntime-web; skips where it is neither cached nor can be fetched."""
    try:
        return runtime_files()["ort.wasm.min.mjs"].parent
    except ValueError as error:
        pytest.skip(str(error))
