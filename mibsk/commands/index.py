"""The command ``mibsk index``."""

from __future__ import annotations

from typing import Any

import click

from ._options import quiet_option, split_names
from ._running import one_line_errors, progress_shown


@click.command(no_args_is_help=True)
@click.argument("bundle", metavar="BUNDLE")
@click.argument("modality", metavar="MODALITY")
@click.argument("files", metavar="ROWS...", nargs=-1, required=True)
@click.option(
    "--out",
    "address",
    metavar="INDEX",
    required=True,
    help="Index to create or to add to: a folder, or qdrant+http://HOST:PORT/NAME.",
)
@click.option(
    "--id",
    "id_column",
    metavar="COLUMN",
    help="Column of ids; rows of several modalities with the same id are partners. By default the "
    "index that pandas has written, or the number of the row.",
)
@click.option("--prefix", metavar="TEXT", default="", help="Text in front of each id.")
@click.option(
    "--metadata", metavar="A,B", callback=split_names, help="Columns that a search can filter by."
)
@click.option(
    "--contents",
    metavar="FOLDER|COLUMN",
    help="What people see or hear: files named after the ids, or a column of bytes or paths. By "
    "default images, text and tables are made of the rows.",
)
@click.option(
    "--columns",
    metavar="A,B",
    callback=split_names,
    help="Columns of the modality. By default those of the training, or all others.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    metavar="N",
    default=4096,
    show_default=True,
    help="Number of rows that are embedded and added at a time.",
)
@quiet_option
def index(
    bundle: str,
    modality: str,
    files: tuple[str, ...],
    address: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Embed the rows of files into an index, for mibsk search and mibsk serve.

    BUNDLE is a folder written by mibsk.bundle.write_bundle, and ROWS are .npy, .parquet, .csv or
    .tsv files of rows of MODALITY, which are read in chunks.

    A row with an id that the index has already replaces it. When the command is repeated after it
    was interrupted, it embeds only the rows that are not in the index yet. Embeddings of another
    model are refused.
    """
    from ..bundle import Bundle
    from ..index import index_files, open_index, summary

    with one_line_errors(), progress_shown(quiet) as progress:
        opened = Bundle(bundle)
        opened.encoder(modality)
        store = open_index(address, bundle=opened, create=True)
        done = index_files(store, opened, modality, files, progress=progress, **options)
        n = store.modalities()[modality].n_rows if store.modalities() else 0
    if not quiet:
        for line in summary(done):
            click.echo(line)
        click.echo(f"{address}: {n:,} rows of {modality}")
