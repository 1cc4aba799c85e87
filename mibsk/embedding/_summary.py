"""What became of the files of an embedding, in a few lines."""

from __future__ import annotations

from collections.abc import Sequence

from ._one_file import Outcome


def summary(done: Sequence[Outcome]) -> list[str]:
    """Return lines that say how many files were embedded, left as they are, and failed."""
    by_status = {
        status: [outcome for outcome in done if outcome.status == status]
        for status in ("embedded", "up to date", "failed")
    }
    lines = [
        f"{outcome.rows.name}: embedded again ({outcome.reason})"
        for outcome in by_status["embedded"]
        if outcome.reason
    ]
    n_rows = sum(outcome.n_rows for outcome in done)
    counts = [f"{len(by_status['embedded'])} embedded ({n_rows:,} rows)"]
    counts += [f"{len(by_status[name])} {name}" for name in ("up to date", "failed")]
    return [*lines, f"{len(done)} file(s): {', '.join(counts)}"]
