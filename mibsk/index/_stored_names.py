"""Names of modalities and columns, as names that every store takes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ._columns import Type

_PLAIN = re.compile(rb"[a-z0-9]")
_CODE = re.compile(r"_([0-9a-f]{2})")


_LETTERS: dict[Type, str] = {
    "string": "s",
    "integer": "i",
    "number": "n",
    "boolean": "b",
    "datetime": "d",
}
_TYPES = {letter: kind for kind, letter in _LETTERS.items()}


def encode_name(name: str) -> str:
    """Return a name of a-z, 0-9 and _ alone, a different one for each.

    Other bytes of its UTF-8 become "_" and two hexadecimal digits: SQL and some file systems take
    upper case for lower case.
    """
    parts = (bytes([byte]) for byte in name.encode())
    return "".join(part.decode() if _PLAIN.match(part) else f"_{part[0]:02x}" for part in parts)


def decode_name(encoded: str) -> str:
    """Return the name that was encoded."""
    pieces = _CODE.split(encoded)
    plain, codes = pieces[::2], pieces[1::2]
    data = plain[0].encode()
    for code, following in zip(codes, plain[1:], strict=True):
        data += bytes.fromhex(code) + following.encode()
    return data.decode()


def column_of(name: str, kind: Type) -> str:
    """Return the name that a store gives a column of metadata; it starts with the type."""
    return f"{_LETTERS[kind]}_{encode_name(name)}"


def metadata_columns(names: Iterable[str]) -> dict[str, Type]:
    """Return name and type of the metadata among the columns of a store."""
    found = (name.partition("_") for name in names)
    return {
        decode_name(encoded): _TYPES[letter] for letter, line, encoded in found if letter in _TYPES
    }
