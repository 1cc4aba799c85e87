"""Opening of an index by its address."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ._lance import LanceIndex, create_lance, read_record
from ._protocol import Index
from ._qdrant import QdrantIndex, create_qdrant, read_qdrant
from ._qdrant_client import connect, server_errors

if TYPE_CHECKING:
    from ..bundle import Bundle

_EXPECTED = "qdrant+http://HOST:PORT/NAME with a name of letters, digits, - and _"
_QDRANT = re.compile(r"qdrant\+(https?|file|memory)://(?:(.+)/)?([\w-]+)", re.ASCII)


def open_index(
    address: str | os.PathLike[str], *, bundle: Bundle | None = None, create: bool = False
) -> Index:
    """Open an index, or create it.

    Parameters
    ----------
    address : str or Path
        A folder, or a place in Qdrant: ``qdrant+http://host:6333/name`` of a server, whose key is
        read from the environment variable QDRANT_API_KEY, or for tests
        ``qdrant+file:///folder/name`` and ``qdrant+memory://name`` of this process.
    bundle : Bundle, default=None
        The encoders whose embeddings the index contains. Those of others are refused.
    create : bool, default=False
        Whether to create the index if there is none; `bundle` is needed for that.

    Returns
    -------
    Index

    Raises
    ------
    FileNotFoundError
        If there is no index at the address.
    ConnectionError
        If the Qdrant server cannot be used.
    ValueError
        If the index contains embeddings of another model, or cannot be read.
    NotInstalledError
        If the package of the store is missing.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from mibsk import IBAligner
    >>> from mibsk.bundle import Bundle, write_bundle
    >>> from mibsk.datasets import load_digits_halves
    >>> from mibsk.index import open_index
    >>> halves = load_digits_halves().data
    >>> folder = Path(tempfile.mkdtemp())
    >>> aligner = IBAligner(max_epochs=1, random_state=0).fit(halves)
    >>> manifest = write_bundle(aligner, folder / "bundle")
    >>> bundle = Bundle(folder / "bundle")
    >>> index = open_index(folder / "index", bundle=bundle, create=True)
    >>> ids = [str(i) for i in range(100)]
    >>> index.add("right", ids, bundle.embed("right", halves["right"][:100]))
    >>> (hits,) = index.search("right", bundle.embed("left", halves["left"][:1]), k=3)
    >>> len(hits)
    3
    """
    if str(address).startswith("qdrant"):
        return _open_qdrant(str(address), bundle, create)
    if "://" in str(address):
        raise ValueError(f"{address} is no address of an index: expected a folder, or {_EXPECTED}.")
    folder = Path(os.path.abspath(address))
    found = read_record(folder)
    if found is None:
        return create_lance(folder, *_new_space(str(folder), bundle, create))
    _check_same_space(str(folder), found[0], bundle)
    return LanceIndex(folder, *found)


def _open_qdrant(address: str, bundle: Bundle | None, create: bool) -> Index:
    match = _QDRANT.fullmatch(address)
    if match is None or (match[1] == "memory") != (match[2] is None):
        raise ValueError(f"{address} is no address of an index: expected {_EXPECTED}.")
    kind, place, name = match.groups()
    client = connect(kind, place or "")
    with server_errors(address):
        found = read_qdrant(client, name)
        if found is None:
            found = _new_space(address, bundle, create)
            create_qdrant(client, name, *found)
        _check_same_space(address, found[0], bundle)
        return QdrantIndex(address, client, name, *found)


def _new_space(address: str, bundle: Bundle | None, create: bool) -> tuple[str, int]:
    """Return digest and dimension of an index to create."""
    if not create:
        raise FileNotFoundError(f"no index at {address}: build one with mibsk index.")
    if bundle is None:
        raise ValueError("a new index needs the bundle whose embeddings it will contain.")
    return bundle.digest, bundle.manifest.n_components


def _check_same_space(address: str, digest: str, bundle: Bundle | None) -> None:
    """Raise if an index contains embeddings of another model than those of a bundle."""
    if bundle is not None and bundle.digest != digest:
        raise ValueError(
            f"{address} contains embeddings of another model (digest {digest[:12]}) than "
            f"{bundle.path} (digest {bundle.digest[:12]}), which cannot be compared: use the "
            "bundle that the index was built with, or build another index."
        )
