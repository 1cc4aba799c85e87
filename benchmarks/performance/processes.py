"""Two processes that train one model, and the command that embeds many files."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mibsk import IBAligner
from mibsk.embedding import embed_files

from ._ratio import Ratio, in_turns, of_rounds

EPOCH = "benchmarks.performance._joint_epoch"
TORCHRUN = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
ROUNDS = 3


def ratios() -> Iterator[Ratio]:
    what = "epoch of ResNet20 on two cores, batch 128, 32 x 32: two processes"
    rounds = [(_epoch(1, *TORCHRUN), _epoch(1), _epoch(2)) for _ in range(ROUNDS)]
    yield of_rounds(what, "one process on one core", [(two, one) for two, one, _ in rounds])
    rounds_of_threads = [(two, threads) for two, _, threads in rounds]
    yield of_rounds(what, "one process of two threads", rounds_of_threads)
    yield from _embedding()


def _epoch(n_threads: int, *launcher: str) -> float:
    environment = os.environ | {"OMP_NUM_THREADS": str(n_threads)}
    command = [sys.executable, "-m", *launcher, EPOCH]
    printed = subprocess.check_output(
        command, env=environment, text=True, stderr=subprocess.DEVNULL
    )
    return float(printed.split()[-1])


def _embedding() -> Iterator[Ratio]:
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(2000, 8))
    X = {name: (hidden @ rng.normal(size=(8, 256))).astype(np.float32) for name in "ab"}
    aligner = IBAligner(encoders="network", max_epochs=1, random_state=0).fit(X)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        aligner.save(folder / "model.safetensors")
        files = [folder / f"{i}.npy" for i in range(8)]
        for file in files:
            np.save(file, np.tile(X["a"], (10, 1)))

        def all_files() -> None:
            for path in (folder / "out").glob("*"):
                path.unlink()
            done = embed_files(folder / "model.safetensors", files, folder / "out", modality="a")
            assert {outcome.status for outcome in done} == {"embedded"}

        def by_hand() -> None:
            encoder = IBAligner.load(folder / "model.safetensors").encoder("a")
            for file in files:
                np.save(folder / "by_hand.npy", encoder.transform(np.load(file)))

        what = "8 files of 20,000 x 256: embed_files"
        yield in_turns(what, "a loop over np.load, transform and np.save", all_files, by_hand)

        def again() -> None:
            embed_files(folder / "model.safetensors", files, folder / "out", modality="a")

        all_files()
        what = "8 files of 20,000 x 256, finished: embed_files"
        yield in_turns(what, "the same loop", again, by_hand)
