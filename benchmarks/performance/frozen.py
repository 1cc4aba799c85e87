"""Seconds of fits below a frozen tower, beside a tower that is run in every epoch."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from mibsk import IBAligner
from mibsk.encoders import Frozen, FrozenTrunk, ResNet

from ._ratio import Ratio, of_rounds, seconds

N_COMPONENTS = 32
MANY, WIDTH = 100_000, 128


def _aligner(image: object, n_epochs: int, batch_size: int) -> IBAligner:
    return IBAligner(
        encoders={"image": image, "other": "linear"},
        n_components=N_COMPONENTS,
        max_epochs=n_epochs,
        batch_size=batch_size,
        bottleneck=None,
        random_state=0,
    )


def _pairs(n: int, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    image = rng.normal(size=(n, *shape)).astype(np.float32)
    return {"image": image, "other": image.reshape(n, -1)[:, :10].copy()}


def ratios() -> Iterator[Ratio]:
    """Fit below a ResNet20 with 1,000 images, and below an MLP with 100,000 rows."""
    torch.manual_seed(0)
    tower = ResNet(20)((3, 32, 32), 64)
    X = _pairs(1000, (3, 32, 32))
    for n_epochs in (1, 10):
        yield from _fits(f"1,000 images, ResNet20, {n_epochs} epochs", tower, X, 64, n_epochs, 128)
    tower = nn.Sequential(nn.Linear(WIDTH, 2048), nn.ReLU(), nn.Linear(2048, 512))
    X = _pairs(MANY, (WIDTH,))
    yield from _fits(f"{MANY:,} rows, MLP tower, 3 epochs", tower, X, 512, 3, 1024, rounds=1)


def _fits(
    what: str,
    tower: nn.Module,
    X: dict[str, np.ndarray],
    n_features: int,
    n_epochs: int,
    batch_size: int,
    rounds: int = 3,
) -> Iterator[Ratio]:
    in_the_loop = nn.Sequential(FrozenTrunk(tower), nn.Linear(n_features, N_COMPONENTS))
    with tempfile.TemporaryDirectory() as folder:
        ours = {
            "fit": _aligner(Frozen(tower), n_epochs, batch_size),
            "fit that finds the features in a folder": _aligner(
                Frozen(tower, cache=folder), n_epochs, batch_size
            ),
        }
        rival = _aligner(in_the_loop, n_epochs, batch_size)
        ours["fit that finds the features in a folder"].fit(X)
        for name, aligner in ours.items():
            pairs = [
                (seconds(lambda: aligner.fit(X)), seconds(lambda: rival.fit(X)))  # noqa: B023
                for _ in range(rounds)
            ]
            yield of_rounds(f"{what}, {name}", "the tower in the loop", pairs)
