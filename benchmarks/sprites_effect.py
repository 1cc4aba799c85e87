"""Effect of beta and of the closed form on rendered sprites, compared with the authors' curves.

4,000 of 10,000 sprites are drawn with seed 1, and three quarters of them are training rows. The
second modality is the one-hot code of the shared factors, by default shape, scale and horizontal
position, as in the authors' curves; the others are nuisances. The encoders are MLPs, the loss is
InfoNCE over rows plus beta times the gaussian minimality, with a learned temperature, Adam at 1e-3,
batches of 128, and 12 epochs; after which the closed form keeps the shared directions, or not.
`--plain` trains the same encoders and loss in a bare loop of torch instead: unscaled input, torch's
initial weights, and the temperature itself as a parameter.

    python -m benchmarks.sprites_effect PATH/sprites10k.npz
    python -m benchmarks.sprites_effect PATH/sprites10k.npz --shared scale pos_y --plain
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from mibsk import IBAligner
from mibsk.encoders import MLP
from mibsk.exceptions import DuplicateRowsWarning
from mibsk.losses import Temperature
from mibsk.metrics import cka, mutual_knn, probe_information

FACTORS = {"shape": 3, "scale": 6, "orientation": 40, "pos_x": 32, "pos_y": 32}
SHARED = ("shape", "scale", "pos_x")
N_TRAIN, N_ROWS, N_EPOCHS, BATCH_SIZE = 3000, 4000, 12, 128
ENCODERS = {"image": MLP(hidden=(512, 256)), "factors": MLP(hidden=(64, 64))}
Data = Mapping[str, np.ndarray]


def load(path: Path, shared: Sequence[str] = SHARED) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Return both modalities, and the classes of all five factors."""
    with np.load(path) as stored:
        rows = np.random.default_rng(1).permutation(len(stored["imgs"]))[:N_ROWS]
        images = stored["imgs"][rows]
        classes = stored["latents_classes"][rows][:, 1:]  # the first column is the colour
    labels = pd.DataFrame(classes, columns=list(FACTORS))
    one_hot = [np.eye(FACTORS[name], dtype=np.float32)[labels[name]] for name in shared]
    return {"image": images, "factors": np.concatenate(one_hot, axis=1)}, labels


def fit_aligner(
    data: Data,
    *,
    beta: float,
    seed: int,
    bottleneck: str | None,
    input_scaling: str | None,
    default_rate: bool = False,
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Train an `IBAligner`; return the embeddings of all rows, and its temperature and size.

    The learning rate is that of the authors, or the default one of mibsk.
    """
    aligner = IBAligner(
        encoders=ENCODERS,
        input_scaling=input_scaling,
        sufficiency="infonce-oneway",
        bottleneck=bottleneck,
        beta=beta,
        max_epochs=N_EPOCHS,
        random_state=seed,
        **({} if default_rate else {"lr": 1e-3, "lr_schedule": None}),
    ).fit({name: X[:N_TRAIN] for name, X in data.items()})
    fitted = {"temperature": aligner.temperature_, "dimensions": aligner.n_components_}
    return aligner.embed(data), fitted


def fit_plain(
    data: Data, *, beta: float, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Do the same in a bare loop of torch."""
    rows = {name: torch.from_numpy(X.astype(np.float32)) for name, X in data.items()}
    torch.manual_seed(seed)
    encoders = {
        name: ENCODERS[name](tuple(X.shape[1:]), n_outputs=64).train() for name, X in rows.items()
    }
    temperature = torch.nn.Parameter(torch.tensor(0.07))
    weights = [weight for encoder in encoders.values() for weight in encoder.parameters()]
    optimizer = torch.optim.Adam([*weights, temperature], lr=1e-3)
    for _ in range(N_EPOCHS):
        for batch in torch.randperm(N_TRAIN).split(BATCH_SIZE):
            z, w = (F.normalize(encoders[name](X[batch])) for name, X in rows.items())
            partner = torch.arange(len(batch))
            loss = F.cross_entropy(z @ w.T / temperature, partner)
            loss = loss + beta * (1 - (z * w).sum(1)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        embedded = {name: F.normalize(encoders[name].eval()(X)).numpy() for name, X in rows.items()}
    return embedded, {"temperature": temperature.item(), "dimensions": 64}


def measure(
    embedded: Data, labels: pd.DataFrame, shared: Sequence[str] = SHARED
) -> dict[str, float]:
    """Measure embeddings on held-out rows; information is in nats."""
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
        "nuisance information": float(information.drop(list(shared)).sum()),
        "shared information": float(information[list(shared)].sum()),
    }


def sweep(
    path: Path,
    betas: Sequence[float],
    seeds: Sequence[int],
    bottleneck: str | None = None,
    *,
    shared: Sequence[str] = SHARED,
    input_scaling: str | None = "auto",
    plain: bool = False,
    default_rate: bool = False,
) -> pd.DataFrame:
    """Return one row per beta and seed."""
    data, labels = load(path, shared)
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DuplicateRowsWarning)  # rows of "factors" repeat
        for beta in betas:
            for seed in seeds:
                if plain:
                    embedded, fitted = fit_plain(data, beta=beta, seed=seed)
                else:
                    embedded, fitted = fit_aligner(
                        data,
                        beta=beta,
                        seed=seed,
                        bottleneck=bottleneck,
                        input_scaling=input_scaling,
                        default_rate=default_rate,
                    )
                found = measure(embedded, labels, shared)
                run = {"bottleneck": str(bottleneck), "beta": beta, "seed": seed}
                rows.append({**run, **found, **fitted})
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="sprites10k.npz, in the format of dSprites")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--shared", nargs="+", choices=FACTORS, default=SHARED)
    parser.add_argument("--betas", nargs="+", type=float, default=[0, 1, 3])
    parser.add_argument(
        "--input-scaling", choices=["auto", "columns", "modality", "none"], default="auto"
    )
    parser.add_argument("--pace", type=float, help="of the temperature; default: that of mibsk")
    parser.add_argument(
        "--default-rate", action="store_true", help="learning rate of mibsk, not of the authors"
    )
    parser.add_argument("--plain", action="store_true", help="a bare loop of torch")
    parser.add_argument(
        "--no-canonical", action="store_true", help="only without the closed form after training"
    )
    options = parser.parse_args()
    if options.pace is not None:
        Temperature.pace = options.pace
    measured = pd.concat(
        sweep(
            options.path,
            options.betas,
            list(range(options.seeds)),
            bottleneck,
            shared=options.shared,
            input_scaling=None if options.input_scaling == "none" else options.input_scaling,
            plain=options.plain,
            default_rate=options.default_rate,
        )
        for bottleneck in (
            (None,) if options.plain or options.no_canonical else (None, "canonical")
        )
    )
    by_model = measured.drop(columns="seed").groupby(["bottleneck", "beta"])
    table = by_model.mean().round(4).astype(str) + " ± " + by_model.std().round(4).astype(str)
    print(table.to_markdown())


if __name__ == "__main__":
    main()
