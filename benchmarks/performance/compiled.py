"""Epochs with compiled encoders, beside those without; seconds of the processor."""

from __future__ import annotations

from collections.abc import Iterator

from ._programs import printed
from ._ratio import Ratio, of_rounds
from .step import EPOCHS

ROUNDS = 2
MLP = {"shape": (64,), "encoders": "MLP()", "epochs": 5}
CASES = {
    "MLPs, 12,800 x 64 twice, batch 128": {**MLP, "n": 12_800, "batch": 128},
    "MLPs, 20,480 x 64 twice, batch 1024": {**MLP, "n": 20_480, "batch": 1024},
    "ResNet20, 192 images (64, 64, 3) twice, batch 64": {
        "n": 192,
        "shape": (64, 64, 3),
        "encoders": "ResNet(depth=20)",
        "batch": 64,
        "epochs": 4,
    },
}


def ratios() -> Iterator[Ratio]:
    """Yield the ratios; the first epoch compiles, unless an earlier process has.

    The time of processes that the compiler starts is not included.
    """
    for what, case in CASES.items():
        yes, no = (
            EPOCHS.format(**case, more=f"precision='float32', compile={value}")
            for value in (True, False)
        )
        times = [(printed(yes), printed(no)) for _ in range(ROUNDS)]
        for number, epoch in enumerate(("epoch", "first epoch")):
            pairs = [(ours[number], theirs[number]) for ours, theirs in times]
            yield of_rounds(f"{epoch} of {what}, compile=True", "compile=False", pairs)
