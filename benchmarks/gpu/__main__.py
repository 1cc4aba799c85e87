"""Claims about GPUs, measured on one, relative to the CPU of the same machine in the same run.

    python -m benchmarks.gpu [PART ...] [--device auto] [--results benchmarks/results/gpu.json]

Each part prints a table. The file has the same numbers; parts of an earlier call on the same device
are kept. A part that fails is recorded with its error, one that lacks a package with what it lacks,
and the next one runs. Without a GPU nothing
is measured, unless ``--device cpu`` requests a small run that only tests this program.

Times are medians after a warm-up, until all work on the device is done. Epochs of MLPs on the CPU
are timed with one thread and with all, and the faster one counts. "holds" states whether a number
is as documented.
"""

from __future__ import annotations

import argparse
import json
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from mibsk.exceptions import DuplicateRowsWarning

from ._evaluation import evaluation, neighbours, probes
from ._metrics import metrics_agree, metrics_speed
from ._models import leaving, same_numbers, without_gpu
from ._results import about, failures, in_short
from ._serving import serving
from ._setup import LeftOut, Row, Setup
from ._speed import epochs, loss, together
from ._weights import same_weights

PARTS: dict[str, Callable[[Setup], list[Row]]] = {
    "same_weights": same_weights,
    "same_numbers": same_numbers,
    "leaving": leaving,
    "metrics": metrics_agree,
    "metrics_speed": metrics_speed,
    "epochs": epochs,
    "loss": loss,
    "evaluation": evaluation,
    "neighbours": neighbours,
    "probes": probes,
    "together": together,
    "serving": serving,
}


def run(part: str, setup: Setup) -> dict[str, Any]:
    """Return what a part measured, or why it could not."""
    doc = str(PARTS[part].__doc__)
    print(f"## {part}: {doc}\n", flush=True)
    started = time.perf_counter()
    try:
        result: dict[str, Any] = {"what": doc, "rows": PARTS[part](setup)}
        table = pd.DataFrame(result["rows"]).astype(object)
        print(table.where(table.notna(), "").to_markdown(index=False))
    except LeftOut as reason:
        result = {"what": doc, "left out": str(reason)}
        print(f"left out: {reason}")
    except Exception as error:
        traceback.print_exc()
        result = {"what": doc, "error": in_short(error)}
        print(f"failed: {result['error']}")
    result["seconds"] = round(time.perf_counter() - started, 1)
    print(f"\n({result['seconds']} s)\n", flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results/gpu.json"))
    parser.add_argument("--without-gpu", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore", DuplicateRowsWarning)  # factors repeat by design
    if options.without_gpu is not None:
        without_gpu(options.without_gpu)
        return
    if options.device == "auto" and not torch.cuda.is_available():
        print("torch sees no GPU: nothing was measured (--device cpu tests this script).")
        return
    device = torch.device("cuda" if options.device == "auto" else options.device)
    setup = Setup(device, small=device.type == "cpu")
    results: dict[str, Any] = {"about": about(setup), "parts": {}}
    print(", ".join(f"{key} {value}" for key, value in results["about"].items()), "\n")
    if options.results.is_file():
        earlier = json.loads(options.results.read_text())
        if earlier["about"] == results["about"]:
            results["parts"] = earlier["parts"]
    for part in options.parts:
        results["parts"][part] = run(part, setup)
        options.results.parent.mkdir(parents=True, exist_ok=True)
        options.results.write_text(json.dumps(results, indent=1, default=float) + "\n")
    found = failures(results)
    print("\n".join([f"{len(found)} do not hold or failed:", *found]))


if __name__ == "__main__":
    main()
