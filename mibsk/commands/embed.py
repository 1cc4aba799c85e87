"""The command ``mibsk embed``."""

from __future__ import annotations

from typing import Any

import click

from ._options import (
    quiet_option,
    split_names,
)
from ._running import one_line_errors, progress_shown


@click.command(no_args_is_help=True)
@click.argument("model", metavar="MODEL")
@click.argument("files", metavar="ROWS...", nargs=-1, required=True)
@click.argument("folder", metavar="OUT")
@click.option("--modality", metavar="NAME", help="Modality of the rows, if the model has several.")
@click.option(
    "--id",
    "ids",
    multiple=True,
    metavar="COLUMN",
    help="A column that identifies the rows, copied to the output; can be repeated.",
)
@click.option(
    "--columns",
    metavar="A,B",
    callback=split_names,
    help="Columns of the modality. By default those of the training, or all that identify no rows.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    metavar="N",
    default=1024,
    show_default=True,
    help="Number of rows that are read and embedded at a time.",
)
@click.option(
    "--format",
    type=click.Choice(["parquet", "npy"]),
    help="Format of the output; by default npy for arrays and parquet for tables.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Dask scheduler, such as tcp://host:8786, whose workers embed one file each.",
)
@quiet_option
def embed(model: str, files: tuple[str, ...], folder: str, quiet: bool, **options: Any) -> None:
    """Embed the rows of many files, into a folder.

    MODEL is what save() of an aligner has written, or an encoder exported to ONNX, as encoders of
    your own modules have to be. ROWS are .npy, .parquet, .csv or .tsv files, which are read in
    chunks. OUT is a folder, with one file for each.

    Files are written whole or not at all. When the command is repeated, it leaves those as they are
    that the same model has embedded from the same rows. A file that cannot be embedded is listed at
    the end, after all others are done, and the exit status is then 1.
    """
    from .. import embedding

    with one_line_errors(), progress_shown(quiet) as progress:
        done = embedding.embed_files(model, files, folder, progress=progress, **options)
    for line in embedding.summary(done):
        if not quiet:
            click.echo(line)
    failed = [outcome for outcome in done if outcome.status == "failed"]
    for outcome in failed:
        click.echo(f"mibsk: {' '.join(outcome.reason.split())}", err=True)
    if failed:
        raise click.exceptions.Exit(1)
