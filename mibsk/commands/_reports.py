"""Files of the commands that write a report."""

from __future__ import annotations

import os
import sys
from typing import Any

import click


def files_of_options(labels: str | None, groups: str | None) -> list[str]:
    """Return the further files that are read; groups may also name a column of the labels."""
    of_groups = [groups] if groups and os.path.exists(groups) else []
    return [*([labels] if labels else []), *of_groups]


def deliver(report: Any, json_path: str, html_path: str, *, quiet: bool) -> None:
    """Write a report to files, and print it."""
    from .. import reporting

    reporting.write_report(report, json_path, html_path)
    if not quiet:
        reporting.print_report(report, sys.stdout)
        written = [reporting.printable(path) for path in (json_path, html_path)]
        click.echo(f"\nWritten: {' and '.join(written)}")
