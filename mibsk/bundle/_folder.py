"""The folder of a bundle: written whole, and replaced as a whole.

Files are named after their content, so that a new bundle never changes a file of an earlier one.
The manifest is replaced last, atomically, and only then are files removed that it does not list. A
reader finds the earlier bundle or the new one, whenever the writer is killed.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ..files.digest import sha256_of
from ..files.whole_files import check_can_write, remove_unfinished, replace_file
from ._entries import digest_of
from ._manifest import CARD, FILE, Manifest

MARK = "<!-- Written by mibsk.bundle.write_bundle, which replaces this file. -->"

_SCRATCH = ".writing-"
_NAMED = re.compile(r".*-([0-9a-f]{12})")  # the stem of a file named after its content


def named_after(stem: str, suffix: str, sha256: str) -> str:
    """Return the name of a file, with the start of the digest of its content."""
    return f"{stem}-{sha256[:12]}{suffix}"


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Create an empty folder within that of a bundle, and remove it at the end.

    Raises
    ------
    ValueError
        If a bundle cannot be written to `folder`, or would replace files of something else.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: give a folder for the bundle")
    for name, is_ours in {FILE: _is_manifest, CARD: _is_card}.items():
        if (folder / name).exists() and not is_ours(folder / name):
            raise ValueError(
                f"{folder / name} is there already and not that of a bundle, which would replace "
                "it: write the bundle to a folder of its own."
            )
    there = [] if (folder / FILE).exists() or not folder.exists() else list(folder.iterdir())
    if others := sorted(each.name for each in there if not _may_be_ours(each)):
        raise ValueError(
            f"{folder} is no bundle and not empty, it contains {others[0]!r}: write the bundle to "
            "a folder of its own."
        )
    check_can_write(folder / FILE)
    for left in folder.glob(f"{_SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=_SCRATCH) as path:
        yield Path(path)


def replace_bundle(
    folder: Path, manifest: Manifest, files: Mapping[str, Path | bytes], card: str
) -> None:
    """Write the files of a bundle, then its manifest, and remove those of the earlier one.

    Parameters
    ----------
    folder : Path
        Folder of the bundle.
    manifest : Manifest
        The new one.
    files : dict of str to Path or bytes
        Content of the files that the manifest lists, by name.
    card : str
        Text of the model card.
    """
    text = manifest.to_json().encode()
    for name, content in files.items():
        replace_file(folder / name, _chunks(content))
    replace_file(folder / CARD, [card.encode()])
    replace_file(folder / FILE, [text])
    _remove_others(folder, set(files))


def _chunks(content: Path | bytes) -> Iterable[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with open(content, "rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk


def _remove_others(folder: Path, kept: set[str]) -> None:
    """Remove files and folders of earlier bundles: those that are named after their own content."""
    top = {PurePosixPath(name).parts[0] for name in kept}
    for path in folder.iterdir():
        named = _NAMED.fullmatch(path.stem)
        if path.name in top or not named or not _digest(path).startswith(named[1]):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for name in (*kept, FILE, CARD):
        remove_unfinished(folder / name)


def _digest(path: Path) -> str:
    """Return the digest that a file is named after, or a folder of files."""
    if path.is_dir():
        return digest_of({each.name: sha256_of(each) for each in path.iterdir() if each.is_file()})
    return sha256_of(path)


def _may_be_ours(path: Path) -> bool:
    """Return whether a killed writer may have left a file before there was a manifest.

    Hidden files are no reason to refuse a folder, as those of Git and of file managers.
    """
    return path.name == CARD or path.name[0] == "." or bool(_NAMED.fullmatch(path.stem))


def _is_manifest(path: Path) -> bool:
    try:
        return str(json.loads(path.read_text("utf-8"))["format"]).startswith("mibsk-bundle/")
    except (OSError, KeyError, TypeError, ValueError):
        return False


def _is_card(path: Path) -> bool:
    try:
        with open(path, encoding="utf-8") as file:
            return file.readline().strip() == MARK
    except (OSError, ValueError):
        return False
