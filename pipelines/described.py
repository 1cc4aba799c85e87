"""What the manifest of a bundle says of its data and of its metrics."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mibsk.bundle import DataSource

from .intervals import of_mean

UNITS = {
    "sprites": {"image": "grey level, 0 to 255", "factors": "one-hot codes"},
    "spoken_digits": {
        "audio": "log(1 + energy / 1e-4), mel bands by frames of 10 ms",
        "image": "grey level, 0 to 1",
    },
}
"""Units of the values of each modality, by dataset."""

MEASURES = ("cka", "mutual_knn", "recall_at_1", "leakage", "leakage_mlp", "kept")


def data_source(name: str, description: str) -> DataSource:
    """Return source and licence of a dataset of its description, the `DESCR` of its loader."""
    fields = {
        field: " ".join(text.split()).rstrip(".")
        for field, text in re.findall(r"^(\w+): (.*?)(?=^\w+: |\Z)", description, re.M | re.S)
    }
    title = description.partition("\n")[0].rstrip(".")
    return DataSource(title, fields["Licence"], fields["Source"], dict(UNITS[name]))


def metrics_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the measures of a model on the test rows, with intervals over seeds.

    Parameters
    ----------
    entry : mapping
        That of the model in ``metrics/evaluate.json``: means, their ``sd``, and ``n_seeds``.
    """
    n = entry["n_seeds"]
    return {name: _with_intervals(entry[name], entry["sd"][name], n) for name in MEASURES}


def _with_intervals(mean: Any, sd: Any, n: int) -> dict[str, Any]:
    if isinstance(mean, Mapping):
        return {key: _with_intervals(mean[key], sd[key], n) for key in mean}
    if n == 1:
        return {"value": mean}
    interval = of_mean(mean, sd, n)
    return {"value": mean, "interval": [interval.low, interval.high]}
