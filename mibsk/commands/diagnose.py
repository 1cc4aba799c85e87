"""The command ``mibsk diagnose``."""

from __future__ import annotations

import os
from typing import Any

import click

from ._options import (
    groups_option,
    labels_option,
    level_option,
    output_option,
    permutations_option,
    quiet_option,
    seed_option,
    split_names,
)
from ._reports import deliver, files_of_options
from ._running import one_line_errors, progress_shown


@click.command(no_args_is_help=True)
@click.argument("files", metavar="A B [C ...]", nargs=-1, required=True)
@labels_option
@click.option(
    "--match",
    metavar="F,G",
    callback=split_names,
    help="Every row that agrees in these factors counts as a partner, as for pairs by class.",
)
@groups_option("They are held out and permuted as a whole.")
@click.option(
    "--names",
    metavar="A,B",
    callback=split_names,
    help="Names of the tables; by default those of their files.",
)
@click.option(
    "--rows",
    "max_rows",
    type=click.IntRange(10),
    metavar="N",
    default=10_000,
    show_default=True,
    help="Use at most N random rows.",
)
@level_option("intervals")
@permutations_option(199, "test")
@seed_option
@output_option("json", "diagnosis.json", "all numbers")
@output_option("html", "diagnosis.html", "the page with pictures")
@quiet_option
def diagnose(
    files: tuple[str, ...],
    labels: str | None,
    names: list[str],
    json_path: str,
    html_path: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Say what paired tables share, before anything is trained.

    A, B and any others hold the rows of one modality each; row i of all belongs together. They are
    .npy, .npz (FILE.npz:NAME for one of several arrays), .csv, .tsv or .parquet files of numbers.

    Prints whether they share anything linear and how many directions, whether the rows suffice, and
    whether IBAligner is likely to add to the closed form, with intervals, and writes it as JSON and
    as a page of HTML.
    """
    os.environ.setdefault("MPLBACKEND", "agg")  # pictures go into files
    from .. import reporting

    with one_line_errors():
        inputs = [*files, *files_of_options(labels, options["groups"])]
        reporting.check_outputs((json_path, html_path), inputs)
        with progress_shown(quiet) as progress:
            report = reporting.diagnose_files(
                files, labels, names=names or None, progress=progress, **options
            )
    deliver(report, json_path, html_path, quiet=quiet)
