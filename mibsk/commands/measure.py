"""The command ``mibsk measure``."""

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
@click.argument("x", metavar="A")
@click.argument("y", metavar="B")
@labels_option
@click.option(
    "--match",
    metavar="F,G",
    callback=split_names,
    help="In retrieval, every row that agrees in these factors is relevant, not only the partner.",
)
@click.option(
    "--shared", metavar="F,G", callback=split_names, help="Factors that both sides should contain."
)
@click.option(
    "--nuisances", metavar="F,G", callback=split_names, help="Factors that neither should contain."
)
@click.option(
    "--probe",
    type=click.Choice(["linear", "mlp"]),
    default="linear",
    show_default=True,
    help="The probe that reads the factors.",
)
@groups_option("Probes hold out whole groups, and intervals draw them.")
@click.option(
    "--names", nargs=2, metavar="A B", help="Names of the sides; by default those of their files."
)
@click.option(
    "--k",
    type=click.IntRange(1),
    metavar="K",
    default=10,
    show_default=True,
    help="Number of nearest neighbours.",
)
@click.option(
    "--similarity",
    type=click.Choice(["cosine", "dot"]),
    default="cosine",
    show_default=True,
    help="cosine: neighbours, retrieval and geometry scale rows to unit norm; dot: they do not.",
)
@click.option(
    "--rows",
    "max_rows",
    type=click.IntRange(2),
    metavar="N",
    help="Use N random rows for all metrics. By default all rows, and fewer for metrics that "
    "compare each row with all others; the report says how many.",
)
@level_option("bootstrap intervals")
@click.option("--no-ci", is_flag=True, help="Compute no intervals; faster.")
@permutations_option(200, "null distribution")
@seed_option
@output_option("json", "measurement.json", "all numbers")
@output_option("html", "measurement.html", "the page with pictures")
@quiet_option
def measure(
    x: str,
    y: str,
    labels: str | None,
    names: tuple[str, str] | None,
    ci: float,
    no_ci: bool,
    json_path: str,
    html_path: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Measure similarity and information of two sets of embeddings.

    A and B hold one embedding per row; row i of A and row i of B are partners. They are .npy, .npz
    (FILE.npz:NAME for one of several arrays), .csv, .tsv or .parquet files of numbers.

    Or A and B are folders, before and after a change, with two such files each, of the same names:
    both are measured, with the paired differences.

    Prints alignment, geometry, retrieval and information with intervals, and writes them as JSON
    and as a page of HTML.
    """
    os.environ.setdefault("MPLBACKEND", "agg")  # pictures go into files
    from .. import reporting

    with one_line_errors():
        folders = os.path.isdir(x) and os.path.isdir(y)
        embeddings = sum(reporting.files_of_folders(x, y, labels), ()) if folders else (x, y)
        inputs = [*embeddings, *files_of_options(labels, options["groups"])]
        reporting.check_outputs((json_path, html_path), inputs)
        with progress_shown(quiet) as progress:
            run = reporting.measure_folders if folders else reporting.measure_files
            report = run(
                x,
                y,
                labels,
                names=names,
                ci=None if no_ci else ci,
                progress=progress,
                **options,
            )
    deliver(report, json_path, html_path, quiet=quiet)
