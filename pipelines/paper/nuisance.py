"""Does the contrastive loss remove a nuisance by itself? One factor at a time is hidden."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..intervals import over_seeds
from .claims import Claim
from .measures import probe
from .stage import Stage
from .tables import per_seed
from .training import Run, train

REMOVED = 0.05  # share of its entropy below which a nuisance counts as removed


def plan(settings: dict[str, Any], factors: list[str], dataset: str) -> list[tuple[str, str, Run]]:
    """Return knob, level and run of every training.

    Each factor is hidden in turn, or only those that a knob lists for the dataset.
    """
    return [
        (knob, str(level), Run((hidden,), seed, {"beta": 0.0} | changes))
        for knob, about in settings["knobs"].items()
        for level, changes in about["levels"].items()
        for hidden in about.get("hidden", {}).get(dataset, factors)
        for seed in settings["seeds"]
    ]


def claims_of(table: pd.DataFrame) -> list[Claim]:
    """Return the claims about each knob."""
    found = []
    for knob, of_knob in per_seed(table)["leakage"].groupby("knob", sort=False):
        levels = {
            str(level): over_seeds(values) for level, values in of_knob.groupby("level", sort=False)
        }
        least = min(levels.values(), key=lambda interval: interval.value)
        text = f"whatever the {knob}, the nuisance leaks (where least does)"
        found.append(Claim.above(f"nuisance.{knob}.leaks", text, least, REMOVED))
        ends = [name for name in levels if name != "learned"]
        first, last = of_knob.xs(ends[0], level="level"), of_knob.xs(ends[-1], level="level")
        text = f"{knob} changes how much leaks ({ends[-1]} less {ends[0]})"
        change = over_seeds(last.to_numpy() - first.to_numpy())
        found.append(Claim.differs(f"nuisance.{knob}.changes", text, change))
    return found


def main(stage: Stage) -> None:
    """Run the stage."""
    data, test = stage.load()
    measures = stage.params("measures")
    planned = plan(stage.params("nuisance"), list(data.labels["image"]), stage.dataset)
    runs = {run.key: run for _, _, run in planned}
    with stage.tracked():
        aligners = train(stage.params("training"), list(runs.values()), data)
        found = {}
        for run, aligner in zip(runs.values(), aligners, strict=True):
            fractions = probe(aligner, list(data.labels["image"]), data, test, measures)["fraction"]
            hidden = fractions.index.isin(run.hidden)
            found[run.key] = {
                "leakage": fractions[hidden].mean(),
                "kept": fractions[~hidden].mean(),
            }
        table = pd.DataFrame(
            {"knob": knob, "level": level, "hidden": run.hidden[0], "seed": run.seed}
            | found[run.key]
            for knob, level, run in planned
        )
        stage.write(table, claims_of(table))


if __name__ == "__main__":
    main(Stage.from_arguments("nuisance"))
