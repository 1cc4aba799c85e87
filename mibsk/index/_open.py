"""Opening of an index by its address."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ._lance import LanceIndex, create_lance, read_record
from ._protocol import Index

if TYPE_CHECKING:
    from ..bundle import Bundle


def open_index(
    address: str | os.PathLike[str], *, bundle: Bundle | None = None, create: bool = False
) -> Index:
    """Open an index, or create it.

    Parameters
    ----------
    address : str or Path
        A folder.
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
    folder = Path(os.path.abspath(address))
    found = read_record(folder)
    if found is None:
        if not create:
            raise FileNotFoundError(f"no index at {folder}: build one with mibsk index.")
        if bundle is None:
            raise ValueError("a new index needs the bundle whose embeddings it will contain.")
        return create_lance(folder, bundle.digest, bundle.manifest.n_components)
    check_same_space(str(folder), found[0], bundle)
    return LanceIndex(folder, *found)


def check_same_space(address: str, digest: str, bundle: Bundle | None) -> None:
    """Raise if an index contains embeddings of another model than those of a bundle."""
    if bundle is not None and bundle.digest != digest:
        raise ValueError(
            f"{address} contains embeddings of another model (digest {digest[:12]}) than "
            f"{bundle.path} (digest {bundle.digest[:12]}), which cannot be compared: use the "
            "bundle that the index was built with, or build another index."
        )
