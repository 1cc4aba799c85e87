"""onnxruntime for browsers: the files of the npm package onnxruntime-web that a site needs."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pooch

from ..files.whole_files import replace_file

VERSION = "1.30.0"
_SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
_PACKAGE = f"onnxruntime-web@{VERSION}"
_ARCHIVE = f"onnxruntime-web-{VERSION}.tgz"
_MINUTES = 5

FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""The build that runs on the CPU, in WebAssembly."""


def runtime_files(folder: str | Path | None = None) -> dict[str, Path]:
    """Return the files of the runtime, by name.

    Parameters
    ----------
    folder : str or Path, default=None
        An unpacked npm package onnxruntime-web, or its folder ``dist``. Without it, the package is
        fetched with npm once, checked against its digest and kept in the user's cache.

    Raises
    ------
    ValueError
        If a folder lacks a file; or if the package can neither be found nor fetched.
    """
    if folder is None:
        folder = _cached()
    folder = Path(folder)
    for place in (folder, folder / "dist", folder / "package" / "dist"):
        found = {name: place / name for name in FILES}
        if all(path.is_file() for path in found.values()):
            return found
    raise ValueError(
        f"{folder} is not an unpacked npm package onnxruntime-web: expected {', '.join(FILES)} in "
        f"it or in its folder dist. Run npm pack {_PACKAGE}, and unpack the archive."
    )


def _cached() -> Path:
    """Return the folder of the package in the cache, fetched if it is not there."""
    folder = Path(pooch.os_cache("mibsk")) / f"onnxruntime-web-{VERSION}"
    if not all((folder / name).is_file() for name in FILES):
        _unpack(_fetch(), folder)
    return folder


def _fetch() -> bytes:
    """Return the archive of the package."""
    npm = shutil.which("npm")
    advice = (
        f"Where npm works, run npm pack {_PACKAGE} and tar -xzf {_ARCHIVE}; then give the folder "
        "package with --runtime."
    )
    if npm is None:
        raise ValueError(
            "a site needs the npm package onnxruntime-web, and npm is not installed. " + advice
        )
    with tempfile.TemporaryDirectory() as scratch:
        command = [npm, "pack", _PACKAGE, "--silent", "--pack-destination", scratch]
        try:
            done = subprocess.run(
                command,
                cwd=scratch,
                capture_output=True,
                text=True,
                timeout=60 * _MINUTES,
                check=False,
            )
            reason = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        except subprocess.TimeoutExpired:
            reason = [f"no answer in {_MINUTES} minutes"]
        archive = Path(scratch) / _ARCHIVE
        if not archive.is_file():
            raise ValueError(
                f"npm could not fetch {_PACKAGE}, which a site needs ({reason[0]}). " + advice
            )
        content = archive.read_bytes()
    if base64.b64encode(hashlib.sha512(content).digest()).decode() != _SHA512:
        raise ValueError(
            f"npm returned another file than {_PACKAGE} of the public registry: its digest "
            "differs. Look at the registry that npm is set to. " + advice
        )
    return content


def _unpack(archive: bytes, folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as package:
        for name in FILES:
            member = package.extractfile(f"package/dist/{name}")
            assert member is not None
            replace_file(folder / name, [member.read()])
