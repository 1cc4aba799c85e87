"""Speed and memory of the package beside its rivals, as ratios measured in one run.

    OMP_NUM_THREADS=1 python -m benchmarks.performance [SUBJECT ...]
        [--results benchmarks/results/performance.csv] [--table]

Each subject is a file in this folder, whose `ratios` yields what it measured. Both programs of a
ratio take turns, so that the load of the machine is that of both. The rows of a subject replace its
earlier ones in the results; the others are kept. ``--table`` prints the results as the table of
docs/performance.md.
"""

from __future__ import annotations

import argparse
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pandas as pd

from ._ratio import Ratio
from ._table import table

SUBJECTS = sorted(
    module.name
    for module in pkgutil.iter_modules([str(Path(__file__).parent)])
    if not module.name.startswith("_")
)


def measured(subject: str) -> Iterator[Ratio]:
    """Yield the ratios of a subject, and print each once it is known."""
    for ratio in import_module(f"{__package__}.{subject}").ratios():
        print(
            f"{subject}: {ratio.what} / {ratio.rival}: {ratio.ratio:.3g} "
            f"({ratio.low:.3g} to {ratio.high:.3g}), {ratio.ours:.4g} {ratio.unit}",
            flush=True,
        )
        yield ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=", ".join(SUBJECTS))
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results/performance.csv"))
    parser.add_argument("--table", action="store_true", help="only print what was measured")
    options = parser.parse_args()
    if options.table:
        print(table(pd.read_csv(options.results)), end="")
        return
    if unknown := set(options.subjects) - set(SUBJECTS):
        parser.error(f"unknown subjects {sorted(unknown)}: choose from {', '.join(SUBJECTS)}")
    options.results.parent.mkdir(parents=True, exist_ok=True)
    for subject in options.subjects or SUBJECTS:
        found = []
        for ratio in measured(subject):
            found.append({"subject": subject, **ratio._asdict()})
            save(pd.DataFrame(found), options.results)


def save(found: pd.DataFrame, path: Path) -> None:
    """Write what was measured, in place of the earlier rows of its subject."""
    if path.is_file():
        earlier = pd.read_csv(path)
        found = pd.concat([earlier[~earlier["subject"].isin(found["subject"])], found])
    found = found.sort_values("subject", kind="stable")
    found.to_csv(path, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
