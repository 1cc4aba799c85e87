"""Reports: measurements that are written to files."""

from __future__ import annotations

import os

from ..files.whole_files import replace_file
from ._measurement import Measurement
from ._page import render


class Report(Measurement):
    """A measurement that can be written as JSON and as a page of HTML."""

    def to_html(self) -> str:
        """Return the report as one page without external resources."""
        return render(self)

    def write(
        self,
        json: str | os.PathLike[str] | None = None,
        html: str | os.PathLike[str] | None = None,
    ) -> None:
        """Write the report to files; earlier files are replaced as a whole or not at all."""
        for path, content in ((json, self.to_json), (html, self.to_html)):
            if path is not None:
                # names of files need not be valid Unicode
                replace_file(path, [content().encode(errors="backslashreplace")])
