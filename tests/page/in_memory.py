"""An index in memory, and a server of the routes that the page uses."""

import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pandas as pd

from mibsk.page import FILES

TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


class MemoryIndex:
    """Rows of an index, by modality."""

    def __init__(self, bundle):
        self.digest = bundle.digest
        self.n_components = bundle.manifest.n_components
        self.tables = {}

    def add(self, modality, ids, vectors, metadata=None, contents=None):
        self.tables[modality] = SimpleNamespace(
            ids=list(ids),
            vectors=np.asarray(vectors, np.float32),
            metadata=metadata or [{} for _ in ids],
            contents=contents or [None] * len(ids),
        )

    def modalities(self):
        return {
            name: SimpleNamespace(
                n_rows=len(t.ids),
                columns={
                    c: "int64" if isinstance(v, int | float) else "string"
                    for c, v in (t.metadata[0] if t.metadata else {}).items()
                },
                has_content=any(t.contents),
                kind="flat",
            )
            for name, t in self.tables.items()
        }

    def rows(self, modality, offset=0, limit=50):
        table = self.tables[modality]
        return [
            SimpleNamespace(
                id=table.ids[i],
                metadata=table.metadata[i],
                vector=table.vectors[i],
                content=table.contents[i],
            )
            for i in range(offset, min(offset + limit, len(table.ids)))
        ]

    def get(self, modality, ids, *, vectors=False, contents=False):
        table = self.tables[modality]
        return [self.rows(modality, table.ids.index(each), 1)[0] for each in ids]

    def search(self, modality, vector, k, where):
        table = self.tables[modality]
        scores = table.vectors @ vector
        order = sorted(range(len(scores)), key=lambda i: (-scores[i], table.ids[i]))
        kept = [i for i in order if passes(table.metadata[i], where)]
        return [(table.ids[i], float(scores[i]), table.metadata[i]) for i in kept[:k]]


def passes(metadata, where):
    compare = {
        "gte": lambda a, b: a >= b,
        "gt": lambda a, b: a > b,
        "lte": lambda a, b: a <= b,
        "lt": lambda a, b: a < b,
        "ne": lambda a, b: a != b,
    }
    return all(
        all(compare[key](metadata[column], value) for key, value in condition.items())
        if isinstance(condition, dict)
        else metadata[column] == condition
        for column, condition in where.items()
    )


class RefusedError(Exception):
    """An answer of the server other than what was asked for."""

    def __init__(self, status, message, code=None):
        super().__init__(message)
        self.status, self.code = status, code


@contextmanager
def served(bundle, index=None, *, token=None):
    """Serve the page, a bundle and an index at a free port; yields address and log."""
    log = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            self._answer(None)

        def do_POST(self):
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, body):
            path = urlsplit(self.path).path
            log.append((self.command, path, body))
            try:
                status, media_type, data = 200, *self._route(path, body)
            except RefusedError as refused:
                error = {"message": str(refused), "code": refused.code}
                status, media_type = refused.status, "application/json"
                data = json.dumps({"error": error}).encode()
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _route(self, path, body):
            name = "index.html" if path == "/" else path[1:]
            if name in FILES:
                return TYPES[name.rpartition(".")[2]], FILES[name].read_bytes()
            if token and self.headers.get("Authorization") != f"Bearer {token}":
                raise RefusedError(401, "a token is needed")
            if path == "/manifest":
                return "application/json", bundle.manifest.to_json().encode()
            if index is None:
                raise RefusedError(404, "this server has no index", "no_index")
            return self._of_index(path, body)

        def _of_index(self, path, body):
            if path == "/search":
                return as_json({"results": search(body)})
            if path == "/index":
                return as_json({"modalities": {n: vars(s) for n, s in index.modalities().items()}})
            if match := re.fullmatch("/index/([^/]+)/rows", path):
                query = parse_qs(urlsplit(self.path).query)
                start, limit = int(query["offset"][0]), int(query["limit"][0])
                rows = index.rows(unquote(match[1]), start, limit)
                return as_json({"rows": [listed(row) for row in rows]})
            if match := re.fullmatch("/index/([^/]+)/rows/([^/]+)/content", path):
                content = index.get(unquote(match[1]), [unquote(match[2])])[0].content
                if content:
                    return content.media_type, content.data
            raise RefusedError(404, f"nothing at {path}")

    def search(body):
        query, target = body["query"], body["modality"]
        if "id" in query:
            if query["id"] not in index.tables[query["modality"]].ids:
                raise RefusedError(404, f"no row {query['id']!r} of {query['modality']!r}")
            vector = index.get(query["modality"], [query["id"]])[0].vector
        else:
            vector = embed(query)
        found = index.search(target, vector, body["k"], body["where"] or {})
        contents = dict(zip(index.tables[target].ids, index.tables[target].contents, strict=True))
        return [
            {
                "id": i,
                "score": s,
                "metadata": m,
                "media_type": getattr(contents[i], "media_type", None),
            }
            for i, s, m in found
        ]

    def embed(query):
        row = query["input"]
        rows = pd.DataFrame([row]) if isinstance(row, dict) else [row]
        try:
            return bundle.embed(query["modality"], rows)[0]
        except ValueError as error:
            raise RefusedError(422, str(error)) from error

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}/", log=log)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def listed(row):
    return {
        "id": row.id,
        "metadata": row.metadata,
        "media_type": getattr(row.content, "media_type", None),
    }


def as_json(values):
    return "application/json", json.dumps(values).encode()
