"""Names of modalities and columns, as names that every store takes."""

from __future__ import annotations

import re

_PLAIN = re.compile(rb"[a-z0-9]")
_CODE = re.compile(r"_([0-9a-f]{2})")


def encode_name(name: str) -> str:
    """Return a name of a-z, 0-9 and _ alone, which differs for each name.

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
