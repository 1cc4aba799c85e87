"""Recall with each value of `same_group`, where pairs of one group are the same, and where not.

    OMP_NUM_THREADS=1 python -m benchmarks.false_negatives DATA [--cases ...]

DATA is a folder with openclipart and free-spoken-digits. Everything is measured on held-out rows:

- "openclipart": drawings with two or three texts, a row for each text. Other creators are held out,
  and all texts of a drawing count as right.
- "things": made data of 50 things with 20 noisy views of each in both modalities. Other things are
  held out, and all rows of a thing count as right.
- "speakers": recordings of spoken digits, each with one image of the digit; groups are speakers.
- "classes": the same as `ClassPairs`, whose groups are the digits.
- "10 x 160" and so on: made data of groups whose rows differ, such as patients of a hospital, and
  both modalities depend on the group. Other groups are held out.
"""

from __future__ import annotations

import argparse
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mibsk import IBAligner
from mibsk.datasets import fetch_spoken_digits, split_bunch
from mibsk.metrics import recall_at_k

VALUES = ("negative", "ignored", "positive", "apart")
N_SHARED = 6  # dimension of what made modalities share


class Case(NamedTuple):
    """Training rows with their groups, and held-out rows of each modality with their labels."""

    train: Any
    groups: np.ndarray | None
    test: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]


def openclipart(folder: Path, seed: int) -> Case:
    """Hold out a quarter of the creators."""
    with np.load(folder / "openclipart" / "features.npz") as stored:
        picture = stored["caption_row"]
        images = stored["image_pooled"].astype(np.float32)
        texts = stored["caption_emb"].astype(np.float32)
    drawings = json.loads((folder / "openclipart" / "captions.json").read_text())
    creator = np.array([drawing["creator"] for drawing in drawings])[picture]
    order = np.random.default_rng(1000 + seed).permutation(np.unique(creator))
    is_test = np.isin(creator, order[: -(-len(order) // 4)])
    return _texts_of_pictures(images[picture], texts, picture, is_test)


def things(folder: Path, seed: int) -> Case:
    """Draw views of 100 things, of which 50 are held out."""
    rng = np.random.default_rng(seed)
    thing = np.repeat(np.arange(100), 20)
    shared = rng.standard_normal((100, N_SHARED))[thing]
    views = {"a": _view(rng, shared, 20, 1.0), "b": _view(rng, shared, 15, 1.0)}
    train = thing < 50
    return Case(
        {name: X[train] for name, X in views.items()},
        thing[train],
        {name: X[~train] for name, X in views.items()},
        dict.fromkeys(views, thing[~train]),
    )


def spoken_digits(folder: Path, seed: int, *, by_class: bool) -> Case:
    """Hold out a quarter of the recordings and images, stratified by digit."""
    bunch = fetch_spoken_digits(n_mels=20, n_frames=32, random_state=seed)
    train, test = split_bunch(bunch, random_state=seed)
    digit = test.data.labels
    speaker = train.labels["audio"]["speaker"].to_numpy()
    return Case(
        train.data if by_class else train.data.draw(random_state=seed),
        None if by_class else speaker,
        dict(test.data.draw(random_state=seed)),
        {"audio": digit, "image": digit},
    )


def different_rows(n_groups: int, size: int) -> Callable[[Path, int], Case]:
    """Return a function that draws groups of rows that differ, and holds out 400 other rows."""

    def draw(folder: Path, seed: int) -> Case:
        rng = np.random.default_rng(seed)
        n_held = -(-400 // size)
        groups = np.repeat(np.arange(n_groups + n_held), size)
        of_group = 2 * rng.standard_normal((n_groups + n_held, N_SHARED))
        shared = np.hstack([rng.standard_normal((len(groups), N_SHARED)), of_group[groups]])
        views = {"a": _view(rng, shared, 20, 0.5), "b": _view(rng, shared, 15, 0.5)}
        train = groups < n_groups
        test = np.flatnonzero(~train)[:400]
        return Case(
            {name: X[train] for name, X in views.items()},
            groups[train],
            {name: X[test] for name, X in views.items()},
            dict.fromkeys(views, test),
        )

    return draw


def _texts_of_pictures(
    images: np.ndarray, texts: np.ndarray, picture: np.ndarray, is_test: np.ndarray
) -> Case:
    """Return a row for each text, with its picture repeated; held-out pictures are there once."""
    views = {"image": images[~is_test], "text": texts[~is_test]}
    rows = np.flatnonzero(is_test)
    held, first = np.unique(picture[rows], return_index=True)
    test = {"image": images[rows[first]], "text": texts[rows]}
    return Case(views, picture[~is_test], test, {"image": held, "text": picture[rows]})


def _view(rng: np.random.Generator, shared: np.ndarray, width: int, noise: float) -> np.ndarray:
    """Return a noisy linear view of what modalities share."""
    mixed = shared @ rng.standard_normal((shared.shape[1], width))
    return (mixed + noise * rng.standard_normal(mixed.shape)).astype(np.float32)


NETWORK = {"encoders": "network"}
DIGITS = {"encoders": "network", "max_epochs": 10}
CASES: dict[str, tuple[Callable[[Path, int], Case], dict[str, Any]]] = {
    "openclipart": (openclipart, {}),
    "things": (things, NETWORK),
    "speakers": (lambda *args: spoken_digits(*args, by_class=False), DIGITS),
    "classes": (lambda *args: spoken_digits(*args, by_class=True), DIGITS),
    "10 x 160": (different_rows(10, 160), NETWORK),
    "40 x 40": (different_rows(40, 40), NETWORK),
    "100 x 16": (different_rows(100, 16), NETWORK),
    "400 x 4": (different_rows(400, 4), NETWORK),
}
"""Data by name, and the parameters of the aligners."""


def measure(name: str, folder: Path, seed: int, same_group: str) -> dict[str, Any]:
    """Train one aligner, and return its recall in both directions."""
    make, params = CASES[name]
    case = make(folder, seed)
    aligner = IBAligner(same_group=same_group, random_state=seed, **params)
    aligner.fit(case.train, groups=case.groups)
    embedded = {key: aligner.embed_modality(key, X) for key, X in case.test.items()}
    first, second = embedded
    found: dict[str, Any] = {"case": name, "same_group": same_group, "seed": seed}
    for k in (1, 10):
        for query, gallery in ((first, second), (second, first)):
            labels = case.labels[query], case.labels[gallery]
            recall = recall_at_k(embedded[query], embedded[gallery], k=k, labels=labels)
            found[f"recall@{k} {'back' if query == second else 'there'}"] = recall
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of the datasets")
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    os.environ["MIBSK_DATA"] = str(options.folder)
    warnings.simplefilter("ignore")  # duplicates, and large groups, are what is measured
    for name in options.cases:
        rows = [
            measure(name, options.folder, seed, value)
            for seed in range(options.seeds)
            for value in VALUES
        ]
        table = pd.DataFrame(rows).drop(columns="seed")
        grouped = table.groupby(["case", "same_group"], sort=False)
        mean, sd = grouped.mean(), grouped.std()
        shown = mean.map("{:.3f}".format) + " ± " + sd.map("{:.3f}".format)
        print(shown.reset_index().to_markdown(index=False), "\n", flush=True)


if __name__ == "__main__":
    main()
