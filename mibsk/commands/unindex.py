"""The command ``mibsk unindex``."""

from __future__ import annotations

import click

from ._options import quiet_option
from ._running import one_line_errors


@click.command(no_args_is_help=True)
@click.argument("address", metavar="INDEX")
@click.argument("modality", metavar="MODALITY")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@quiet_option
def unindex(address: str, modality: str, ids: tuple[str, ...], quiet: bool) -> None:
    """Delete rows of an index.

    INDEX is what mibsk index has built, and each ID that of a row of MODALITY.
    """
    from ..index import open_index

    with one_line_errors():
        index = open_index(address)
        unique = list(dict.fromkeys(ids))
        n = index.delete(modality, unique)
        index.optimise()
    if not quiet:
        click.echo(f"{n} of {len(unique)} rows deleted")
