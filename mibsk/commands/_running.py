"""Errors and progress of all commands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import click


class BadInputError(click.ClickException):
    """An input cannot be used: one line on stderr, exit status 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the line."""
        line = " ".join(self.message.split())
        click.echo(f"mibsk: {line}", file=file, err=True)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn errors of the input into one line."""
    from ..exceptions import NotInstalledError

    try:
        yield
    except (ValueError, TypeError, NotInstalledError) as error:
        raise BadInputError(str(error)) from error
    except OSError as error:
        if error.errno is None:  # of this package, not of the system
            raise BadInputError(str(error)) from error
        raise BadInputError(f"{error.filename or 'a file'}: {error.strerror or error}.") from error


@contextmanager
def progress_shown(quiet: bool) -> Iterator[Callable[[float, int, str], None] | None]:
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
