"""Tables of the experiments, averaged over rows that are not independent."""

from __future__ import annotations

import pandas as pd

ALIGNMENT = {"cka": "CKA", "mutual_knn": "mutual k-NN"}


def per_seed(table: pd.DataFrame) -> pd.DataFrame:
    """Return leakage and kept information by knob, level and seed, as means over hidden factors."""
    return table.groupby(["knob", "level", "seed"], sort=False)[["leakage", "kept"]].mean()


def per_split(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per split of the factors, as the mean over its runs."""
    return table.drop(columns="seed").groupby("hidden", sort=False).mean()
