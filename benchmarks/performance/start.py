"""Processor time of imports, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from ._ratio import Ratio, of_rounds

ROUNDS = 7
IMPORTS = {
    "from mibsk import IBAligner": "import torch, sklearn",
    "from mibsk import OnnxEncoder": "import sklearn",
    "from mibsk.metrics import cka": "import sklearn",
}


def _seconds(statement: str) -> float:
    code = f"{statement}; import time; print(time.process_time())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def ratios() -> Iterator[Ratio]:
    """Whole processes, the interpreter included."""
    for ours, theirs in IMPORTS.items():
        _seconds(ours), _seconds(theirs)  # files are in memory
        rounds = [(_seconds(ours), _seconds(theirs)) for _ in range(ROUNDS)]
        yield of_rounds(ours, theirs, rounds)
