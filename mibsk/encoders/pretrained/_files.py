"""Local files of pretrained towers."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from ...files.digest import sha256_of

PICTURES = ("preprocessor_config.json", "processor_config.json")
"""Files that say how pictures are resized and normalised; the first that exists is read."""

SENTENCES = ("modules.json", "1_Pooling/config.json")
"""Files that say how sentence-transformers pools the states of a text."""


def local_path(path: str | PathLike[str]) -> Path:
    """Return the path of a folder or an ONNX file.

    Raises
    ------
    FileNotFoundError
        If there is none; nothing is downloaded.
    """
    found = Path(path).expanduser()
    if found.is_dir() or (found.suffix == ".onnx" and found.is_file()):
        return found
    if found.is_file():
        raise ValueError(
            f"{path} is a file: expected the folder of a model, with config.json and safetensors, "
            "or a file whose name ends in .onnx."
        )
    name = os.fspath(path)
    advice = "pass the path of one."
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        advice = (
            f"if it is the name of a model, download it once with `hf download {name} --local-dir "
            "DIR`, and pass DIR."
        )
    raise FileNotFoundError(
        f"no folder or ONNX file at {name}. mibsk downloads no models: {advice} For a saved "
        "model whose tower was moved, pass encoders=, or tower= of a captioner, to load."
    )


def digest_of_files(paths: Iterable[Path]) -> str:
    """Return 32 hexadecimal digits of the names and contents of those files that exist."""
    hasher = hashlib.blake2b(digest_size=16)
    for path in paths:
        if path.is_file():
            hasher.update(f"{path.name}:{sha256_of(path)};".encode())
    return hasher.hexdigest()
