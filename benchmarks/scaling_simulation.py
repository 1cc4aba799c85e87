"""Time of a step in 1 to 64 processes: a simulation from what one process takes.

    OMP_NUM_THREADS=1 python -m benchmarks.scaling_simulation
        [--results benchmarks/results/scaling.csv]

Nothing here was run on more than one process. Measured on this machine: the encoders, forward and
backward, at several numbers of rows (a line is fitted), the loss of all rows at several batches (a
parabola), the optimizer, and the bytes of gradients and embeddings. Assumed: the network, as a
bandwidth and a latency of each message, with rings for large messages and trees for small ones, and
that communication does not overlap with computation.

Strong scaling keeps the batch and divides it among the processes; weak scaling keeps the rows of a
process, so that the batch grows with their number, and with it the loss, which each process
computes whole.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from mibsk import IBAligner
from mibsk.losses import Embedding

PROCESSES = (1, 2, 4, 8, 16, 32, 64)
NETWORKS = {  # bytes per second in one direction, seconds for a message
    "Ethernet, 10 Gbit/s, 50 us": (1.25e9, 50e-6),
    "InfiniBand, 200 Gbit/s, 5 us": (25e9, 5e-6),
}
BATCH, ROWS = 8192, 128  # of strong scaling; of each process in weak scaling


@dataclass(frozen=True)
class Inputs:
    """What was measured in one process.

    Parameters
    ----------
    encoders : tuple of float (2,)
        Seconds of the encoders, of a batch and of each row.
    loss : tuple of float (2,)
        Seconds of the loss, of a row and of a pair of rows.
    optimizer : float
        Seconds of the optimizer.
    gradient, embedding : int
        Bytes of all gradients, and of the embeddings of a row.
    n_norms : int
        Number of layers with batch normalisation.
    """

    encoders: tuple[float, float]
    loss: tuple[float, float]
    optimizer: float
    gradient: int
    embedding: int
    n_norms: int

    def step(self, n_rows: int, n: int, network: tuple[float, float]) -> dict[str, float]:
        """Return the seconds of the parts of a step of `n_rows` in `n` processes."""
        bandwidth, latency = network
        ring = (n - 1) / n / bandwidth
        rounds = 2 * math.ceil(math.log2(n)) * latency  # of a small message, there and back
        own = n_rows / n
        communication = 0.0
        if n > 1:
            communication += ring * n_rows * self.embedding + (n - 1) * latency
            communication += 2 * ring * self.gradient + 2 * (n - 1) * latency
            communication += 4 * self.n_norms * rounds  # two sums each way
        return {
            "encoders": self.encoders[0] + self.encoders[1] * own,
            "loss": self.loss[0] * n_rows + self.loss[1] * n_rows**2,
            "optimizer": self.optimizer,
            "communication": communication,
        }


def measured(encoder: str, shape: tuple[int, ...], rows: tuple[int, ...]) -> Inputs:
    """Measure the parts of a step of two encoders."""
    rng = np.random.default_rng(0)
    X = {name: rng.random((max(rows), *shape), np.float32) for name in ("a", "b")}
    start = {name: x[:64] for name, x in X.items()}
    aligner = IBAligner(encoders=encoder, max_epochs=1, bottleneck=None, random_state=0).fit(start)
    module = aligner.module_.train()

    def embed(n: int) -> Callable[[], None]:
        batch = {name: torch.from_numpy(x[:n]) for name, x in X.items()}

        def run() -> None:
            for name, part in batch.items():
                module.encoder(name).distribution(part)[0].sum().backward()

        return run

    def loss(n: int) -> Callable[[], None]:
        z = torch.nn.functional.normalize(torch.randn(2, n, aligner.n_components)).requires_grad_()

        def run() -> None:
            module.objective({"a": Embedding(z[0]), "b": Embedding(z[1])}).total.backward()

        return run

    parameters = list(module.parameters())
    optimizer = torch.optim.Adam(parameters)
    seconds = [median_seconds(embed(n)) for n in rows]
    slope, constant = np.polyfit(rows, seconds, 1)
    batches = np.array([1024, 2048, 4096])
    of_loss = np.array([median_seconds(loss(int(n))) for n in batches])
    linear, quadratic = np.linalg.lstsq(np.c_[batches, batches**2], of_loss, rcond=None)[0]
    return Inputs(
        (max(float(constant), 0.0), float(slope)),
        (max(float(linear), 0.0), float(quadratic)),
        median_seconds(lambda: optimizer.step()),
        sum(p.numel() * p.element_size() for p in parameters),
        2 * aligner.n_components * 4,
        sum("BatchNorm" in type(part).__name__ for part in module.modules()),
    )


def median_seconds(do: Callable[[], object], rounds: int = 5) -> float:
    do()
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        do()
        taken.append(time.perf_counter() - started)
    return float(np.median(taken))


def table(name: str, inputs: Inputs) -> pd.DataFrame:
    """Return the simulated steps."""
    lines = []
    for network, settings in NETWORKS.items():
        for kind in ("strong", "weak"):
            alone = sum(inputs.step(BATCH if kind == "strong" else ROWS, 1, settings).values())
            for n in PROCESSES:
                batch = BATCH if kind == "strong" else ROWS * n
                parts = inputs.step(batch, n, settings)
                total = sum(parts.values())
                # rows per second, relative to those of one process
                gain = alone / total * (1 if kind == "strong" else n)
                lines.append(
                    {"encoder": name, "network": network, "scaling": kind, "processes": n}
                    | {"batch": batch, "step": total, **parts}
                    | {"times_as_fast": gain, "efficiency": gain / n}
                )
    return pd.DataFrame(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results/scaling.csv"))
    options = parser.parse_args()
    found = []
    for name, encoder, shape, rows in (
        ("MLP, 512 columns", "mlp", (512,), (128, 512, 2048)),
        ("ResNet20, 64 x 64", "resnet20", (3, 64, 64), (16, 32, 64)),
    ):
        inputs = measured(encoder, shape, rows)
        print(f"measured, {name}: {inputs}")
        found.append(table(name, inputs))
    result = pd.concat(found, ignore_index=True)
    print("simulated:")
    print(result.to_string(float_format=lambda value: f"{value:.3g}"))
    result.to_csv(options.results, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
