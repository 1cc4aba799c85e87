"""Building of an index from files of rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .._checks.parameters import check_scalar
from ..bundle import Bundle
from ._corpus import Chunk, Corpus, Options, Source, check_readable
from ._embed_chunk import embed_chunk
from ._protocol import Index

PathLike = str | os.PathLike[str]
Progress = Callable[[float, int, str], None]
"""Called as ``progress(n_done, n_all, title)``; the title is empty while a file is being read."""


@dataclass(frozen=True)
class Indexed:
    """What became of a file of rows.

    Parameters
    ----------
    path : Path
        The file.
    n_added : int
        Number of rows that were embedded and added.
    n_there : int
        Number of rows that an earlier call has added from the same file.
    n_missing : int
        Number of rows that were left out, as they are missing.
    n_removed : int
        Number of rows that an earlier call has added from the same file, which are no longer in it.
    n_updated : int
        Number of rows that were there, whose files of contents have changed and were read again.
    """

    path: Path
    n_added: int
    n_there: int
    n_missing: int
    n_removed: int = 0
    n_updated: int = 0


def index_files(
    index: Index,
    bundle: Bundle,
    modality: str,
    files: PathLike | Sequence[PathLike],
    *,
    id_column: str | None = None,
    metadata: str | Sequence[str] = (),
    columns: str | Sequence[str] = (),
    contents: str | None = None,
    prefix: str = "",
    batch_size: int = 4096,
    progress: Progress | None = None,
) -> list[Indexed]:
    """Embed the rows of files and add them to an index.

    Rows are added in chunks, each as a whole. If the call ends early and is repeated, rows that are
    in the index from the same files are not embedded again; files of their contents that have
    changed are read again. Rows that are missing are left out. Rows that an earlier call has added
    from a file, with the same `id_column` and `prefix`, and that it has no longer, are removed.

    Parameters
    ----------
    index : Index
        Opened by :func:`mibsk.index.open_index`.
    bundle : Bundle
        Encoders; those of the index.
    modality : str
        Modality of the rows.
    files : path or sequence of path
        ``.npy``, ``.parquet``, ``.csv`` or ``.tsv`` files, as
        :func:`mibsk.embedding.embed_files` reads them.
    id_column : str, default=None
        Column of ids; whole numbers that pandas has written as 1.0 are ids such as "1". None: the
        index that pandas has written, or the number of the row, which goes on from file to file.
        Indexes that count from 0 in all files are numbers of rows; if one file has another index,
        all are taken as they are written. Rows of different modalities with the same id are
        partners.
    metadata : str or sequence of str, default=()
        Columns to filter by; in CSV, ISO 8601 dates are read as such.
    columns : str or sequence of str, default=()
        Columns of the modality. By default those that it had in training or, if they had no names,
        all that are neither ids nor metadata nor contents.
    contents : str, default=None
        What people see or hear of a row: a folder of files that are named after the ids, or a
        column of bytes or of paths relative to the folder of the rows. None: images, text and
        tables, made of the rows.
    prefix : str, default=""
        Text in front of each id.
    batch_size : int, default=4096
        Number of rows that are embedded and added at a time.
    progress : callable, default=None
        Called as ``progress(n_done, n_all, title)``.

    Returns
    -------
    list of Indexed
        For each file, how many rows were added, were there already, and are missing.

    Raises
    ------
    ValueError, TypeError
        If a row, a file or an option cannot be used. Rows of earlier chunks stay in the index.
    OSError
        If the disk is full; what was in the index before the chunk is there.
    NotInstalledError
        If a package is missing.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from mibsk import IBAligner
    >>> from mibsk.bundle import Bundle, write_bundle
    >>> from mibsk.datasets import load_digits_halves
    >>> from mibsk.index import index_files, open_index
    >>> halves = load_digits_halves().data
    >>> folder = Path(tempfile.mkdtemp())
    >>> aligner = IBAligner(max_epochs=1, random_state=0).fit(halves)
    >>> manifest = write_bundle(aligner, folder / "bundle")
    >>> np.save(folder / "left.npy", halves["left"])
    >>> bundle = Bundle(folder / "bundle")
    >>> index = open_index(folder / "index", bundle=bundle, create=True)
    >>> (done,) = index_files(index, bundle, "left", folder / "left.npy")
    >>> done.n_added, index.modalities()["left"].n_rows
    (1797, 1797)
    """
    check_scalar("batch_size", batch_size, low=1, integer=True)
    check_readable()
    if bundle.digest != index.digest:
        raise ValueError(
            f"{index.address} contains embeddings of another model than {bundle.path}: use the "
            "bundle that it was built with, or build another index."
        )
    bundle.encoder(modality)
    options = Options(id_column, _several(columns), _several(metadata), contents, prefix)
    corpora = _open(bundle, modality, [Path(path) for path in _several(files)], options)
    sources = index.sources(modality)
    _check_numbers(index, modality, corpora, sources)
    done = []
    for i, corpus in enumerate(corpora):
        if progress is not None:
            progress(i, len(corpora), corpus.path.name)
        done.append(
            _add(
                index,
                bundle,
                modality,
                corpus,
                batch_size,
                sources,
                None
                if progress is None
                else lambda k, n, i=i: progress(i + k / max(n, 1), len(corpora), ""),  # type: ignore[misc]
            )
        )
    index.optimise()
    return done


def summary(done: Sequence[Indexed]) -> list[str]:
    """Return lines that say how many rows were added, were there already, and are missing."""
    lines = []
    for each in done:
        counts = [f"{each.n_added:,} rows added"]
        counts += [f"{each.n_there:,} there already"] if each.n_there else []
        counts += [f"{each.n_missing:,} missing, left out"] if each.n_missing else []
        counts += [f"contents of {each.n_updated:,} updated"] if each.n_updated else []
        counts += [f"{each.n_removed:,} no longer in it removed"] if each.n_removed else []
        lines.append(f"{each.path.name}: {', '.join(counts)}")
    return lines


def _several(given: Any) -> tuple[Any, ...]:
    return (given,) if isinstance(given, str | os.PathLike) else tuple(given)


def _open(bundle: Bundle, modality: str, paths: Sequence[Path], options: Options) -> list[Corpus]:
    """Return the opened files.

    Raises
    ------
    ValueError
        If one cannot be read or is given twice, two rows have the same id, or a folder of contents
        has no file of any row.
    """
    if not paths:
        raise ValueError("there are no files of rows: pass at least one.")
    corpora = [Corpus(path, bundle.manifest.encoders[modality], options) for path in paths]
    # an index that counts from 0 is what pandas makes by itself; but beside a file with another
    # index, such as 5 to 9 beside 0 to 4, it is that of a part of a table
    is_counted = all(each.by_number for each in corpora)
    first = 0
    for corpus in corpora:
        if corpus.by_number and (is_counted or not corpus.has_index):
            corpus.count_from(first)
        first += corpus.n_rows
    places: dict[str, tuple[Path, int]] = {}
    for corpus in corpora:
        for i, each in enumerate(corpus.ids):
            if each in places:
                other, j = places[each]
                raise ValueError(
                    f"row {j} of {other} and row {i} of {corpus.path} have the same id {each!r}: "
                    "give each row an id of its own."
                )
            places[each] = corpus.path, i
    found = [path.resolve() for path in paths]
    if twice := [path for path, place in zip(paths, found, strict=True) if found.count(place) > 1]:
        raise ValueError(f"{twice[0]} is given {len(twice)} times: give each file once.")
    if not any(each.has_files for each in corpora):
        raise ValueError(
            f"the folder of contents {options.contents} has no file that is named after an id: the "
            f"first id of {paths[0].name} is {corpora[0].ids[0]!r}. Rename the files, or give the "
            "column that has their names, without the ending, as ids (--id, in Python id_column=)."
        )
    return corpora


def _check_numbers(
    index: Index, modality: str, corpora: Sequence[Corpus], sources: set[str]
) -> None:
    """Raise if numbers of rows would replace the rows of other files."""
    numbered = [corpus for corpus in corpora if corpus.by_number]
    if not numbered:
        return
    own = {corpus.source[3:] for corpus in corpora}  # folder and name
    others = {each for each in sources if Source.read(each)[3:] not in own}
    if numbered[0].options.prefix:  # the numbers of other files may have another prefix
        ids = {each for corpus in numbered for each in corpus.ids}
        others = {each for each in others if ids & index.ids_of_source(modality, each)}
    if others:
        name = min(Source.read(each).name for each in others)
        raise ValueError(
            f"{index.address} has rows of {name or 'another program'} already, which the rows "
            f"of {numbered[0].path.name} may replace, as their ids are their numbers: name a "
            "column of ids, give another prefix of the numbers, or pass all files at once."
        )


def _add(
    index: Index,
    bundle: Bundle,
    modality: str,
    corpus: Corpus,
    batch_size: int,
    sources: set[str],
    progress: Callable[[int, int], None] | None,
) -> Indexed:
    source = corpus.source
    there = index.ids_of_source(modality, str(source))
    n_added = n_missing = n_updated = 0
    for chunk in corpus.chunks(batch_size):
        is_there = np.array([each in there for each in chunk.ids], bool)
        if not is_there.all():
            pending = chunk.take(np.flatnonzero(~is_there))
            z = embed_chunk(bundle, modality, corpus.path, pending)
            present = np.flatnonzero(~np.isnan(z).any(axis=1))
            n_missing += len(z) - len(present)
            n_added += len(present)
            added = pending.take(present)
            index.add(
                modality,
                added.ids,
                z[present],
                added.metadata,
                [corpus.content(added, i) for i in range(len(added.ids))],
                source=str(source),
            )
        shown = np.flatnonzero(is_there & corpus.in_files(chunk))
        if len(shown):
            n_updated += _update_contents(index, modality, corpus, chunk.take(shown))
        if progress is not None:
            progress(chunk.start + len(chunk.ids), corpus.n_rows)
    n_removed = _remove_earlier(index, modality, source, sources)
    return Indexed(corpus.path, n_added, len(there), n_missing, n_removed, n_updated)


def _update_contents(index: Index, modality: str, corpus: Corpus, chunk: Chunk) -> int:
    """Store the files of contents that are others than those in the index."""
    rows = index.get(modality, chunk.ids, vectors=True, contents=True)
    contents = [corpus.content(chunk, i) for i in range(len(rows))]
    changed = [i for i, row in enumerate(rows) if row.content != contents[i]]
    if changed:
        new = chunk.take(np.array(changed))
        z = np.array([rows[i].vector for i in changed], np.float32)
        shown = [contents[i] for i in changed]
        index.add(modality, new.ids, z, new.metadata, shown, source=str(corpus.source))
    return len(changed)


def _remove_earlier(index: Index, modality: str, source: Source, sources: set[str]) -> int:
    """Delete the rows that earlier calls have added from a file, and that it has no longer."""
    n_removed = 0
    for each in sources:
        if Source.read(each).is_earlier(source):
            n_removed += index.delete(modality, sorted(index.ids_of_source(modality, each)))
    return n_removed
