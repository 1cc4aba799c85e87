"""The tables of the experiments, averaged over what is no independent evidence."""

from __future__ import annotations

import pandas as pd

ALIGNMENT = {"cka": "CKA", "mutual_knn": "mutual k-NN"}


def per_seed(table: pd.DataFrame) -> pd.DataFrame:
    """Return what leaked and was kept at each knob, level and seed: means over hidden factors."""
    return table.groupby(["knob", "level", "seed"], sort=False)[["leakage", "kept"]].mean()


def per_split(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per split of the factors: the mean over its runs."""
    return table.drop(columns="seed").groupby("hidden", sort=False).mean()
