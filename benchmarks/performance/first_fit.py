"""The first fit in a process, from its start to its end, beside a bare loop of torch.

The rows are 500 x 20 twice. The loop imports torch and NumPy, and trains the networks that
`encoders="network"` builds with InfoNCE for the same number of steps. Seconds are those of the
processor, of whole processes.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator

from ._programs import bare_loop, earlier_package, printed
from ._ratio import Ratio, of_rounds

ROUNDS = 3

FIT = """
import numpy as np
from mibsk import IBAligner

rng = np.random.default_rng(0)
hidden = rng.normal(size=(500, 5)).astype(np.float32)
X = {{name: hidden @ rng.normal(size=(5, 20)).astype(np.float32) for name in "ab"}}
IBAligner(random_state=0, {more}).fit(X)
"""

ROWS = """
rng = np.random.default_rng(0)
hidden = rng.normal(size=(500, 5)).astype(np.float32)
X = [torch.from_numpy(hidden @ rng.normal(size=(5, 20)).astype(np.float32)) for _ in range(2)]
X = [(x - x.mean(0)) / x.std(0) for x in X]
"""
LOOP = bare_loop(ROWS, batch=125, epochs=75, dropout=0.1)


def processor_seconds(program: str, *package: object) -> float:
    """Return the processor time of a process that runs a program."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    printed(program, *package)  # type: ignore[arg-type]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ratios() -> Iterator[Ratio]:
    """Yield the ratios of this subject."""
    with earlier_package() as earlier:
        for name, more in (
            ("networks alone", "encoders='network', bottleneck=None"),
            ("defaults", ""),
        ):
            program = FIT.format(more=more)
            times = [
                (
                    processor_seconds(program),
                    processor_seconds(program, earlier),
                    processor_seconds(LOOP),
                )
                for _ in range(ROUNDS)
            ]
            what = f"first fit of 500 x 20 twice, {name}, process to process"
            yield of_rounds(what, "a bare loop", [(ours, loop) for ours, _, loop in times])
            yield of_rounds(what, "before", [(ours, before) for ours, before, _ in times])
