"""The command ``mibsk``."""

from __future__ import annotations

from importlib import import_module

import click

from . import __version__

COMMANDS = (
    "diagnose",
    "embed",
    "index",
    "measure",
    "search",
    "serve",
    "site",
    "triton",
    "unindex",
)
"""Names of the commands; each is in the module of its name in `mibsk.commands`."""


class _Commands(click.Group):
    """A group that imports a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f".commands.{cmd_name}", __package__)
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="mibsk")
def main() -> None:
    """Shared representations of paired data."""
