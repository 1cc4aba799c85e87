"""Log of the server: one JSON object a line on stderr, without bodies and tokens."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

import orjson


def log(event: str, *, level: str = "info", **values: Any) -> None:
    """Write one line."""
    line = {"time": round(time.time(), 3), "level": level, "event": event, **values}
    sys.stderr.write(orjson.dumps(line, default=str).decode("utf-8", "replace") + "\n")


class JsonHandler(logging.Handler):
    """Handler that writes the records of other packages in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        values = {"logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            values["exception"] = logging.Formatter().formatException(record.exc_info)
        log("message", level=record.levelname.lower(), **values)
