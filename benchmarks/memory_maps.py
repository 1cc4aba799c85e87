"""Growth of resident memory while an aligner fits and transforms files larger than that.

    python -m benchmarks.memory_maps [--rows 500000] [--columns 1000] [--folder FOLDER]

Writes two paired memory maps of float32 (4 GB in total) to a temporary folder, fits for one epoch
on them as a mapping and as two tables, and transforms. Memory is the resident set size on Linux,
pages of mapped files included; its growth is the peak minus the size before the call.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from mibsk import IBAligner

from .resident_memory import MB, growth

LIMIT = 600 * MB
ROWS_AT_A_TIME = 10_000


def write_pairs(folder: Path, n_rows: int, n_columns: int) -> dict[str, np.memmap]:
    """Write two noisy linear views of ten hidden factors, and return memory maps of them."""
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=(10, n_columns)).astype(np.float32) for name in "ab"}
    with (folder / "a").open("wb") as a, (folder / "b").open("wb") as b:
        for start in range(0, n_rows, ROWS_AT_A_TIME):
            n = min(ROWS_AT_A_TIME, n_rows - start)
            hidden = rng.standard_normal((n, 10), dtype=np.float32)
            for name, file in (("a", a), ("b", b)):
                noise = rng.standard_normal((n, n_columns), dtype=np.float32)
                (hidden @ weights[name] + noise).tofile(file)
    shape = (n_rows, n_columns)
    return {name: np.memmap(folder / name, np.float32, "r", shape=shape) for name in weights}


def measure(folder: Path, n_rows: int, n_columns: int) -> None:
    """Fit and transform a mapping, and two tables."""
    pairs = write_pairs(folder, n_rows, n_columns)
    n_bytes = sum(X.nbytes for X in pairs.values())
    print(f"{n_rows} pairs of {n_columns} columns each: {n_bytes / MB:.0f} MB", flush=True)
    for form, data in {"a mapping": (pairs,), "two tables": tuple(pairs.values())}.items():
        aligner = IBAligner(max_epochs=1, random_state=0)
        with growth(f"fit on {form}", LIMIT):
            aligner.fit(*data)
        with growth("transform", LIMIT, 2 * n_rows * aligner.n_components * 4):
            aligner.transform(*data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--columns", type=int, default=1000)
    parser.add_argument("--folder", type=Path, help="parent of the temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        measure(Path(folder), options.rows, options.columns)


if __name__ == "__main__":
    main()
