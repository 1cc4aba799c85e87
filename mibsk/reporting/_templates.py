"""Pages of HTML from the templates of this package."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from .. import __version__
from ._pictures import DARK, LIGHT


def render(name: str, **values: Any) -> str:
    """Return the page of a template, which also knows the version and the colours of both papers.

    Parameters
    ----------
    name : str
        Name of the file.
    **values
        What the template shows; markup in it is text.
    """
    environment = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name).render(
        version=__version__, light=LIGHT, dark=DARK, **values
    )
