"""The command ``mibsk site``."""

from __future__ import annotations

import click

from ._options import quiet_option
from ._running import one_line_errors, progress_shown


@click.command(no_args_is_help=True)
@click.argument("bundle", metavar="BUNDLE")
@click.argument("index", metavar="INDEX")
@click.option("--out", "folder", metavar="SITE", required=True, help="Folder to write.")
@click.option(
    "--runtime",
    metavar="FOLDER",
    help="Unpacked npm package onnxruntime-web; by default npm fetches it, once.",
)
@click.option(
    "--max-rows",
    type=click.IntRange(1),
    metavar="N",
    help="Maximum number of rows of each modality: the first ones of the index.",
)
@quiet_option
def site(
    bundle: str,
    index: str,
    folder: str,
    runtime: str | None,
    max_rows: int | None,
    quiet: bool,
) -> None:
    """Write a static site that embeds and searches in the browser.

    BUNDLE is a folder with encoders, INDEX the address of rows that were embedded with them. SITE
    is a folder that any file server can serve, such as python -m http.server; nothing in it asks
    another host. A folder of an earlier site is replaced, at the end and as a whole.
    """
    from ..site import write_site

    def say_size(n_bytes: int) -> None:
        if not quiet:
            click.echo(f"Writing about {megabytes(n_bytes)} to {folder}", err=True)

    with one_line_errors(), progress_shown(quiet) as progress:
        done = write_site(
            bundle,
            index,
            folder,
            runtime=runtime,
            max_rows=max_rows,
            on_size=say_size,
            progress=progress,
        )
    if not quiet:
        rows = ", ".join(f"{n:,} rows of {name}" for name, n in done.n_rows.items())
        click.echo(f"Written: {done.folder}, {megabytes(done.n_bytes)}, with {rows}")
        looked = f"python -m http.server --bind 127.0.0.1 --directory {done.folder}"
        click.echo(f"To look at it: {looked}")


def megabytes(n_bytes: int) -> str:
    """Return a size as people read it."""
    size = n_bytes / 1e6
    return f"{size:,.1f} MB" if size < 100 else f"{size:,.0f} MB"
