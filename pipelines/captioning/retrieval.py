"""Retrieval of pictures by words and back, from frozen towers: four methods on the same splits."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import Bunch

from mibsk import CanonicalBottleneck, IBAligner
from mibsk.exceptions import DuplicateRowsWarning
from mibsk.metrics import median_rank, recall_at_k

from . import data
from .retrieval_claims import claims_of
from .retrieval_figure import draw
from .stage import CaptioningStage

K = (1, 5, 10)
ESTIMATORS = {"canonical": CanonicalBottleneck, "aligner": IBAligner}


def build(method: Mapping[str, Any], seed: int) -> CanonicalBottleneck | IBAligner:
    """Return the estimator of a method: ``{estimator: canonical | aligner, ...parameters}``."""
    options = dict(method)
    for key in ("features", "all_texts"):
        options.pop(key, None)
    kind = ESTIMATORS[options.pop("estimator")]
    if kind is IBAligner:
        options["random_state"] = seed
    return kind(**options)


def run(
    method: Mapping[str, Any], train: Bunch, test: Bunch, blocks: tuple[Any, Any], seed: int
) -> list[dict[str, Any]]:
    """Train a method, and return one row for each direction of the retrieval.

    Parameters
    ----------
    method : mapping
        Settings of the method; with ``all_texts``, all texts of a picture together are a further
        text of it in training.
    train, test : Bunch
        The rows, for their pictures and groups.
    blocks : tuple of two mappings
        Their features.
    seed : int
        Seed of the training.
    """
    of_train, picture, groups = blocks[0], train.picture, train.groups
    if method.get("all_texts"):
        of_train, rows = data.with_all_texts(of_train, picture)
        picture, groups = picture[rows], groups[rows]
    estimator = build(method, seed)
    # with "positive", all rows of a group are partners: then the pictures, else what is split by
    together = picture if getattr(estimator, "same_group", None) == "positive" else groups
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DuplicateRowsWarning)  # pictures of several texts
        estimator.fit(data.beside(of_train, method.get("features")), groups=together)
    seconds = time.perf_counter() - start
    embedded = estimator.embed(data.beside(blocks[1], method.get("features")))
    about = {"dimensions": estimator.n_components_, "seconds": seconds}
    return [about | row for row in measure(embedded, test)]


def measure(embedded: Mapping[str, NDArray[np.float32]], test: Bunch) -> list[dict[str, Any]]:
    """Return the recall and the median rank of each pair of modalities, in both directions.

    Each picture (of NLVR, each scene with its table of objects) is once in the gallery and among
    the queries, and each text is. A text of the picture is right, and the picture of the text.
    """
    picture = test.picture
    _, first = np.unique(picture, return_index=True)
    rows = {name: np.arange(len(picture)) if name == "text" else first for name in embedded}
    found = []
    for query in embedded:
        for gallery in embedded:
            if query == gallery:
                continue
            X, Y = embedded[query][rows[query]], embedded[gallery][rows[gallery]]
            labels = (picture[rows[query]], picture[rows[gallery]])
            recalls = {f"recall@{k}": recall_at_k(X, Y, k=min(k, len(Y)), labels=labels) for k in K}
            rank = median_rank(X, Y, labels=labels)
            about = {"direction": f"{query} to {gallery}", "queries": len(X), "gallery": len(Y)}
            found.append(about | recalls | {"median rank": rank})
    return found


def main(stage: CaptioningStage) -> None:
    """Run the stage."""
    settings = stage.params("retrieval")[stage.dataset]
    bunch = data.load(stage.dataset, settings["data"])
    rows = []
    with stage.tracked():
        for seed in settings["splits"]:
            train, test = data.split(bunch, seed)
            blocks = data.features(train, test, settings["features"])
            for name, method in settings["methods"].items():
                found = run(method, train, test, blocks, seed)
                rows += [{"method": name, "split": seed} | row for row in found]
                print(
                    f"{stage.dataset}, split {seed}, {name}: {found[0]['seconds']:.0f} s",
                    flush=True,
                )
        table = pd.DataFrame(rows)
        stage.write(table, claims_of(table, settings["claims"]))
        draw(table, stage.table_file.with_suffix(".png"))


if __name__ == "__main__":
    main(CaptioningStage.from_arguments("retrieval"))
