"""Retrieval of pictures by words and back, from frozen towers: methods on the same splits."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.utils import Bunch

from mibsk import CanonicalBottleneck, IBAligner
from mibsk.exceptions import DuplicateRowsWarning
from mibsk.metrics import median_rank, recall_at_k

from . import data
from .data import Features, Rows
from .retrieval_claims import claims_of
from .retrieval_figure import draw
from .stage import CaptioningStage

K = (1, 5, 10)
DATA_OPTIONS = ("features", "all_texts")  # of a method, but not of its estimator
ESTIMATORS = {"canonical": CanonicalBottleneck, "aligner": IBAligner}


def build(method: Mapping[str, Any], seed: int) -> CanonicalBottleneck | IBAligner:
    """Return the estimator of a method: ``{estimator: canonical | aligner, ...parameters}``."""
    options = {key: value for key, value in method.items() if key not in DATA_OPTIONS}
    kind = ESTIMATORS[options.pop("estimator")]
    return kind(**options, random_state=seed) if kind is IBAligner else kind(**options)


def fit(method: Mapping[str, Any], train: Rows, seed: int) -> CanonicalBottleneck | IBAligner:
    """Return the trained estimator of a method.

    Parameters
    ----------
    method : mapping
        Parameters of the estimator, and what it is trained on: ``features``, the names of the
        blocks of each modality (default: all); and ``all_texts``, whether all texts of a picture
        together are a further text of it.
    train : Rows
        The training rows.
    seed : int
        Seed of the training.
    """
    estimator = build(method, seed)
    if method.get("all_texts"):
        train = train.with_all_texts()
    # with "positive", all rows of a group are partners: then the pictures, else what is split by
    positive = getattr(estimator, "same_group", None) == "positive"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DuplicateRowsWarning)  # pictures of several texts
        return estimator.fit(
            data.beside(train.blocks, method.get("features")),
            groups=train.picture if positive else train.groups,
        )


def run(settings: Mapping[str, Any], train: Rows, test: Rows, *, seed: int) -> pd.DataFrame:
    """Train and measure all methods on one split; a row for each method and direction.

    A method ``{together: [name, name, ...]}`` has the sums of the scores of methods before it:
    their embeddings side by side.
    """
    embedded: dict[str, Mapping[str, Features]] = {}
    found = []
    for name, method in settings["methods"].items():
        start = time.perf_counter()
        if "together" in method:
            embedded[name] = {
                modality: np.hstack([embedded[each][modality] for each in method["together"]])
                for modality in test.blocks
            }
        else:
            estimator = fit(method, train, seed)
            embedded[name] = estimator.embed(data.beside(test.blocks, method.get("features")))
        about = {"method": name, "split": seed, "seconds": time.perf_counter() - start}
        found += [about | row for row in measure(embedded[name], test.picture)]
    return pd.DataFrame(found)


def measure(embedded: Mapping[str, Features], picture: NDArray[np.intp]) -> list[dict[str, Any]]:
    """Return the recall and the median rank of each pair of modalities, in both directions.

    Each picture (of NLVR, each scene with its table of objects) is once in the gallery and among
    the queries, and each text is. A text of the picture is right, and the picture of the text. If
    pictures have several texts, "texts" are all of a picture at once: the mean of their embeddings.

    Parameters
    ----------
    embedded : mapping of str to ndarray (n, d)
        Embeddings of unit norm of the same n rows.
    picture : ndarray of int (n,)
        The picture of each row.
    """
    unique, first, number = np.unique(picture, return_index=True, return_inverse=True)
    sides = {name: (Z if name == "text" else Z[first]) for name, Z in embedded.items()}
    labels = {name: (picture if name == "text" else unique) for name in embedded}
    if len(unique) < len(picture):
        sums = np.zeros((len(unique), embedded["text"].shape[1]), dtype=np.float32)
        np.add.at(sums, number, embedded["text"])
        sides["texts"], labels["texts"] = sums, unique
    found = []
    for query, X in sides.items():
        for gallery, Y in sides.items():
            if query == gallery or {query, gallery} == {"text", "texts"}:
                continue
            of_both = (labels[query], labels[gallery])
            about = {"direction": f"{query} to {gallery}", "queries": len(X), "gallery": len(Y)}
            recalls = {
                f"recall@{k}": recall_at_k(X, Y, k=min(k, len(Y)), labels=of_both) for k in K
            }
            rank = median_rank(X, Y, labels=of_both)
            found.append(about | recalls | {"median rank": rank})
    return found


def of_split(settings: Mapping[str, Any], bunch: Bunch, seed: int) -> pd.DataFrame:
    """Compute the features of one split, and train and measure all methods."""
    train, test = data.features(*data.split(bunch, seed), settings["features"])
    found = run(settings, train, test, seed=seed)
    print(f"split {seed}\n{found.to_string()}", flush=True)
    return found


def main(stage: CaptioningStage) -> None:
    """Run the stage."""
    settings = stage.params("retrieval")[stage.dataset]
    bunch = data.load(stage.dataset, settings["data"])
    with stage.tracked():
        found = Parallel(n_jobs=settings["n_jobs"])(
            delayed(of_split)(settings, bunch, seed) for seed in settings["splits"]
        )
        table = pd.concat(found, ignore_index=True)
        stage.write(table, claims_of(table, settings["claims"]))
        draw(table, stage.table_file.with_suffix(".png"))


if __name__ == "__main__":
    main(CaptioningStage.from_arguments("retrieval"))
