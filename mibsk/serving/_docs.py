"""The documentation of the routes as a page without scripts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True
)


def _with_code(text: str) -> Markup:
    """Return a text as HTML, with what is in backticks as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


_TEMPLATES.filters["with_code"] = _with_code


def docs_page(document: dict[str, Any], *, token: bool) -> str:
    """Return an OpenAPI document as HTML.

    Parameters
    ----------
    document : dict
        The document.
    token : bool
        Whether requests bring a token.
    """
    groups: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            described = {
                "description": operation.get("description", ""),
                "body": body and json.dumps(body["schema"], indent=2),
                "responses": [
                    (code, each["description"]) for code, each in operation["responses"].items()
                ],
            }
            group = groups.setdefault(operation["tags"][0], [])
            group.append((path, method.upper(), described))
    template = _TEMPLATES.get_template("docs.html.j2")
    return template.render(info=document["info"], groups=groups.items(), token=token)
