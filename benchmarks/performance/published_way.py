"""An epoch, and its evaluation, beside the way of the method's published code.

The published code (https://github.com/antonioalmudevar/multimodal_ib) reads single items, converts
each, and collates them with a `DataLoader`; its loss is InfoNCE over rows plus beta times the
gaussian minimality. After each epoch it computes the loss on the test rows, embeds all rows, fits
a logistic regression of scikit-learn to each factor, and measures CKA with centring matrices (n, n)
and mutual k-NN with a full sort of each row. The functions below do the same with code of their
own.
Its loader has four worker processes; the faster of none and four counts.

Rows are 4,000 sprites of 64 x 64 pixels, three quarters of them for training, with the encoders
of `benchmarks.sprites_effect`. `benchmarks.gpu` measures the same on a GPU, with ResNet20.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from mibsk import IBAligner
from mibsk.datasets import make_sprites
from mibsk.encoders import MLP
from mibsk.exceptions import DuplicateRowsWarning
from mibsk.metrics import cka, mutual_knn, probe_information

from ._ratio import Ratio, of_rounds, seconds

SHARED = ("shape", "scale", "pos_x")
ENCODERS = {"image": MLP(hidden=(512, 256)), "factors": MLP(hidden=(64, 64))}
N_ROWS, BATCH_SIZE, BETA, ROUNDS, N_EPOCHS = 4000, 128, 1.0, 3, 4
PENALTIES: tuple[Any, ...] = ("auto", 1.0)


class Items(Dataset):
    """Sprites, one item at a time, converted when it is read."""

    def __init__(self, images: np.ndarray, classes: np.ndarray, sizes: list[int]) -> None:
        self.images, self.classes, self.sizes = images, classes, sizes

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        image = torch.tensor(self.images[i], dtype=torch.float32)
        classes = torch.tensor(self.classes[i])
        shared = [F.one_hot(classes[j], n) for j, n in enumerate(self.sizes[: len(SHARED)])]
        return image, torch.cat(shared), classes


class Data:
    """The rows in both forms; three quarters are for training."""

    def __init__(self, n_rows: int = N_ROWS) -> None:
        self.n_train = n_rows * 3 // 4
        made = make_sprites(n_rows, image_size=64, shared=SHARED, random_state=0)
        self.images = (made.data["image"] > 127).astype(np.uint8)
        labels = made.labels["image"]
        self.labels = labels[[*SHARED, *(name for name in labels if name not in SHARED)]]
        self.classes = self.labels.to_numpy()
        self.sizes = (self.classes.max(axis=0) + 1).tolist()
        self.rows = {"image": self.images, "factors": np.asarray(made.data["factors"])}

    def loader(self, *, train: bool, n_workers: int) -> DataLoader:
        """Return batches of single items."""
        part = self._rows(train)
        items = Items(self.images[part], self.classes[part], self.sizes)
        return DataLoader(items, batch_size=BATCH_SIZE, shuffle=train, num_workers=n_workers)

    def part(self, *, train: bool) -> dict[str, np.ndarray]:
        """Return whole arrays."""
        return {name: X[self._rows(train)] for name, X in self.rows.items()}

    def targets(self, *, train: bool) -> pd.DataFrame:
        """Return the factors."""
        return self.labels[self._rows(train)]

    def _rows(self, train: bool) -> slice:
        return slice(None, self.n_train) if train else slice(self.n_train, None)


class PublishedWay:
    """Training and evaluation over single items."""

    def __init__(
        self,
        data: Data,
        n_workers: int,
        encoders: Mapping[str, Any] = ENCODERS,
        device: str | torch.device = "cpu",
    ) -> None:
        torch.manual_seed(0)
        self.data, self.device = data, torch.device(device)
        self.train = data.loader(train=True, n_workers=n_workers)
        self.test = data.loader(train=False, n_workers=n_workers)
        shapes = {name: tuple(X.shape[1:]) for name, X in data.rows.items()}
        self.encoders = [
            encoders[name](shape, n_outputs=64).to(self.device) for name, shape in shapes.items()
        ]
        self.temperature = torch.nn.Parameter(torch.tensor(0.07, device=self.device))
        weights = [weight for encoder in self.encoders for weight in encoder.parameters()]
        self.optimizer = torch.optim.Adam([*weights, self.temperature], lr=1e-3)

    def embed(self, image: torch.Tensor, factors: torch.Tensor) -> list[torch.Tensor]:
        """Return unit embeddings of a batch."""
        pairs = zip(self.encoders, (image, factors), strict=True)
        return [
            F.normalize(encoder(X.to(self.device, torch.float32, non_blocking=True)))
            for encoder, X in pairs
        ]

    def loss(self, z: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """Return the loss of a batch."""
        scores = z @ w.T / self.temperature
        kept = (scores.logsumexp(1) - scores.diagonal()).mean() - np.log(len(scores))
        return kept + BETA * (1 - (z @ w.T).diagonal().mean())

    def epoch(self) -> None:
        """Train on all batches."""
        for encoder in self.encoders:
            encoder.train()
        total = torch.tensor(0.0)
        for image, factors, _ in self.train:
            loss = self.loss(*self.embed(image, factors))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.cpu().detach()

    def evaluate(self) -> dict[str, float]:
        """Return the loss, what probes find, and the alignment of the test rows."""
        for encoder in self.encoders:
            encoder.eval()
        total = torch.tensor(0.0)
        for image, factors, _ in self.test:
            total += self.loss(*self.embed(image, factors)).cpu().detach()
        found = {"loss": float(total / len(self.test))}
        train, test = (self._embedded(loader) for loader in (self.train, self.test))
        for side, z, z_test in zip(("image", "factors"), train[:2], test[:2], strict=True):
            for j, name in enumerate(self.data.labels):
                if side == "image" or name in SHARED:
                    scaler = StandardScaler().fit(z)
                    probe = LogisticRegression(max_iter=100)
                    probe.fit(scaler.transform(z), train[2][:, j])
                    chances = probe.predict_proba(scaler.transform(z_test))
                    column = np.searchsorted(probe.classes_, test[2][:, j])
                    column = column.clip(max=chances.shape[1] - 1)
                    picked = chances[np.arange(len(chances)), column]
                    found[f"{side}, {name}"] = float(-np.log(picked).mean())
                    probe.predict(scaler.transform(z_test))
        z, w = (torch.from_numpy(each) for each in test[:2])
        found["cka"] = centred_cka(z, w)
        found |= {f"knn, {k}": sorted_mutual_knn(z, w, k) for k in (1, 5)}
        return found

    def _embedded(self, loader: DataLoader) -> list[np.ndarray]:
        rows: list[list[torch.Tensor]] = [[], [], []]
        for image, factors, classes in loader:
            with torch.no_grad():
                z, w = self.embed(image, factors)
            for kept, new in zip(rows, (z, w, classes), strict=True):
                kept.extend(new.cpu())
        return [torch.stack(kept).numpy() for kept in rows]


def centred_cka(z: torch.Tensor, w: torch.Tensor) -> float:
    H = torch.eye(len(z)) - 1 / len(z)

    def hsic(K: torch.Tensor, L: torch.Tensor) -> torch.Tensor:
        return torch.trace(K @ H @ L @ H)

    K, L = z @ z.T, w @ w.T
    return float(hsic(K, L) / (hsic(K, K) * hsic(L, L)).sqrt())


def sorted_mutual_knn(z: torch.Tensor, w: torch.Tensor, k: int) -> float:
    masks = []
    for each in (z, w):
        scores = (each @ each.T).fill_diagonal_(-torch.inf)
        near = scores.argsort(dim=1, descending=True)[:, :k]
        masks.append(torch.zeros(len(z), len(z)).scatter_(1, near, 1))
    return float((masks[0] * masks[1]).sum(1).mean() / k)


def evaluate(fitted: IBAligner, data: Data, penalty: Any) -> dict[str, float]:
    """Measure the same with this package."""
    train, test = (fitted.embed(data.part(train=part)) for part in (True, False))
    labels, labels_test = (data.targets(train=part) for part in (True, False))
    found: dict[str, float] = {}
    for side, z in train.items():
        names = list(data.labels if side == "image" else SHARED)
        probes = probe_information(
            z,
            labels[names],
            Z_test=test[side],
            labels_test=labels_test[names],
            l2=penalty,
        )
        found |= {f"{side}, {name}": probes["cross_entropy"][name] for name in names}
    found["cka"] = cka(test["image"], test["factors"])
    found |= {f"knn, {k}": mutual_knn(test["image"], test["factors"], k=k) for k in (1, 5)}
    return found


def ours(
    data: Data, encoders: Mapping[str, Any] = ENCODERS, device: str | torch.device = "cpu"
) -> tuple[IBAligner, float]:
    """Return a fitted aligner, and the median seconds of its epochs after the first."""
    aligner = IBAligner(
        encoders=dict(encoders),
        sufficiency="infonce-oneway",
        beta=BETA,
        bottleneck=None,
        max_epochs=N_EPOCHS,
        batch_size=BATCH_SIZE,
        device=str(device),
        random_state=0,
    ).fit(data.part(train=True))
    return aligner, float(np.median([epoch["dur"] for epoch in aligner.history_[1:]]))


def beside(
    data: Data,
    encoders: Mapping[str, Any] = ENCODERS,
    device: str | torch.device = "cpu",
    rounds: int = ROUNDS,
) -> dict[str, list[tuple[float, float]]]:
    """Return the seconds of ours and theirs in each round: training, and with each penalty."""
    found: dict[str, list[tuple[float, float]]] = {"training": []}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of 100 iterations
        warnings.simplefilter("ignore", DuplicateRowsWarning)  # factors repeat by design
        warnings.filterwarnings("ignore", "This DataLoader will create")
        published = [PublishedWay(data, n, encoders, device) for n in (0, 4)]
        for _ in range(rounds):
            theirs = min(
                float(np.median([seconds(way.epoch) for _ in range(2)])) for way in published
            )
            fitted, taken = ours(data, encoders, device)
            found["training"].append((taken, theirs))
            theirs += min(seconds(way.evaluate) for way in published)
            for penalty in PENALTIES:
                both = taken + seconds(partial(evaluate, fitted, data, penalty))
                found.setdefault(f"penalty {penalty}", []).append((both, theirs))
    return found


def ratios() -> Iterator[Ratio]:
    """Yield training, and training with evaluation."""
    for what, rounds in beside(Data()).items():
        kind = "" if what == "training" else f" with evaluation, {what} of the probes"
        name = f"epoch of an MLP on sprites, batch 128{kind}"
        yield of_rounds(name, "the way of the published code", rounds)
