"""Clients of Qdrant: of a server, or of its local mode."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._checks.packages import not_installed

_LOCAL: dict[str, Any] = {}
"""Clients of this process in local mode, of which Qdrant allows one for each place."""


def connect(kind: str, place: str) -> Any:
    """Return a client.

    Parameters
    ----------
    kind : {"http", "https", "file", "memory"}
        Protocol of a server, or local mode with or without a folder.
    place : str
        Host and port, or folder.

    Raises
    ------
    NotInstalledError
        If the package is missing.
    """
    try:
        from qdrant_client import QdrantClient
    except ImportError as error:
        raise not_installed("for an index in Qdrant", "qdrant-client") from error
    if kind in ("http", "https"):
        key = os.environ.get("QDRANT_API_KEY")
        return QdrantClient(url=f"{kind}://{place}", api_key=key, check_compatibility=False)
    where = ":memory:" if kind == "memory" else os.path.abspath(place)
    if where not in _LOCAL:
        _LOCAL[where] = QdrantClient(":memory:") if kind == "memory" else QdrantClient(path=where)
        atexit.register(_LOCAL[where].close)
    return _LOCAL[where]


def is_local(client: Any) -> bool:
    """Whether Qdrant's local mode is used, which compares with all rows and has no indexes."""
    return any(client is each for each in _LOCAL.values())


@contextmanager
def server_errors(address: str) -> Iterator[None]:
    """Turn errors of the connection and of the server into one that names the address."""
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    try:
        yield
    except (ResponseHandlingException, UnexpectedResponse) as error:
        what = " ".join(str(error).split())
        raise ConnectionError(
            f"the Qdrant server of {address} cannot be used ({what}): is it running, is "
            "QDRANT_API_KEY set, and has it room?"
        ) from error
