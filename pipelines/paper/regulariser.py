"""Does the regulariser align? A grid of its weight, beta, for each minimality and temperature."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import page_trend_test

from ..intervals import over_seeds
from .claims import Claim
from .measures import measure
from .stage import Stage
from .training import Run, train

SLACK = 0.02  # largest loss at which a measure counts as kept
RISES = {"cka": "CKA", "mutual_knn": "mutual k-NN"}
FALLS = {"nuisance_ratio": "nuisance information, as a share of its entropy,"}
STAYS = {
    "shared_ratio": "shared information, as a share of its entropy,",
    "recall_image_to_factors": "recall@1 image to factors",
    "recall_factors_to_image": "recall@1 factors to image",
}


def plan(settings: dict[str, Any], factors: list[str], dataset: str) -> list[Run]:
    """Return the runs of all combinations of minimality, temperature, beta and seed."""
    hidden = tuple(name for name in factors if name not in settings["shared"][dataset])
    grid = product(
        settings["minimality"], settings["temperatures"], settings["betas"], settings["seeds"]
    )
    return [
        Run(hidden, seed, {"minimality": form, "temperature": temperature, "beta": beta})
        for form, temperature, beta, seed in grid
    ]


def claims_of(table: pd.DataFrame, at_beta: float) -> list[Claim]:
    """Return the claims about each minimality and kind of temperature, at one beta against 0."""
    found = []
    for (form, temperature), runs in table.groupby(["minimality", "temperature_kind"], sort=False):
        prefix, where = f"regulariser.{form}.{temperature}", f"{form}, {temperature} temperature"
        learned = {"temperature": "log temperature"} if temperature == "learned" else {}
        for key, name in (RISES | FALLS | STAYS | learned).items():
            values = np.log(runs[key]) if key == "temperature" else runs[key]
            per_seed = runs.assign(value=values).pivot(index="seed", columns="beta", values="value")
            change = over_seeds(per_seed[at_beta] - per_seed[0.0])
            if key in RISES:
                text, claim, threshold = f"{name} rises ({where})", Claim.above, 0.0
            elif key in STAYS:
                text, claim, threshold = f"{name} is kept ({where})", Claim.above, -SLACK
            else:
                text, claim, threshold = f"{name} falls ({where})", Claim.below, 0.0
            trend = None if key in STAYS else page_p(per_seed, rises=key in RISES)
            found.append(claim(f"{prefix}.{key}", text, change, threshold, trend))
    return found


def page_p(per_seed: pd.DataFrame, *, rises: bool) -> float | None:
    """Return the p-value of Page's trend test over beta, with seeds as subjects, or None."""
    n_seeds, n_betas = per_seed.shape
    if n_seeds < 2 or n_betas < 3:
        return None
    in_order = per_seed.sort_index(axis="columns", ascending=rises)
    return float(page_trend_test(in_order.to_numpy()).pvalue)


def main(stage: Stage) -> None:
    """Run the stage."""
    settings = stage.params("regulariser")
    data, test = stage.load()
    runs = plan(settings, list(data.labels["image"]), stage.dataset)
    with stage.tracked():
        aligners = train(stage.params("training"), runs, data)
        table = pd.DataFrame(
            {
                "minimality": run.changes["minimality"],
                "temperature_kind": _kind(run.changes["temperature"]),
                "beta": run.changes["beta"],
                "seed": run.seed,
            }
            | measure(aligner, run.hidden, data, test, stage.params("measures"))
            for run, aligner in zip(runs, aligners, strict=True)
        )
        stage.write(table, claims_of(table, settings["at_beta"]))


def _kind(temperature: Any) -> str:
    return temperature if isinstance(temperature, str) else "fixed"


if __name__ == "__main__":
    main(Stage.from_arguments("regulariser"))
