"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def split_names(context: click.Context, parameter: click.Parameter, value: str | None) -> list[str]:
    """Return the names of an option, which commas separate."""
    return [name.strip() for name in (value or "").split(",") if name.strip()]


_Command = Callable[..., Any]

labels_option = click.option(
    "--labels", metavar="FILE", help="Classes of the rows, one column per factor."
)
seed_option = click.option(
    "--seed",
    "random_state",
    type=click.IntRange(0),
    metavar="N",
    default=0,
    show_default=True,
    help="Seed of all random choices.",
)
quiet_option = click.option("--quiet", "-q", is_flag=True, help="Print only errors.")


def groups_option(use: str) -> Callable[[_Command], _Command]:
    """Return the option ``--groups``; `use` says what groups are used for."""
    return click.option(
        "--groups",
        metavar="F|FILE",
        help="Groups of rows that are not independent, such as recordings of one speaker: a factor "
        f"of the labels, or a file of one column. {use}",
    )


def level_option(what: str) -> Callable[[_Command], _Command]:
    """Return the option ``--ci``."""
    return click.option(
        "--ci",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        metavar="LEVEL",
        default=0.95,
        show_default=True,
        help=f"Level of the {what}.",
    )


def permutations_option(default: int, disabled: str) -> Callable[[_Command], _Command]:
    """Return the option ``--permutations``."""
    return click.option(
        "--permutations",
        "n_permutations",
        type=click.IntRange(0),
        metavar="N",
        default=default,
        show_default=True,
        help=f"Number of permutations; 0 disables the {disabled}.",
    )


def output_option(kind: str, default: str, what: str) -> Callable[[_Command], _Command]:
    """Return an option that names a file to write."""
    return click.option(
        f"--{kind}",
        f"{kind}_path",
        metavar="FILE",
        default=default,
        show_default=True,
        help=f"Where to write {what}.",
    )
