"""Metrics of tensors on the GPU."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from mibsk import metrics

from ._results import in_short
from ._setup import CPU, Row, Setup, peak, seconds, views

SECONDS_AT_MOST = 30  # for the side of the CPU
VALUES_DIFFER = {torch.float64: 1e-9, torch.float32: 1e-5}  # largest accepted difference


def metric_cases(n: int) -> dict[str, Callable[..., Any]]:
    """Return functions of two representations; labels are numbers of ten classes."""
    labels = np.random.default_rng(1).integers(10, size=n)
    return {
        "cka": metrics.cka,
        "cka, unbiased": partial(metrics.cka, unbiased=True),
        "cka, RBF": partial(metrics.cka, kernel="rbf", sigma=1.0),
        "mutual_knn": metrics.mutual_knn,
        "cycle_knn": metrics.cycle_knn,
        "lcs_knn": metrics.lcs_knn,
        "cknna": metrics.cknna,
        "recall_at_k, k=1": metrics.recall_at_k,
        "recall_at_k, k=10": partial(metrics.recall_at_k, k=10),
        "recall_at_k, labels": partial(metrics.recall_at_k, labels=(labels, labels)),
        "median_rank": metrics.median_rank,
        "mean_average_precision": partial(metrics.mean_average_precision, labels=(labels, labels)),
        "svcca": metrics.svcca,
        "pwcca": metrics.pwcca,
        "procrustes": metrics.procrustes,
        "alignment": metrics.alignment,
        "modality_gap": metrics.modality_gap,
        "relative_modality_gap": metrics.relative_modality_gap,
        "uniformity": lambda X, Y: metrics.uniformity(X),
        "gaussian_mutual_information": metrics.gaussian_mutual_information,
        "leakage": lambda X, Y: metrics.leakage(X, labels),
        "leakage, Z_test": lambda X, Y: metrics.leakage(X, labels, Z_test=Y, labels_test=labels),
    }


def metrics_agree(setup: Setup) -> list[Row]:
    """Metrics of tensors on the device beside those of the same values as arrays in float64."""
    n = 4500  # each of 150 rows 30 times, or all different
    rows = []
    for kind, n_distinct in (("all differ", None), ("each 30 times", n // 30)):
        X, Y = views(n, 64, n_distinct=n_distinct)
        for name, metric in metric_cases(n).items():
            try:
                expected = metric(X.astype(np.float64), Y.astype(np.float64))
            except ValueError:  # undefined for so few distinct rows
                continue
            row = {"metric": name, "rows": kind, "arrays": expected}
            holds = True
            for what, dtype, tf32 in (
                ("float64", torch.float64, False),
                ("float32", torch.float32, False),
                ("float32, TF32 allowed", torch.float32, True),
            ):
                given = [torch.from_numpy(Z).to(setup.device, dtype) for Z in (X, Y)]
                torch.backends.cuda.matmul.allow_tf32 = tf32
                try:
                    row[what] = abs(metric(*given) - expected)
                    holds &= row[what] <= VALUES_DIFFER[dtype] * max(1.0, abs(expected))
                except Exception as error:
                    traceback.print_exc()
                    row[what], holds = in_short(error), False
                finally:
                    torch.backends.cuda.matmul.allow_tf32 = False
            rows.append(row | {"holds": bool(holds)})
    return rows


def metrics_speed(setup: Setup) -> list[Row]:
    """Large inputs: tensors on the device beside arrays."""
    many, fewer = setup.n(10**6, 4000), setup.n(10**5, 2000)
    cases = [  # name, metric, rows, power of the number of rows with which time grows
        ("linear CKA", metrics.cka, many, 1),
        ("SVCCA", metrics.svcca, many, 1),
        ("mutual k-NN, k=10", metrics.mutual_knn, fewer, 2),
        ("recall@1", metrics.recall_at_k, fewer, 2),
        ("median rank", metrics.median_rank, fewer, 2),
    ]
    rows = []
    for name, metric, n, power in cases:
        X, Y = views(n, 64, noise=0.3 if name == "recall@1" else 1.0)
        a, b = (torch.from_numpy(Z).to(setup.device) for Z in (X, Y))
        on_device = partial(metric, a, b)
        taken, memory = seconds(on_device, setup.device, 2), peak(on_device, setup.device)
        part = partial(metric, X[: n // 8], Y[: n // 8])
        expected = seconds(part, CPU, 1) * 8**power
        row = {"metric": name, "rows": n, "device, s": round(taken, 3)}
        row["device, peak GB"] = round(memory, 2)
        if expected > SECONDS_AT_MOST:
            row |= {"arrays, s": f"about {expected:.0f}", "times as fast": expected / taken}
        else:
            beside = seconds(partial(metric, X, Y), CPU, 1, warm_up=0)
            row |= {"arrays, s": round(beside, 3), "times as fast": beside / taken}
        row["times as fast"] = round(row["times as fast"], 1)
        rows.append(row)
    return rows
