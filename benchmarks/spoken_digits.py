"""Effect of beta and of the closed form on recordings, paired by class with images of digits.

    python -m benchmarks.spoken_digits [--path FOLDER] [--fixed-pairs] [--bottleneck canonical]

Each seed has its own split, stratified by digit; everything is measured on held-out rows.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from mibsk import ClassPairs, IBAligner
from mibsk.datasets import fetch_spoken_digits, split_bunch
from mibsk.metrics import alignment_report, leakage


def measure(
    beta: float, seed: int, path: str | None, *, fixed_pairs: bool, bottleneck: str | None
) -> dict[str, float]:
    """Train and measure one aligner."""
    bunch = fetch_spoken_digits(path=path, random_state=seed)
    train, test = split_bunch(bunch, random_state=seed)
    pairs: ClassPairs = train.data
    aligner = IBAligner(
        encoders={"audio": "conv1d", "image": "mlp"},
        bottleneck=bottleneck,
        beta=beta,
        max_epochs=15,
        lr=1e-3,
        lr_schedule=None,
        random_state=seed,
    ).fit(pairs.draw(random_state=seed) if fixed_pairs else pairs)
    report = alignment_report(aligner.embed(test.data), labels=test.data.labels)
    audio = {
        side: aligner.encoder("audio").transform(b.data["audio"])
        for side, b in (("train", train), ("test", test))
    }

    def read(factor: str, probe: str = "linear") -> float:
        return leakage(
            audio["train"],
            train.labels["audio"][factor],
            Z_test=audio["test"],
            labels_test=test.labels["audio"][factor],
            l2=1.0 if probe == "linear" else "auto",
            probe=probe,
        )

    return {
        "speaker leaked": read("speaker"),
        "speaker leaked to an MLP": read("speaker", "mlp"),
        "digit kept": read("digit"),
        "recall@1 audio to image": report["recall_at_1"]["audio_to_image"],
        "recall@1 image to audio": report["recall_at_1"]["image_to_audio"],
        "CKA": report["cka"],
        "modality gap": report["modality_gap"],
        "temperature": aligner.temperature_,
        "dimensions": aligner.n_components_,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--path", help="local copy of the recordings")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--betas", type=float, nargs="+", default=[0, 0.1, 1, 3, 10, 30])
    parser.add_argument(
        "--fixed-pairs", action="store_true", help="draw partners once, not in each epoch"
    )
    parser.add_argument(
        "--bottleneck", choices=["canonical"], help="the last stage; none by default"
    )
    options = parser.parse_args()
    rows = []
    for beta in options.betas:
        for seed in range(options.seeds):
            found = measure(
                beta,
                seed,
                options.path,
                fixed_pairs=options.fixed_pairs,
                bottleneck=options.bottleneck,
            )
            rows.append({"beta": beta, **found})
    by_beta = pd.DataFrame(rows).groupby("beta")
    mean, sd = by_beta.mean(), by_beta.std()
    table = mean.map("{:.3f}".format) + " ± " + sd.map("{:.3f}".format)
    assert np.isfinite(mean.to_numpy()).all()
    print(table.to_markdown())


if __name__ == "__main__":
    main()
