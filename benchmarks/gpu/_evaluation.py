"""Evaluation on a GPU: beside the way of the published code, neighbours, probes."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from mibsk import metrics

from ..performance.published_way import Data, beside
from ._setup import CPU, Row, Setup, encoders, peak, seconds, views

SECONDS_AT_MOST = 60  # for one call


def evaluation(setup: Setup) -> list[Row]:
    """Epoch of ResNet20 with evaluation, beside the way of the method's published code."""
    data = Data(setup.n(4000, 256))
    found = beside(data, encoders("resnet20"), setup.device, rounds=setup.n(2, 1))
    rows = []
    for what, rounds in found.items():
        ours, theirs = np.median(rounds, axis=0).tolist()
        row: Row = {"epoch": what, "rows": len(data.images), "ours, s": round(ours, 3)}
        rows.append(row | {"theirs, s": round(theirs, 3), "times as fast": round(theirs / ours, 1)})
    return rows


def neighbours(setup: Setup) -> list[Row]:
    """Mutual k-NN of many rows on the device, as long as a call takes less than a minute."""
    rows: list[Row] = []
    for n in (setup.n(10**5, 1000), setup.n(3 * 10**5, 2000), setup.n(10**6, 4000)):
        X, Y = (torch.from_numpy(Z).to(setup.device) for Z in views(n, 64))
        row: Row = {"rows": n, "columns": 64}
        if rows and rows[-1]["device, s"] * (n / rows[-1]["rows"]) ** 2 > SECONDS_AT_MOST:
            expected = rows[-1]["device, s"] * (n / rows[-1]["rows"]) ** 2
            rows.append(row | {"not run; device, s, if quadratic": round(expected)})
            break
        search = partial(metrics.mutual_knn, X, Y)
        row["device, peak GB"] = round(peak(search, setup.device), 2)
        row["device, s"] = round(seconds(search, setup.device, 1, warm_up=0), 3)
        rows.append(row)
    return rows


def probes(setup: Setup) -> list[Row]:
    """Probes of five factors on tensors of the device, beside arrays."""
    n = setup.n(10**5, 1000)
    X, Y = views(n, 64)
    rng = np.random.default_rng(0)
    labels = {}
    for j, c in enumerate((3, 6, 40, 32, 32)):
        noisy = Y[:, j] + 0.1 * rng.standard_normal(n)
        labels[f"{j}, {c} classes"] = np.digitize(noisy, np.quantile(noisy, np.arange(1, c) / c))
    half = n // 2
    train, test = ({name: y[rows] for name, y in labels.items()} for rows in _halves(half))
    rows = []
    for penalty in ("auto", 1.0):
        given = {"labels_test": test, "l2": penalty}

        def probe(Z: object, given: dict = given) -> object:
            return metrics.probe_information(Z[:half], train, Z_test=Z[half:], **given)

        Z = torch.from_numpy(X).to(setup.device)
        taken = seconds(partial(probe, Z), setup.device, 1)
        on_cpu = seconds(partial(probe, X), CPU, 1, warm_up=0)
        row: Row = {"rows": half, "penalty": str(penalty), "device, s": round(taken, 3)}
        rows.append(row | {"CPU, s": round(on_cpu, 3), "times as fast": round(on_cpu / taken, 1)})
    return rows


def _halves(half: int) -> tuple[slice, slice]:
    return slice(None, half), slice(half, None)
