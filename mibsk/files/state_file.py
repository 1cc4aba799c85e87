"""File format for models and checkpoints: safetensors, which executes no code when it is read.

The metadata in the header contain plain values as JSON, which refers to tensors by name, and a
digest of the whole file. Files are replaced atomically, so that no file is ever partly written.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, deserialize

from .. import __version__
from ..exceptions import TornFileError, VersionWarning
from ._packing import PackedTensor, pack, unpack, unpack_tensor
from .whole_files import replace_file

FORMAT = 1
_NO_DIGEST = "0" * 64  # placeholder while the digest is computed; the same in all formats
_PICKLES = (b"\x80\x03", b"\x80\x04", b"\x80\x05")
_MAX_HEADER = 100_000_000  # bytes; limit of the safetensors library


def write_state(path: str | os.PathLike[str], state: Any) -> None:
    """Write nested plain values, arrays and tensors, replacing an existing file atomically.

    Parameters
    ----------
    path : path
        Destination path. Its folder is created if needed.
    state : nested dicts, lists and tuples
        Plain values, arrays and tensors, as for :func:`pack`.

    Raises
    ------
    TypeError
        If a value has another type; the message gives its location.
    ValueError
        If the plain values exceed the size limit of the header.
    OSError
        If the file cannot be written. An existing file is then unchanged.
    """
    content, tensors = pack(state)
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    # in decreasing order of item size, so that each tensor is aligned in the file
    tensors = dict(sorted(tensors.items(), key=lambda item: -item[1].itemsize))
    data = [packed.data for packed in tensors.values()]
    header = _header(text, tensors, _NO_DIGEST)
    if len(header) > _MAX_HEADER:
        raise ValueError(
            f"{os.fspath(path)} would have {len(header)} bytes of plain values, more than the "
            f"limit of {_MAX_HEADER}: store long lists of numbers as arrays."
        )
    header = _header(text, tensors, _digest([header, *data]))
    replace_file(path, [header, *data])


def read_state(path: str | os.PathLike[str]) -> Any:
    """Read a file written by :func:`write_state`, with tensors on the CPU.

    Parameters
    ----------
    path : path
        The file.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    TornFileError
        If it is incomplete or damaged.
    ValueError
        If it is a safetensors file of another program, or in a newer format.

    Warns
    -----
    VersionWarning
        If it was written by another version of mibsk.
    """
    path = Path(path)
    whole = path.read_bytes()
    header = whole[: 8 + int.from_bytes(whole[:8], "little")]
    try:
        entries = deserialize(whole)
        metadata = json.loads(header[8:]).get("__metadata__", {})
    except (SafetensorError, ValueError, RecursionError) as error:
        is_pickle = whole.startswith(_PICKLES)
        hint = "; a pickle is loaded with pickle.load or joblib.load" if is_pickle else ""
        raise _torn(path, f"it cannot be read as a safetensors file{hint}") from error
    if b"mibsk" not in header:
        raise ValueError(
            f"{path} is a safetensors file, but not one that mibsk wrote: it lacks the description "
            "of the weights."
        )
    digest = str(metadata.get("mibsk_digest"))
    blank = header.replace(digest.encode(), _NO_DIGEST.encode(), 1)
    if _digest([blank, memoryview(whole)[len(header) :]]) != digest:
        raise _torn(path, "its content does not match its digest")
    try:
        version, written_format = metadata["mibsk_version"], int(metadata["mibsk_format"])
        if written_format <= FORMAT:
            tensors = {name: unpack_tensor(**entry) for name, entry in entries}
            state = unpack(json.loads(metadata["mibsk_state"]), tensors)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _torn(path, "its description is not as mibsk writes it") from error
    if written_format > FORMAT:
        raise ValueError(
            f"{path} was written by mibsk {version}, which is newer than this one, {__version__}, "
            f"in format {written_format}, which this one cannot read: upgrade mibsk."
        )
    check_version(str(path), version)
    return state


def can_hold(value: Any) -> bool:
    """Whether `value` can be written by :func:`write_state`."""
    try:
        pack(value)
    except TypeError:
        return False
    return True


def check_version(what: str, version: str | None) -> None:
    """Warn if a model was written by another version of mibsk.

    Parameters
    ----------
    what : str
        Name of the model, for the message.
    version : str or None
        Version that wrote the model; None if unknown.

    Warns
    -----
    VersionWarning
        If `version` is not the installed version.
    """
    if version != __version__:
        written_by = "another version of mibsk" if version is None else f"mibsk {version}"
        warnings.warn(
            f"{what} was written by {written_by}, this is {__version__}. Its results may differ: "
            "check them, then save it again; or install the version that wrote it.",
            VersionWarning,
            stacklevel=3,
        )


def _header(text: str, tensors: dict[str, PackedTensor], digest: str) -> bytes:
    """Return the first bytes of the file: the length of the JSON header, and the header."""
    header: dict[str, Any] = {
        "__metadata__": {
            "mibsk_digest": digest,
            "mibsk_format": str(FORMAT),
            "mibsk_version": __version__,
            "mibsk_state": text,
        }
    }
    end = 0
    for name, packed in tensors.items():
        start, end = end, end + len(packed.data)
        header[name] = {"dtype": packed.code, "shape": packed.shape, "data_offsets": [start, end]}
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    return len(encoded).to_bytes(8, "little") + encoded


def _digest(chunks: Iterable[Any]) -> str:
    hasher = hashlib.blake2b(digest_size=len(_NO_DIGEST) // 2)
    for chunk in chunks:
        hasher.update(chunk)
    return hasher.hexdigest()


def _torn(path: Path, why: str) -> TornFileError:
    return TornFileError(f"{path} is incomplete or damaged: {why}.")
