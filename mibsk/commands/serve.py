"""The command ``mibsk serve``."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from ._running import one_line_errors

_OF_A_REGISTRY = ("models:/", "runs:/")
_UNITS = {"": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3}
_PACKAGES = ("fastapi", "uvicorn", "prometheus-client", "orjson", "pillow")


def parse_size(context: click.Context, parameter: click.Parameter, value: str) -> int:
    """Return the bytes of a size such as 16MB."""
    match = re.fullmatch(r"(\d+) ?([KMG]?B)?", value.upper())
    if not match or not int(match[1]):
        raise click.BadParameter(f"expected a size such as 16MB, got {value!r}.")
    return int(match[1]) * _UNITS[match[2] if match[2] and match[2] != "B" else ""]


@click.command(no_args_is_help=True)
@click.argument("bundle", metavar="BUNDLE")
@click.option("--index", metavar="ADDRESS", help="Index of rows to search, see mibsk index.")
@click.option(
    "--host", metavar="HOST", default="127.0.0.1", show_default=True, help="Address to listen on."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=8000,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="File of the token that requests have to bring. By default that of the environment "
    "variable MIBSK_TOKEN, or none.",
)
@click.option(
    "--max-body",
    callback=parse_size,
    metavar="SIZE",
    default="16MB",
    show_default=True,
    help="Largest body of a request.",
)
@click.option(
    "--max-rows",
    type=click.IntRange(1),
    metavar="N",
    default=2048,
    show_default=True,
    help="Largest number of rows of a request.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    default=30.0,
    show_default=True,
    help="Time in which a client has to send a request, and to read its answer.",
)
@click.option(
    "--poll",
    type=click.FloatRange(0),
    metavar="SECONDS",
    default=2.0,
    show_default=True,
    help="How often to look whether the bundle was replaced; 0 reloads at SIGHUP alone.",
)
@click.option(
    "--threads",
    type=click.IntRange(1),
    metavar="N",
    default=1,
    show_default=True,
    help="Threads within one operator of an encoder; more help large encoders.",
)
@click.option("--access-log/--no-access-log", default=True, help="Log a line for each request.")
def serve(
    bundle: str,
    index: str | None,
    host: str,
    port: int,
    token_file: str | None,
    max_body: int,
    max_rows: int,
    timeout: float,
    poll: float,
    threads: int,
    access_log: bool,
) -> None:
    """Serve the encoders of a bundle over HTTP.

    BUNDLE is a folder written by mibsk.bundle.write_bundle. When it is replaced, the new one is
    opened and served without a dropped request; a damaged one is not, and the log says why. SIGHUP
    reloads at once, and SIGTERM ends the server after the requests that have begun.

    BUNDLE may also be a model that was logged to MLflow with its bundle, such as
    models:/mibsk@champion or runs:/ID/model, which is fetched once.
    """
    from .._checks.packages import not_installed

    with one_line_errors():
        try:
            from .. import serving

            run = serving.serve
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] in ("mibsk", "torch"):
                raise
            raise not_installed("to serve a bundle", *_PACKAGES) from error
        settings = serving.Settings(
            token=_read_token(token_file),
            max_body=max_body,
            max_rows=max_rows,
            timeout=timeout,
            poll=poll,
            n_threads=threads,
            access_log=access_log,
        )
        opened: Callable[[Any], Any] | None = None
        if index is not None:
            from ..index import open_index

            opened = partial(_open, open_index, index)
        place: str | Path = bundle
        if bundle.startswith(_OF_A_REGISTRY):
            from ..tracking import fetch_bundle

            place = fetch_bundle(bundle)
        service = serving.Service(place, settings, open_index=opened)
        if not settings.token and host not in ("127.0.0.1", "localhost", "::1"):
            click.echo(
                f"mibsk: everybody who reaches {host} can use this server: set MIBSK_TOKEN or "
                "--token-file.",
                err=True,
            )
        run(service, host, port, lambda address: click.echo(f"{bundle} is served at {address}"))


def _open(open_index: Callable[..., Any], address: str, served: Any) -> Any:
    return open_index(address, bundle=served)


def _read_token(path: str | None) -> str:
    """Return the token, "" for none."""
    if path is None:
        token = os.environ.get("MIBSK_TOKEN")
        if token is None:
            return ""
        where = "MIBSK_TOKEN"
    else:
        token, where = Path(path).read_text("utf-8"), path
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError(f"{where} must contain a token of printable ASCII characters, no spaces.")
    return token
