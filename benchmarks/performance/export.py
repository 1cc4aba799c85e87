"""Seconds of an export to ONNX, beside torch's exporter, from a process that has loaded both."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from ._ratio import Ratio, of_rounds

_PROGRAM = """
import logging, sys, tempfile, time, warnings
import numpy as np
import torch
from mibsk import IBAligner
from mibsk.onnx import export_encoder

kind, whose, n_encoders = sys.argv[1], sys.argv[2], int(sys.argv[3])
rng = np.random.default_rng(0)
n = 32
if kind == "mlp":
    encoders, left = "mlp", rng.normal(size=(n, 64))
else:
    encoders = {"left": kind, "right": "mlp"}
    left = rng.integers(256, size=(n, 3, 64, 64)).astype(np.uint8)
X = {"left": left, "right": rng.normal(size=(n, 20))}
aligner = IBAligner(encoders=encoders, max_epochs=1, random_state=0, verbose=0).fit(X)
logging.getLogger("torch.onnx").setLevel(logging.ERROR)
folder = tempfile.mkdtemp()
started = time.process_time()
for i in range(n_encoders):
    path = f"{folder}/{i}.onnx"
    if whose == "ours":
        export_encoder(aligner, "left", path)
        continue
    module = aligner.as_module("left")
    dtype = torch.uint8 if kind != "mlp" else torch.float32
    example = torch.zeros((3, *left.shape[1:]), dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, (example,), path, input_names=["x"], output_names=["z"],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},), dynamo=True,
            external_data=False, verbose=False,
        )
print("seconds", time.process_time() - started)
"""


def _seconds(kind: str, whose: str, n_encoders: int) -> float:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _PROGRAM, kind, whose, str(n_encoders)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.rpartition("seconds ")[2])


def ratios() -> Iterator[Ratio]:
    """Processor time of the exports of one process; ours includes the comparison with torch."""
    for kind in ("mlp", "resnet20"):
        for n in (1, 3):
            rounds = [tuple(_seconds(kind, who, n) for who in ("ours", "theirs")) for _ in range(3)]
            what = f"export of {n} encoder{'s' if n > 1 else ''}, {kind}, with imports and parity"
            yield of_rounds(what, "torch.onnx.export alone, with imports", rounds)
