"""Programs that prepare the input of encoders in other languages, and examples for tests."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path

import numpy as np

from ..data import InputSpec, pad_csr
from ._entries import digest_of
from ._folder import named_after

_PROGRAMS = ("text.c", "text.js", "text.py")
_N_COLUMNS = 2**15

EXAMPLES = (
    "",
    " \t\n",
    "a",
    "A small red circle",
    "tabs\tand\u00a0other\u3000spaces\x1c\x85end",
    "Grüße, ÉCOLE, İstanbul, ẞ",
    "ΟΔΥΣΣΕΥΣ ΣΑΣ ΑΣ\u0301 Α.Σ Σ",
    "データ 資料 데이터",
    "\U0001f600\U0001f1e9\U0001f1ea \U00010400\U00010428",
    "zero\u200bwidth \ufeff mark",
    "x" * 200,
)


def text_programs() -> tuple[dict[str, Path | bytes], dict[str, str]]:
    """Return the content of the files for text, and their digests, by path in the folder.

    They are in a folder that is named after their content.
    """
    folder = files(__package__) / "preprocessing"
    contents = {name: (folder / name).read_bytes() for name in _PROGRAMS}
    contents["golden.json"] = _golden()
    digests = {name: hashlib.sha256(each).hexdigest() for name, each in contents.items()}
    place = named_after("text", "", digest_of(digests))
    return (
        {f"{place}/{name}": each for name, each in contents.items()},
        {f"{place}/{name}": each for name, each in digests.items()},
    )


def _golden() -> bytes:
    spec = InputSpec("text", "text", (_N_COLUMNS,))
    rows = []
    for text in EXAMPLES:
        prepared = spec.prepare(np.array([text], object))
        indices, values = pad_csr(prepared, slice(None))
        row = {"text": text, "indices": indices[0].tolist(), "values": values[0].tolist()}
        rows.append(row)
    return (json.dumps(rows, indent=1) + "\n").encode()
