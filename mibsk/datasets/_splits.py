"""Splits of paired data, and their files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.utils import Bunch

from ..data import ClassPairs, Modalities


def split_bunch(
    bunch: Bunch, *, test_size: float = 0.25, random_state: Any = None
) -> tuple[Bunch, Bunch]:
    """Split a dataset into two that have no row of any modality in common.

    Data paired by class are stratified by class, in each modality.

    Parameters
    ----------
    bunch : Bunch
        Return value of a loader of this package.
    test_size : float, default=0.25
        Fraction of test rows.
    random_state : int, RandomState instance or None, default=None
        Controls the split.

    Returns
    -------
    train, test : Bunch

    Examples
    --------
    >>> from mibsk.datasets import load_digits_halves, split_bunch
    >>> train, test = split_bunch(load_digits_halves(), random_state=0)
    >>> len(train.data), len(test.data)
    (1347, 450)
    """
    data = bunch.data
    strata = data.labels if isinstance(data, ClassPairs) else None
    sides = train_test_split(
        np.arange(len(data)), test_size=test_size, random_state=random_state, stratify=strata
    )
    return _select(bunch, np.sort(sides[0])), _select(bunch, np.sort(sides[1]))


def _select(bunch: Bunch, rows: np.ndarray) -> Bunch:
    selected = bunch.data[rows]
    if isinstance(selected, ClassPairs):
        rows_of = {name: selected.rows(name) for name in selected}
        selected = selected.compact()
    else:
        rows_of = dict.fromkeys(selected, rows)
    labels = {
        name: table.iloc[rows_of[name]].reset_index(drop=True)
        for name, table in bunch.labels.items()
    }
    return Bunch(**{**bunch, "data": selected, "labels": labels})


def save_bunch(bunch: Bunch, folder: str | Path) -> None:
    """Write a dataset of dense arrays to a folder, as ``.npy``, ``.csv`` and ``.json`` files."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    data = bunch.data
    about = {key: bunch[key] for key in ("shared", "nuisances", "DESCR")}
    about["modalities"] = list(data)
    about["anchor"] = data.anchor if isinstance(data, ClassPairs) else None
    for name in data:
        np.save(folder / f"{name}.npy", data[name])
        bunch.labels[name].to_csv(folder / f"{name}.labels.csv", index=False)
        if isinstance(data, ClassPairs):
            np.save(folder / f"{name}.classes.npy", data.class_labels[name])
    (folder / "about.json").write_text(json.dumps(about, indent=1))


def load_bunch(folder: str | Path) -> Bunch:
    """Read a dataset that :func:`save_bunch` wrote."""
    folder = Path(folder)
    about = json.loads((folder / "about.json").read_text())
    names = about.pop("modalities")
    anchor = about.pop("anchor")
    arrays = {name: np.load(folder / f"{name}.npy") for name in names}
    labels = {name: pd.read_csv(folder / f"{name}.labels.csv") for name in names}
    data: ClassPairs | Modalities
    if anchor is None:
        data = Modalities(arrays)
    else:
        classes = {name: np.load(folder / f"{name}.classes.npy") for name in names}
        data = ClassPairs(
            {name: (arrays[name], classes[name]) for name in names}, anchor=anchor, random_state=0
        )
    return Bunch(data=data, labels=labels, **about)
