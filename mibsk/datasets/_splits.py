"""Splits of paired data, and their files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.utils import Bunch, check_random_state

from .._checks.groups import as_groups, hold_out
from .._checks.parameters import check_scalar
from .._checks.text import is_text
from ..data import ClassPairs, Modalities

NUMBERS_OF_ROWS = ("picture", "groups")  # fields with one integer per row
FIELDS_OF_ROWS = (*NUMBERS_OF_ROWS, "references")  # fields with one value per row


def split_bunch(
    bunch: Bunch, *, test_size: float = 0.25, random_state: Any = None
) -> tuple[Bunch, Bunch]:
    """Split a dataset into two that have no row of any modality in common.

    Data paired by class are stratified by class, in each modality. If the dataset has ``groups``,
    such as the creators of drawings, rows of one group are in one part, and the fraction of test
    rows is met as nearly as whole groups allow.

    Parameters
    ----------
    bunch : Bunch
        Return value of a loader of this package.
    test_size : float, default=0.25
        Fraction of test rows, between 0 and 1.
    random_state : int, RandomState instance or None, default=None
        Controls the split.

    Returns
    -------
    train, test : Bunch

    Raises
    ------
    ValueError
        If `test_size` is out of range, or one group has nearly all rows.

    Examples
    --------
    >>> from mibsk.datasets import load_digits_halves, split_bunch
    >>> train, test = split_bunch(load_digits_halves(), random_state=0)
    >>> len(train.data), len(test.data)
    (1347, 450)
    """
    data = bunch.data
    groups = as_groups(bunch.get("groups"), len(data), "groups of the dataset")
    if groups is not None:
        check_scalar("test_size", test_size, low=0, high=1, strict=True)
        rng = np.random.default_rng(check_random_state(random_state).randint(2**31))
        test, train = hold_out(len(data), int(np.ceil(test_size * len(data))), rng, groups)
        return select_rows(bunch, train), select_rows(bunch, test)
    strata = data.labels if isinstance(data, ClassPairs) else None
    sides = train_test_split(
        np.arange(len(data)), test_size=test_size, random_state=random_state, stratify=strata
    )
    return select_rows(bunch, np.sort(sides[0])), select_rows(bunch, np.sort(sides[1]))


def select_rows(bunch: Bunch, rows: np.ndarray) -> Bunch:
    """Return the rows at these positions (n,): their data, labels and other fields."""
    selected = bunch.data[rows]
    if isinstance(selected, ClassPairs):
        rows_of = {name: selected.rows(name) for name in selected}
        selected = selected.compact()
    else:
        rows_of = dict.fromkeys(bunch.labels, rows)
    labels = {
        name: table.iloc[rows_of[name]].reset_index(drop=True)
        for name, table in bunch.labels.items()
    }
    fields: dict[str, Any] = {}
    for name in FIELDS_OF_ROWS:
        if name in bunch:
            values = bunch[name]
            fields[name] = [values[i] for i in rows] if isinstance(values, list) else values[rows]
    return Bunch(**{**bunch, "data": selected, "labels": labels, **fields})


def save_bunch(bunch: Bunch, folder: str | Path) -> None:
    """Write a dataset of dense arrays and strings, as ``.npy``, ``.csv`` and ``.json`` files."""
    folder = Path(folder)
    data = bunch.data
    if not isinstance(data, Modalities | ClassPairs):
        raise TypeError(
            f"save_bunch writes arrays and strings, got {type(data).__name__}: read the rows that "
            "you need into Modalities first."
        )
    folder.mkdir(parents=True, exist_ok=True)
    about = {key: bunch[key] for key in ("shared", "nuisances", "DESCR")}
    about["modalities"] = list(data)
    about["anchor"] = data.anchor if isinstance(data, ClassPairs) else None
    about |= {key: list(bunch[key]) for key in ("references",) if key in bunch}
    about |= {key: bunch[key].tolist() for key in NUMBERS_OF_ROWS if key in bunch}
    for name in data:
        if is_text(data[name]):
            (folder / f"{name}.json").write_text(json.dumps(data[name].tolist(), indent=0))
        else:
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
    about |= {key: np.array(about[key], dtype=np.intp) for key in NUMBERS_OF_ROWS if key in about}
    arrays = {name: _load_rows(folder, name) for name in names}
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


def _load_rows(folder: Path, name: str) -> np.ndarray:
    """Read the rows of a modality, numbers or strings, that :func:`save_bunch` wrote."""
    texts = folder / f"{name}.json"
    if texts.is_file():
        return np.array(json.loads(texts.read_text()), dtype=object)
    return np.load(folder / f"{name}.npy")
