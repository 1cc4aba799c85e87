"""Captions of pictures: variants of the loss, trained with several seeds and compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from ..images import save
from .captions_claims import claims_of
from .captions_data import Part, load
from .captions_figure import captions_figure, variants_figure
from .captions_measures import measure, scores_of, systems
from .captions_training import train
from .stage import CaptioningStage

N_SHOWN = 8  # pictures whose captions are drawn


def run(
    settings: Mapping[str, Any], name: str, seed: int, parts: tuple[Part, Part]
) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, list[str]]]:
    """Train one captioner.

    Returns
    -------
    measures : dict
        Of the captioner.
    scores : list of dict
        Of the captions of each system.
    captions : dict of str to list of str
        System -> captions of the test pictures.
    """
    of_train, of_test = parts
    captioner, minutes = train(settings, settings["variants"][name], of_train, seed)
    captions = systems(captioner, of_train, of_test)
    key = {"variant": name, "seed": seed}
    scores = [
        key | {"system": system} | row
        for system, texts in captions.items()
        for row in scores_of(texts, of_test)
    ]
    measures = key | {"minutes": minutes} | measure(captioner, of_test)
    print(f"{name}, seed {seed}: {minutes:.1f} minutes", flush=True)
    return measures, scores, captions


def main(stage: CaptioningStage) -> None:
    """Run the stage."""
    settings = stage.params("captions")[stage.dataset]
    parts = load(settings["data"])
    # all variants with the first seed come first: interrupted, the tables have whole seeds
    jobs = [(name, seed) for seed in settings["seeds"] for name in settings["variants"]]
    found = []
    with stage.tracked():
        results = Parallel(n_jobs=settings["n_jobs"], return_as="generator")(
            delayed(run)(settings, name, seed, parts) for name, seed in jobs
        )
        for result in results:
            found.append(result)
            measures = pd.DataFrame([row for row, _, _ in found])
            scores = pd.DataFrame([row for _, rows, _ in found for row in rows])
            stage.write(measures, [])
            scores.to_csv(scores_file(stage), index=False, float_format="%.6g")
        stage.write(measures, claims_of(measures, scores, settings["claims"]))
        shown = found[jobs.index((settings["claims"]["regularised"], settings["seeds"][0]))][2]
        draw(stage, measures, scores, shown, parts[1])


def draw(
    stage: CaptioningStage,
    measures: pd.DataFrame,
    scores: pd.DataFrame,
    captions: Mapping[str, list[str]],
    test: Part,
) -> None:
    """Draw the measures of all variants, and some test pictures with captions."""
    file = stage.table_file
    save(variants_figure(measures, scores), file.with_suffix(".png"))
    images = [np.asarray(test.pictures.data["image"][row]) for row in range(N_SHOWN)]
    save(
        captions_figure(images, captions, test.captions),
        file.with_name(f"{file.stem}-pictures.png"),
    )


def scores_file(stage: CaptioningStage) -> Path:
    """Return the file of the scores of the captions of all systems."""
    return stage.table_file.with_name(f"{stage.table_file.stem}-scores.csv")


if __name__ == "__main__":
    main(CaptioningStage.from_arguments("captions"))
