"""The command ``mibsk``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from . import __version__

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class BadInputError(click.ClickException):
    """An input cannot be used: one line on stderr, exit status 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the line."""
        line = " ".join(self.message.split())
        click.echo(f"mibsk: {line}", file=file, err=True)


@click.group(context_settings=_SETTINGS)
@click.version_option(__version__, prog_name="mibsk")
def main() -> None:
    """Shared representations of paired data."""


def _factors(context: click.Context, parameter: click.Parameter, value: str | None) -> list[str]:
    return [name.strip() for name in (value or "").split(",") if name.strip()]


_Command = Callable[..., Any]

_labels = click.option(
    "--labels", metavar="FILE", help="Classes of the rows, one column per factor."
)
_seed = click.option(
    "--seed",
    "random_state",
    type=click.IntRange(0),
    metavar="N",
    default=0,
    show_default=True,
    help="Seed of all random choices.",
)
_quiet = click.option("--quiet", "-q", is_flag=True, help="Print only errors.")


def _groups(use: str) -> Callable[[_Command], _Command]:
    return click.option(
        "--groups",
        metavar="F|FILE",
        help="Groups of rows that are not independent, such as recordings of one speaker: a factor "
        f"of the labels, or a file of one column. {use}",
    )


def _level(what: str) -> Callable[[_Command], _Command]:
    return click.option(
        "--ci",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        metavar="LEVEL",
        default=0.95,
        show_default=True,
        help=f"Level of the {what}.",
    )


def _permutations(default: int, disabled: str) -> Callable[[_Command], _Command]:
    return click.option(
        "--permutations",
        "n_permutations",
        type=click.IntRange(0),
        metavar="N",
        default=default,
        show_default=True,
        help=f"Number of permutations; 0 disables the {disabled}.",
    )


def _output(kind: str, default: str, what: str) -> Callable[[_Command], _Command]:
    return click.option(
        f"--{kind}",
        f"{kind}_path",
        metavar="FILE",
        default=default,
        show_default=True,
        help=f"Where to write {what}.",
    )


@main.command(no_args_is_help=True)
@click.argument("x", metavar="A")
@click.argument("y", metavar="B")
@_labels
@click.option(
    "--match",
    metavar="F,G",
    callback=_factors,
    help="In retrieval, every row that agrees in these factors is relevant, not only the partner.",
)
@click.option(
    "--shared", metavar="F,G", callback=_factors, help="Factors that both sides should contain."
)
@click.option(
    "--nuisances", metavar="F,G", callback=_factors, help="Factors that neither should contain."
)
@click.option(
    "--probe",
    type=click.Choice(["linear", "mlp"]),
    default="linear",
    show_default=True,
    help="The probe that reads the factors.",
)
@_groups("Probes hold out whole groups, and intervals draw them.")
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
@_level("bootstrap intervals")
@click.option("--no-ci", is_flag=True, help="Compute no intervals; faster.")
@_permutations(200, "null distribution")
@_seed
@_output("json", "measurement.json", "all numbers")
@_output("html", "measurement.html", "the page with pictures")
@_quiet
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
    from . import reporting

    with _one_line_errors():
        folders = os.path.isdir(x) and os.path.isdir(y)
        embeddings = sum(reporting.files_of_folders(x, y, labels), ()) if folders else (x, y)
        inputs = [*embeddings, *_files_of_options(labels, options["groups"])]
        reporting.check_outputs((json_path, html_path), inputs)
        with _progress(quiet) as progress:
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
    _deliver(report, json_path, html_path, quiet=quiet)


@main.command(no_args_is_help=True)
@click.argument("files", metavar="A B [C ...]", nargs=-1, required=True)
@_labels
@click.option(
    "--match",
    metavar="F,G",
    callback=_factors,
    help="Every row that agrees in these factors counts as a partner, as for pairs by class.",
)
@_groups("They are held out and permuted as a whole.")
@click.option(
    "--names",
    metavar="A,B",
    callback=_factors,
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
@_level("intervals")
@_permutations(199, "test")
@_seed
@_output("json", "diagnosis.json", "all numbers")
@_output("html", "diagnosis.html", "the page with pictures")
@_quiet
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
    from . import reporting

    with _one_line_errors():
        inputs = [*files, *_files_of_options(labels, options["groups"])]
        reporting.check_outputs((json_path, html_path), inputs)
        with _progress(quiet) as progress:
            report = reporting.diagnose_files(
                files, labels, names=names or None, progress=progress, **options
            )
    _deliver(report, json_path, html_path, quiet=quiet)


@main.command(no_args_is_help=True)
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
    callback=_factors,
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
@_quiet
def embed(model: str, files: tuple[str, ...], folder: str, quiet: bool, **options: Any) -> None:
    """Embed the rows of many files, into a folder.

    MODEL is what save() of an aligner has written, or an encoder exported to ONNX, as encoders of
    your own modules have to be. ROWS are .npy, .parquet, .csv or .tsv files, which are read in
    chunks. OUT is a folder, with one file for each.

    Files are written whole or not at all. When the command is repeated, it leaves those as they are
    that the same model has embedded from the same rows. A file that cannot be embedded is listed at
    the end, after all others are done, and the exit status is then 1.
    """
    from . import embedding

    with _one_line_errors(), _progress(quiet) as progress:
        done = embedding.embed_files(model, files, folder, progress=progress, **options)
    for line in embedding.summary(done):
        if not quiet:
            click.echo(line)
    failed = [outcome for outcome in done if outcome.status == "failed"]
    for outcome in failed:
        click.echo(f"mibsk: {' '.join(outcome.reason.split())}", err=True)
    if failed:
        raise click.exceptions.Exit(1)


def _files_of_options(labels: str | None, groups: str | None) -> list[str]:
    """Return the further files that are read; groups may also name a column of the labels."""
    of_groups = [groups] if groups and os.path.exists(groups) else []
    return [*([labels] if labels else []), *of_groups]


def _deliver(report: Any, json_path: str, html_path: str, *, quiet: bool) -> None:
    """Write a report to files, and print it."""
    from . import reporting

    reporting.write_report(report, json_path, html_path)
    if not quiet:
        reporting.print_report(report, sys.stdout)
        written = [reporting.printable(path) for path in (json_path, html_path)]
        click.echo(f"\nWritten: {' and '.join(written)}")


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Turn errors of the input into one line."""
    from .exceptions import NotInstalledError

    try:
        yield
    except (ValueError, TypeError, NotInstalledError) as error:
        raise BadInputError(str(error)) from error
    except OSError as error:
        raise BadInputError(f"{error.filename or 'a file'}: {error.strerror or error}.") from error


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[float, int, str], None] | None]:
    """Show progress: a bar in a terminal, short lines elsewhere."""
    if quiet:
        yield None
    elif not sys.stderr.isatty():
        yield _print_step
    else:
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("reading", total=None)
            yield lambda done, n, title: bar.update(
                task, completed=done, total=n or None, description=title or None
            )


def _print_step(done: float, n: int, title: str) -> None:
    if title:
        click.echo(f"[{int(done) + 1}/{n}] {title}" if n else title, err=True)


if __name__ == "__main__":
    main()
