"""Growth of time with rows, columns, modalities and batch size, as log-log slopes.

    OMP_NUM_THREADS=1 python -m benchmarks.growth [NAME ...] [--rounds 3]
        [--results benchmarks/results/growth.csv]

Each task is timed at sizes that double, the others fixed; the fastest of the rounds counts. The
slope is that of a least-squares line through the logarithms of the three largest sizes: 1 is linear
growth, 2 is quadratic. Constant parts make it smaller than the exponent of large sizes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from mibsk import CanonicalBottleneck, IBAligner, metrics
from mibsk.losses import infonce


class Sizes(NamedTuple):
    """Sizes of the data of a task."""

    rows: int = 4000
    columns: int = 64
    modalities: int = 2
    batch: int = 128


class Seconds(float):
    """Seconds that a call measured itself."""


class Task(NamedTuple):
    """What is timed, and the sizes of each dimension in which it grows."""

    make: Callable[[Sizes], Callable[[], Any]]
    fixed: Sizes
    grows: dict[str, tuple[int, ...]]


def rows_of(sizes: Sizes) -> dict[str, np.ndarray]:
    """Return views of shared factors with noise of their own."""
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((sizes.rows, sizes.columns), dtype=np.float32)
    shape = hidden.shape
    return {
        f"view {m}": hidden + rng.standard_normal(shape, dtype=np.float32)
        for m in range(sizes.modalities)
    }


def epoch(sizes: Sizes) -> Callable[[], Any]:
    """Return a call that trains two epochs and returns the seconds of the second one."""
    data = rows_of(sizes)
    aligner = IBAligner(
        encoders="mlp", bottleneck=None, max_epochs=2, batch_size=sizes.batch, random_state=0
    )
    return lambda: Seconds(aligner.fit(data).history_[-1]["dur"])


def canonical(sizes: Sizes) -> Callable[[], Any]:
    data = rows_of(sizes)
    return lambda: CanonicalBottleneck().fit(data)


def embed(sizes: Sizes) -> Callable[[], Any]:
    data = rows_of(sizes)
    small = {name: X[:256] for name, X in data.items()}
    aligner = IBAligner(encoders="mlp", max_epochs=1, random_state=0).fit(small)
    return lambda: aligner.embed(data)


def loss(sizes: Sizes) -> Callable[[], Any]:
    views = rows_of(sizes._replace(rows=sizes.batch)).values()
    z, w = (
        torch.nn.functional.normalize(torch.from_numpy(X), dim=1).requires_grad_() for X in views
    )
    return lambda: torch.autograd.grad(infonce(z, w, 0.07), [z, w])


def of_metric(metric: Callable[..., Any]) -> Callable[[Sizes], Callable[[], Any]]:
    def make(sizes: Sizes) -> Callable[[], Any]:
        X, Y = rows_of(sizes).values()
        return lambda: metric(X, Y)

    return make


def leakage(sizes: Sizes) -> Callable[[], Any]:
    X, Y = rows_of(sizes).values()
    classes = np.digitize(Y[:, 0], [-1, 0, 1])
    return lambda: metrics.leakage(X, {"factor": classes})


ROWS, COLUMNS = (2000, 4000, 8000, 16000), (64, 128, 256, 512)
TASKS = {
    "epoch of IBAligner, MLP": Task(
        epoch,
        Sizes(),
        {
            "rows": ROWS,
            "columns": COLUMNS,
            "modalities": (2, 4, 8),
            "batch": (128, 256, 512, 1024),
        },
    ),
    "CanonicalBottleneck.fit": Task(
        canonical, Sizes(), {"rows": ROWS, "columns": COLUMNS, "modalities": (2, 4, 8)}
    ),
    "embed, MLP": Task(embed, Sizes(), {"rows": (4000, 8000, 16000, 32000)}),
    "infonce, forward and backward": Task(
        loss, Sizes(columns=128), {"batch": (1024, 2048, 4096, 8192)}
    ),
    "cka, linear": Task(
        of_metric(metrics.cka),
        Sizes(rows=32000),
        {"rows": (32000, 64000, 128000, 256000), "columns": COLUMNS},
    ),
    "mutual_knn": Task(of_metric(metrics.mutual_knn), Sizes(), {"rows": ROWS, "columns": COLUMNS}),
    "leakage, one factor": Task(leakage, Sizes(), {"rows": ROWS, "columns": COLUMNS}),
}


def measured(name: str, n_rounds: int) -> Iterator[dict[str, Any]]:
    """Yield the seconds at each size."""
    task = TASKS[name]
    for dimension, sizes in task.grows.items():
        for size in sizes:
            run = task.make(task.fixed._replace(**{dimension: size}))
            run()
            taken = min(_seconds(run) for _ in range(n_rounds))
            yield {"task": name, "grows": dimension, "size": size, "seconds": taken}


def _seconds(run: Callable[[], Any]) -> float:
    started = time.perf_counter()
    told = run()
    return told if isinstance(told, Seconds) else time.perf_counter() - started


def slopes(table: pd.DataFrame) -> pd.DataFrame:
    """Return the slope of each task and dimension, and the seconds at the largest size."""
    rows = []
    for (task, dimension), part in table.groupby(["task", "grows"], sort=False):
        last = part.sort_values("size").tail(3)
        slope = np.polyfit(np.log(last["size"]), np.log(last["seconds"]), 1)[0]
        row = {"task": task, "grows with": dimension, "slope": round(float(slope), 2)}
        rows.append(row | {"up to": last["size"].iloc[-1], "seconds": last["seconds"].iloc[-1]})
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(TASKS), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results/growth.csv"))
    options = parser.parse_args()
    found = []
    for name in options.names:
        for row in measured(name, options.rounds):
            print(", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
            found.append(row)
    table = pd.DataFrame(found)
    options.results.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.results, index=False, float_format="%.4g")
    print(slopes(table).to_markdown(index=False))


if __name__ == "__main__":
    main()
