"""Paired datasets, and their split into training and test rows for each seed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_linnerud

from mibsk.datasets import (
    fetch_mfeat,
    fetch_omniglot,
    fetch_spoken_digits,
    load_digits_halves,
)

Views = dict[str, np.ndarray]
LARGEST_TEST = 1000
SIZES = (100, 200, 500, 1000)


@dataclass(frozen=True)
class Paired:
    """Rows of a dataset.

    Parameters
    ----------
    views : dict of str to ndarray (n, ...)
        Rows of each modality.
    groups : ndarray (n,), default=None
        Rows of a group are in one part of a split; None for single rows.
    labels : ndarray (n,), default=None
        A row with the label of the query counts as its partner; None for the pair alone.
    """

    views: Views
    groups: np.ndarray | None = None
    labels: np.ndarray | None = None


@dataclass(frozen=True)
class Split:
    """Training rows, of which some are used, and test rows."""

    train: Views
    test: Views
    test_labels: np.ndarray | None = field(default=None)
    train_labels: np.ndarray | None = field(default=None)


def split(name: str, folder: Path, seed: int, n_rows: int | None) -> Split:
    """Hold out a quarter of the rows or groups, and return `n_rows` of the others."""
    data = _load(name, folder, seed)
    n, rng = len(next(iter(data.views.values()))), np.random.default_rng(1000 + seed)
    groups = np.arange(n) if data.groups is None else data.groups
    order = rng.permutation(np.unique(groups))
    is_test = np.isin(groups, order[: -(-len(order) // 4)])
    test = rng.permutation(np.flatnonzero(is_test))[:LARGEST_TEST]
    train = rng.permutation(np.flatnonzero(~is_test))[:n_rows]
    return Split(
        {key: X[train] for key, X in data.views.items()},
        {key: X[test] for key, X in data.views.items()},
        None if data.labels is None else data.labels[test],
        None if data.labels is None else data.labels[train],
    )


def sizes(name: str, folder: Path) -> list[int | None]:
    """Return the numbers of training rows; None is all of them."""
    n = len(next(iter(_load(name, folder, 0).views.values())))
    return [*[size for size in SIZES if size < 0.72 * n], None]


@cache
def _load(name: str, folder: Path, seed: int) -> Paired:
    return SETS[name](folder, seed)


def _digits(folder: Path, seed: int) -> Paired:
    return Paired(dict(load_digits_halves().data))


def _mfeat(*views: str) -> Callable[[Path, int], Paired]:
    def load(folder: Path, seed: int) -> Paired:
        data = fetch_mfeat().data
        return Paired({view: np.asarray(data[view]) for view in views or data})

    return load


def _omniglot(folder: Path, seed: int) -> Paired:
    bunch = fetch_omniglot()
    return Paired(dict(bunch.data), groups=bunch.labels["image"]["character"].to_numpy())


def _spoken_digits(folder: Path, seed: int) -> Paired:
    """Pair each recording with one image of its digit; any image of the digit is correct."""
    bunch = fetch_spoken_digits(random_state=seed)
    views = {name: np.asarray(rows) for name, rows in bunch.data.draw(random_state=seed).items()}
    return Paired(views, labels=bunch.labels["audio"]["digit"].to_numpy())


def _sprites(folder: Path, seed: int) -> Paired:
    with np.load(folder / "sprites" / "sprites10k.npz") as stored:
        images, classes = stored["imgs"], stored["latents_classes"][:, 1:]
    factors = [np.eye(n, dtype=np.float32)[classes[:, i]] for i, n in enumerate((3, 6, 40, 32, 32))]
    flat = images.reshape(len(images), -1).astype(np.float32)
    return Paired({"image": flat, "factors": np.concatenate(factors, axis=1)})


def _nutrimouse(folder: Path, seed: int) -> Paired:
    read = {name: pd.read_csv(folder / "nutrimouse" / f"{name}.csv") for name in ("gene", "lipid")}
    return Paired({name: table.to_numpy(float) for name, table in read.items()})


def _linnerud(folder: Path, seed: int) -> Paired:
    bunch = load_linnerud()
    return Paired({"exercise": bunch.data, "physiology": bunch.target})


def _icons(folder: Path, seed: int) -> Paired:
    with np.load(folder / "icons" / "tower_features.npz") as stored:
        views = {name: stored[name].astype(np.float32) for name in ("image", "text")}
    words = json.loads((folder / "icons" / "words.json").read_text())
    return Paired(views, groups=np.array([icon["base"] for icon in words]))


def _openclipart(folder: Path, seed: int) -> Paired:
    with np.load(folder / "openclipart" / "features.npz") as stored:
        rows, first = np.unique(stored["caption_row"], return_index=True)
        views = {
            "image": stored["image_pooled"][rows].astype(np.float32),
            "title": stored["caption_emb"][first].astype(np.float32),
        }
    drawings = json.loads((folder / "openclipart" / "captions.json").read_text())
    return Paired(views, groups=np.array([drawings[row]["creator"] for row in rows]))


SETS: dict[str, Callable[[Path, int], Any]] = {
    "digit halves": _digits,
    "mfeat pix-zer": _mfeat("pix", "zer"),
    "mfeat mor-fac": _mfeat("mor", "fac"),
    "mfeat fou-kar": _mfeat("fou", "kar"),
    "mfeat six views": _mfeat(),
    "sprites, factors": _sprites,
    "spoken digits": _spoken_digits,
    "icons": _icons,
    "openclipart": _openclipart,
    "nutrimouse": _nutrimouse,
    "linnerud": _linnerud,
    "Omniglot": _omniglot,
}
