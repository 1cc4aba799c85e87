"""Digests of files."""

from __future__ import annotations

import hashlib
import os


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file in hexadecimal digits, as ``sha256sum`` writes it.

    The file is read in parts.

    Raises
    ------
    OSError
        If it cannot be read.

    Examples
    --------
    >>> import os
    >>> from mibsk.files.digest import sha256_of
    >>> sha256_of(os.devnull)[:16]
    'e3b0c44298fc1c14'
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
