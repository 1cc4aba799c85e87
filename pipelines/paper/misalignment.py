"""Do nuisances go with misalignment? Random splits of the factors into shared and hidden ones."""

from __future__ import annotations

import pandas as pd

from .claims import Claim
from .correlation import correlate, p_value
from .measures import measure
from .splits import random_splits
from .stage import Stage
from .tables import ALIGNMENT, per_split
from .training import Run, train

NUISANCE = {"nuisance_information": "in nats", "nuisance_ratio": "as a share of their entropy"}


def claims_of(table: pd.DataFrame) -> list[Claim]:
    """Return the claims about the correlation of alignment and nuisance information."""
    splits = per_split(table)
    found = []
    for alignment, aligned in ALIGNMENT.items():
        for nuisance, form in NUISANCE.items():
            x, y = splits[nuisance], splits[alignment]
            for statistic in ("pearson", "spearman"):
                found.append(
                    Claim.below(
                        f"misalignment.{alignment}.{nuisance}.{statistic}",
                        f"more nuisance information ({form}), less {aligned}: {statistic}",
                        correlate(statistic, x, y),
                        0.0,
                        p_value(statistic, x, y),
                    )
                )
        text = f"the same among splits of equal hidden entropy, {aligned}: partial Spearman"
        x, y, entropy = (
            splits[key] for key in ("nuisance_information", alignment, "nuisance_entropy")
        )
        interval = correlate("partial", x, y, entropy)
        found.append(Claim.below(f"misalignment.{alignment}.partial", text, interval, 0.0))
    return found


def main(stage: Stage) -> None:
    """Run the stage."""
    settings = stage.params("misalignment")
    data, test = stage.load()
    factors = list(data.labels["image"])
    splits = random_splits(factors, settings["n_splits"], settings["random_state"])
    # repeated splits are trained with different seeds
    runs = [Run(hidden, seed, {"beta": 0.0}) for seed, hidden in enumerate(splits)]
    with stage.tracked():
        aligners = train(stage.params("training"), runs, data)
        table = pd.DataFrame(
            {"hidden": "+".join(run.hidden), "seed": run.seed}
            | measure(aligner, run.hidden, data, test, stage.params("measures"))
            for run, aligner in zip(runs, aligners, strict=True)
        )
        stage.write(table, claims_of(table))


if __name__ == "__main__":
    main(Stage.from_arguments("misalignment"))
