"""The pictures of the docs, in docs/images.

    python -m benchmarks.pictures FOLDER [NAME ...] [--path RECORDINGS]

Draws those that are named, or all of them:

- budget, loadings, diagnosis: of data that scikit-learn bundles;
- shared: fitted to features of handwritten digits;
- information_plane, retrieval: trained on recordings of spoken digits, for several minutes;
- curves, information, similarity, spaces, report: drawn from the outputs of the main job on
  spoken digits, which must have run in this tree: make repro SET='prepare.dataset=spoken_digits';
  report is a screenshot of the page that `mibsk measure` writes, made by Chromium;
- paper-nuisance, paper-misalignment, paper-regulariser: drawn from pipelines/paper/results;
- small-data: drawn from benchmarks/small_data/results.csv.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import pandas as pd
from matplotlib.figure import Figure
from PIL import Image
from sklearn.datasets import load_breast_cancer

from mibsk import CanonicalBottleneck, IBAligner
from mibsk.datasets import fetch_mfeat, fetch_spoken_digits, load_digits_halves, split_bunch
from mibsk.inspection import (
    InformationPlaneDisplay,
    LoadingsDisplay,
    RetrievalDisplay,
    SharedInformationDisplay,
    SimilarityDisplay,
    TrainingDisplay,
)
from mibsk.reporting import diagnose
from mibsk.reporting.diagnosis import figure_of
from pipelines.images import DPI, save
from pipelines.paper.report import DPI as PAPER_DPI
from pipelines.paper.report import FIGURES
from pipelines.paper.stage import stages
from pipelines.report import displays, spaces_of
from pipelines.stage import EMBEDDINGS, params

from .small_data._picture import draw as draw_small_data

SMALL_DATA = Path(__file__).parent / "small_data" / "results.csv"
SHARED = {"fou": "Fourier", "zer": "Zernike", "mor": "morphology"}  # features of mfeat
BETAS, SEEDS = (0.0, 1.0, 3.0, 10.0, 30.0), range(3)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
REPORT = "report"
PAGE = (1000, 1248)  # pixels of the screenshot


def budget() -> Figure:
    """Draw a training under a budget beside one with the contrastive loss alone."""
    halves = load_digits_halves().data
    alone: dict[str, Any] = {"encoders": "network", "bottleneck": None, "random_state": 0}
    alone["max_epochs"] = 25  # of both: held-out pairs would change the default
    aligners = {
        f"beta={beta!r}".replace("'", '"'): IBAligner(beta=beta, **alone).fit(halves)
        for beta in (0, "auto")
    }
    return TrainingDisplay.from_estimator(aligners).figure_


def loadings() -> Figure:
    """Draw the directions of a table of two modalities."""
    X = load_breast_cancer(as_frame=True).data
    modalities = {kind: [name for name in X if name.startswith(kind)] for kind in ("mean", "worst")}
    return LoadingsDisplay.from_estimator(CanonicalBottleneck(modalities=modalities).fit(X)).figure_


def shared() -> Figure:
    """Draw what three kinds of features of handwritten digits share."""
    data = fetch_mfeat().data
    chosen = {SHARED[name]: data[name] for name in SHARED}
    return SharedInformationDisplay.from_estimator(CanonicalBottleneck().fit(chosen)).figure_


@cache
def trained_on_recordings(path: str | None) -> tuple[dict[float, list[IBAligner]], Any, Any]:
    """Return aligners by beta, and the training and test rows."""
    train, test = split_bunch(fetch_spoken_digits(path=path, random_state=0))
    aligners = {
        beta: [
            IBAligner(
                encoders={"audio": "conv1d", "image": "mlp"},
                bottleneck=None,
                beta=beta,
                max_epochs=15,
                lr=1e-3,
                lr_schedule=None,
                random_state=seed,
            ).fit(train.data)
            for seed in SEEDS
        ]
        for beta in BETAS
    }
    return aligners, train, test


def information_plane(path: str | None) -> Figure:
    """Draw how much of digit and speaker the embeddings contain, for each beta."""
    aligners, train, test = trained_on_recordings(path)
    plane = InformationPlaneDisplay.from_estimator(
        aligners,
        train.data,
        labels=train.labels,
        X_test=test.data,
        labels_test=test.labels,
        shared=train.shared,
        nuisances=train.nuisances,
        names={"audio": "recordings", "image": "images"},
    )
    print(plane.points.round(3).to_string(index=False))
    return plane.figure_


def retrieval(path: str | None) -> Figure:
    """Draw which images held-out recordings retrieve."""
    aligners, _, test = trained_on_recordings(path)
    return RetrievalDisplay.from_estimator(
        aligners[3.0][0],
        test.data,
        query="audio",
        gallery="image",
        n_queries=4,
        names={"audio": "recording", "image": "image"},
    ).figure_


def of_main_job(name: str) -> Figure:
    """Draw a figure of the main job."""
    return displays()[name].figure_


def similarity() -> Figure:
    """Draw the cosines of the first two models of the main job."""
    names = params("names")
    spaces, labels = spaces_of(list(names)[:2])
    return SimilarityDisplay.from_embeddings(spaces, labels=labels, names=names).figure_


def diagnosis() -> Figure:
    """Draw what the halves of digits share, and the learning curve."""
    return figure_of(diagnose(load_digits_halves().data))


def paper(experiment: str) -> Figure:
    """Draw an experiment of the paper in its small setting."""
    of_sets = stages(experiment, "small")
    return FIGURES[experiment]({stage.dataset: stage.read_table() for stage in of_sets})


def small_data() -> Figure:
    """Draw recall over the number of training rows."""
    return draw_small_data(pd.read_csv(SMALL_DATA, dtype={"rows": str}))


def screenshot_report(file: Path) -> None:
    """Measure two sets of embeddings of the main job and write the top of the report."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise FileNotFoundError(f"a picture of the page needs one of {', '.join(BROWSERS)}.")
    with tempfile.TemporaryDirectory() as folder:
        page, picture = Path(folder, "page.html"), Path(folder, "page.png")
        factors = ["--match", "digit", "--shared", "digit", "--nuisances", "speaker"]
        sides = [str(EMBEDDINGS / f"ib.{side}.npy") for side in ("audio", "image")]
        labels = ["--labels", str(EMBEDDINGS / "labels.csv"), "--names", "audio", "image"]
        outputs = ["--json", str(page.with_suffix(".json")), "--html", str(page)]
        subprocess.run(["mibsk", "measure", *sides, *labels, *factors, *outputs, "-q"], check=True)
        size = f"--window-size={PAGE[0]},{PAGE[1]}"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", size]
        subprocess.run([browser, *options, f"--screenshot={picture}", page.as_uri()], check=True)
        Image.open(picture).convert("RGB").crop((0, 0, *PAGE)).save(file, optimize=True)


def drawings(path: str | None = None) -> dict[str, Callable[[], Figure]]:
    """Return how to draw each picture, all but the screenshot of the report."""
    return {
        "budget": budget,
        "loadings": loadings,
        "diagnosis": diagnosis,
        "shared": shared,
        "information_plane": partial(information_plane, path),
        "retrieval": partial(retrieval, path),
        "similarity": similarity,
        **{name: partial(of_main_job, name) for name in ("curves", "information", "spaces")},
        **{f"paper-{experiment}": partial(paper, experiment) for experiment in FIGURES},
        "small-data": small_data,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help="pictures; all of them by default")
    parser.add_argument("--path", help="local copy of the recordings")
    options = parser.parse_args()
    drawn = drawings(options.path)
    known = [*drawn, REPORT]
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"there is no picture {unknown[0]!r}, there are {', '.join(known)}")
    for name in options.names or known:
        file = options.folder / f"{name}.png"
        if name == REPORT:
            screenshot_report(file)
        else:
            save(drawn[name](), file, dpi=PAPER_DPI if name.startswith("paper") else DPI)
        print(f"{file}: {file.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
