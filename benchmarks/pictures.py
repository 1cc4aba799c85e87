"""Two figures of docs/measuring.md, from recordings of spoken digits and images of digits.

    python -m benchmarks.pictures FOLDER [--path RECORDINGS]

Trains the aligners of `benchmarks.spoken_digits` on one split with three seeds for each beta, and
draws how much of the digit each embedding keeps and how much of the speaker it leaks, and which
images held-out recordings retrieve.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from mibsk import IBAligner
from mibsk.datasets import fetch_spoken_digits, split_bunch
from mibsk.inspection import InformationPlaneDisplay, RetrievalDisplay

BETAS, SEEDS = (0.0, 1.0, 3.0, 10.0, 30.0), range(3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--path", help="local copy of the recordings")
    options = parser.parse_args()
    train, test = split_bunch(fetch_spoken_digits(path=options.path, random_state=0))
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
    plane.figure_.savefig(options.folder / "information_plane.png")
    print(plane.points.round(3).to_string(index=False))
    found = RetrievalDisplay.from_estimator(
        aligners[3.0][0],
        test.data,
        query="audio",
        gallery="image",
        n_queries=4,
        names={"audio": "recording", "image": "image"},
    )
    found.figure_.savefig(options.folder / "retrieval.png")


if __name__ == "__main__":
    main()
