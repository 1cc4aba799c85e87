"""Programs in processes of their own, which also run the package as it was at an earlier commit."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

REPOSITORY = Path(__file__).parents[2]
BEFORE = "d268f63"
"""The commit before the work on speed."""

_LOOP = """
import time
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
{data}
n, width = X[0].shape

def network(width):
    layers = []
    for wider in (256, 128):
        layers += [nn.Linear(width, wider, bias=False), nn.BatchNorm1d(wider), nn.ReLU()]
        layers += [nn.Dropout({dropout})] if {dropout} else []
        width = wider
    return nn.Sequential(*layers, nn.Linear(width, 64))

networks = nn.ModuleList([network(width), network(width)])
log_temperature = nn.Parameter(torch.tensor(-2.66))
optimizer = torch.optim.Adam([*networks.parameters(), log_temperature], lr=5e-3)
seconds = []
for epoch in range({epochs}):
    started = time.process_time()
    for rows in torch.randperm(n).split({batch}):
        z, w = (F.normalize(f(x[rows]), dim=1) for f, x in zip(networks, X))
        scores, own = z @ w.T / log_temperature.exp(), torch.arange(len(rows))
        loss = (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2
        loss = loss + (z - w).square().sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
    seconds.append(time.process_time() - started)
print(np.median(seconds[1:]))
"""


def bare_loop(data: str, *, batch: int, epochs: int, dropout: float = 0.0) -> str:
    """Return a program that trains in a loop of torch the networks that a fit would build.

    It prints the median of the processor time of the epochs after the first.

    Parameters
    ----------
    data : str
        Lines that set `X`, two tensors (n, d).
    batch, epochs : int
        Rows of a batch, and number of epochs.
    dropout : float, default=0.0
        Dropout after each hidden layer.
    """
    return _LOOP.format(data=data, batch=batch, epochs=epochs, dropout=dropout)


@contextmanager
def earlier_package(commit: str = BEFORE) -> Iterator[Path]:
    """Yield a folder with the package at a commit of this repository."""
    archived = subprocess.run(
        ["git", "archive", commit, "mibsk"], cwd=REPOSITORY, capture_output=True, check=True
    ).stdout
    with TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archived)) as files:
            files.extractall(folder, filter="data")
        yield Path(folder)


def printed(program: str, package: Path = REPOSITORY) -> list[float]:
    """Run a program with the package of a folder; return the numbers that it prints."""
    environment = {**os.environ, "PYTHONPATH": str(package)}
    # in that folder, as Python looks for packages in the current one first
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=package,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(word) for word in done.stdout.split()]
