"""The record of a run."""

from __future__ import annotations

import platform
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mibsk import __version__

from ._setup import GB, N_THREADS, Setup


def in_short(error: Exception) -> str:
    """Return kind and message of an error, and the last line of this project that it came from."""
    root = Path(__file__).parents[2]
    frames = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)]
    ours = [
        f"{path.relative_to(root)}:{line}"
        for path, line in zip(frames, lines, strict=True)
        if path.is_relative_to(root)
    ]
    first = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__} at {ours[-1] if ours else '?'}: {first:.200}"


def about(setup: Setup) -> dict[str, Any]:
    """Return what the numbers depend on."""
    cuda = setup.device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(setup.device) if cuda else "CPU, small data",
        "memory, GB": round(torch.cuda.get_device_properties(setup.device).total_memory / GB, 1)
        if cuda
        else None,
        "mibsk": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "CUDA": torch.version.cuda,
        "cuDNN": torch.backends.cudnn.version(),
        "threads of the CPU": N_THREADS,
    }


def failures(results: dict[str, Any]) -> list[str]:
    """Return what does not hold, and the parts that failed."""
    found = []
    for part, result in results["parts"].items():
        if "error" in result:
            found.append(f"{part}: {result['error']}")
        for row in result.get("rows", ()):
            if row.get("holds") is False:
                texts = [f"{key}={value}" for key, value in row.items() if key != "holds"]
                found.append(f"{part}: {', '.join(texts)}")
    return found
