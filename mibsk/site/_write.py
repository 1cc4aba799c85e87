"""Static sites: encoders and index of a bundle, and a page that uses them in the browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bundle import Bundle
from ..index import Index, open_index
from ..page import FILES
from ._folder import MARK, check_replaceable, whole_folder
from ._rows import size_of_rows, write_rows
from ._runtime import runtime_files

_FORMAT = "mibsk-site/1"


@dataclass(frozen=True)
class Site:
    """A static site that was written.

    Parameters
    ----------
    folder : Path
        Its folder.
    n_bytes : int
        Size of all files.
    n_rows : dict of str to int
        Number of rows to search, by modality.
    """

    folder: Path
    n_bytes: int
    n_rows: dict[str, int]


def write_site(
    bundle: str | Path | Bundle,
    index: str | Path | Index,
    folder: str | Path,
    *,
    runtime: str | Path | None = None,
    max_rows: int | None = None,
    on_size: Callable[[int], None] | None = None,
    progress: Callable[[float, int, str], None] | None = None,
) -> Site:
    """Write a static site: the search page, with encoders and search in the browser.

    Any file server can serve the folder, such as ``python -m http.server``. Nothing is asked of
    another host.

    Parameters
    ----------
    bundle : str, Path or Bundle
        Encoders.
    index : str, Path or Index
        Rows that were embedded with these encoders, or their address.
    folder : str or Path
        Folder of the site. That of an earlier site is replaced, as a whole and at the end.
    runtime : str or Path, default=None
        Unpacked npm package onnxruntime-web; fetched with npm, and kept in the user's cache, if
        not given.
    max_rows : int, default=None
        Maximum number of rows of each modality: the first ones of the index.
    on_size : callable, default=None
        Called with the approximate number of bytes before anything is written.
    progress : callable, default=None
        Called as ``progress(done, n, title)``, with numbers of rows.

    Returns
    -------
    Site

    Raises
    ------
    FileNotFoundError
        If there is no bundle.
    ValueError
        If the rows were embedded with other encoders, there are none, the folder has files that are
        not those of a site, or the runtime cannot be found.
    """
    folder = Path(folder)
    check_replaceable(folder)
    if isinstance(bundle, str | Path):
        bundle = Bundle(bundle)
    if isinstance(index, str | Path):
        index = open_index(str(index), bundle=bundle)
    files = {**FILES, **{f"runtime/{k}": path for k, path in runtime_files(runtime).items()}}
    inputs = [each.input for each in bundle.manifest.encoders.values()]
    if tokenized := [each.name for each in inputs if each.tokenizer]:
        raise ValueError(
            f"the encoder of modality {tokenized[0]!r} reads token ids of a pretrained tower, "
            "which no browser computes here: serve the bundle with mibsk serve."
        )
    if any(each.is_ngrams for each in inputs):
        files["static/text.js"] = _text_program(bundle)
    summary = index.modalities()
    n_rows = {name: min(each.n_rows, max_rows or each.n_rows) for name, each in summary.items()}
    total = sum(n_rows.values())
    if not total:
        raise ValueError("the index has no rows to search: add some with mibsk index.")
    if on_size is not None:
        rows = (
            size_of_rows(index, name, n, bundle.manifest.n_components) for name, n in n_rows.items()
        )
        on_size(sum(rows) + sum(path.stat().st_size for path in _all_files(bundle, files)))

    done = 0

    def count(n: int) -> None:
        nonlocal done
        done += n
        if progress is not None:
            progress(done, total, "")

    with whole_folder(folder) as new:
        for name, path in files.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, new / name)
        _make_local(new / "index.html")
        described = _write_encoders(bundle, new)
        for number, (name, each) in enumerate(summary.items()):
            place = f"data/rows/{number}"
            write_rows(index, name, n_rows[name], new / place, count)
            described["modalities"][name] = {
                "n_rows": n_rows[name],
                "columns": dict(each.columns),
                "has_content": each.has_content,
                "folder": place,
            }
        (new / MARK).write_text(json.dumps(described, ensure_ascii=False), "utf-8")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Site(folder, size, n_rows)


def _text_program(bundle: Bundle) -> Path:
    """Return the program of the bundle that prepares text in a browser."""
    programs = bundle.manifest.preprocessing["text"]
    return bundle.path / next(name for name in programs if name.endswith("/text.js"))


def _all_files(bundle: Bundle, files: dict[str, Path]) -> list[Path]:
    encoders = [bundle.path / each.file for each in bundle.manifest.encoders.values()]
    return [*files.values(), *encoders]


def _write_encoders(bundle: Bundle, site: Path) -> dict[str, Any]:
    """Copy manifest and encoders; return what the page has to know of them."""
    encoders = {}
    (site / "data" / "encoders").mkdir(parents=True)
    for number, (name, each) in enumerate(bundle.manifest.encoders.items()):
        encoders[name] = f"data/encoders/{number}.onnx"
        shutil.copyfile(bundle.path / each.file, site / encoders[name])
    (site / "data" / "manifest.json").write_text(bundle.manifest.to_json(), "utf-8")
    return {
        "format": _FORMAT,
        "digest": bundle.digest,
        "encoders": encoders,
        "modalities": {},
    }


def _make_local(page: Path) -> None:
    """Tell a page to use the backend in the browser, and to allow WebAssembly."""
    text = page.read_text("utf-8")
    for old, new in (
        ('name="mibsk-backend" content="http"', 'name="mibsk-backend" content="local"'),
        ("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'"),
    ):
        assert old in text
        text = text.replace(old, new)
    page.write_text(text, "utf-8")
