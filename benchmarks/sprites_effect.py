"""Effect of beta and of the closed form on rendered sprites, compared with the authors' curves.

4,000 of 10,000 sprites are drawn with seed 1, and three quarters of them are training rows. The
second modality is the one-hot code of shape, scale and horizontal position; orientation and
vertical position are nuisances. The encoders are MLPs, the loss is InfoNCE over rows plus beta
times the gaussian minimality, with a learned temperature, Adam at 1e-3, batches of 128, and 12
epochs; after which the closed form keeps the shared directions, or not.

    python -m benchmarks.sprites_effect PATH/sprites10k.npz
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from mibsk import IBAligner
from mibsk.encoders import MLP
from mibsk.exceptions import DuplicateRowsWarning
from mibsk.metrics import cka, mutual_knn, probe_information

FACTORS = {"shape": 3, "scale": 6, "orientation": 40, "pos_x": 32, "pos_y": 32}
SHARED = ["shape", "scale", "pos_x"]
NUISANCES = ["orientation", "pos_y"]
N_TRAIN, N_ROWS = 3000, 4000


def load(path: Path) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Return both modalities, and the classes of all five factors."""
    with np.load(path) as stored:
        rows = np.random.default_rng(1).permutation(len(stored["imgs"]))[:N_ROWS]
        images = stored["imgs"][rows]
        classes = stored["latents_classes"][rows][:, 1:]  # the first column is the colour
    labels = pd.DataFrame(classes, columns=list(FACTORS))
    one_hot = [np.eye(FACTORS[name], dtype=np.float32)[labels[name]] for name in SHARED]
    return {"image": images, "factors": np.concatenate(one_hot, axis=1)}, labels


def measure(
    data: dict[str, np.ndarray],
    labels: pd.DataFrame,
    *,
    bottleneck: str | None,
    beta: float,
    seed: int,
) -> dict[str, float]:
    """Train one aligner and measure it on held-out rows; information is in nats."""
    train = {name: X[:N_TRAIN] for name, X in data.items()}
    aligner = IBAligner(
        encoders={"image": MLP(hidden=(512, 256)), "factors": MLP(hidden=(64, 64))},
        sufficiency="infonce-oneway",
        bottleneck=bottleneck,
        beta=beta,
        max_epochs=12,
        random_state=seed,
    ).fit(train)
    embedded = aligner.embed(data)
    image, factors = embedded["image"], embedded["factors"]
    probes = probe_information(
        image[:N_TRAIN],
        labels[:N_TRAIN],
        Z_test=image[N_TRAIN:],
        labels_test=labels[N_TRAIN:],
        l2=1.0,
    )
    # relative to the entropy of uniform factors, as in the authors' code
    information = np.log(pd.Series(FACTORS)) - probes["cross_entropy"]
    return {
        "CKA": cka(image[N_TRAIN:], factors[N_TRAIN:]),
        "mutual k-NN (k=5)": mutual_knn(image[N_TRAIN:], factors[N_TRAIN:], k=5),
        "nuisance information": float(information[NUISANCES].sum()),
        "shared information": float(information[SHARED].sum()),
        "temperature": aligner.temperature_,
        "dimensions": aligner.n_components_,
    }


def sweep(
    path: Path, betas: list[float], seeds: list[int], bottleneck: str | None = None
) -> pd.DataFrame:
    """Return one row per beta and seed."""
    data, labels = load(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DuplicateRowsWarning)  # rows of "factors" repeat
        rows = [
            {
                "bottleneck": str(bottleneck),
                "beta": beta,
                "seed": seed,
                **measure(data, labels, bottleneck=bottleneck, beta=beta, seed=seed),
            }
            for beta in betas
            for seed in seeds
        ]
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="sprites10k.npz, in the format of dSprites")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    seeds = list(range(options.seeds))
    measured = pd.concat(
        sweep(options.path, [0, 1, 3], seeds, bottleneck) for bottleneck in (None, "canonical")
    )
    by_model = measured.drop(columns="seed").groupby(["bottleneck", "beta"])
    table = by_model.mean().round(4).astype(str) + " ± " + by_model.std().round(4).astype(str)
    print(table.to_markdown())


if __name__ == "__main__":
    main()
