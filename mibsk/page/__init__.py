"""The page that searches one modality with another: files for a server or a static site.

Its scripts are ES modules that a browser runs as they are. They draw everything from the manifest
of a bundle and ask one of two backends, which have the same functions: ``static/http.js`` asks a
server, ``static/local.js`` computes in the browser. The ``<meta name="mibsk-backend">`` of
``index.html`` says which.
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent

FILES: dict[str, Path] = {
    "index.html": _FOLDER / "index.html",
    **{f"static/{path.name}": path for path in sorted((_FOLDER / "static").iterdir())},
}
"""Files of the page, by their path below the address of the page."""
