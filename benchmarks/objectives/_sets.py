"""Real data with three and more modalities, with one split for each seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from mibsk.datasets import fetch_mfeat, fetch_omniglot, fetch_spoken_digits

from ..choosing_beta._sets import with_private_parts

N_TRAIN, N_TEST = 1000, 500
Views = dict[str, np.ndarray]


@dataclass(frozen=True)
class Rows:
    """Some rows of a dataset.

    Parameters
    ----------
    views : dict of str to ndarray (n, ...)
        Rows of each modality; row `i` of all belongs together.
    nuisances : dict of str to DataFrame (n, n_nuisances)
        What only that modality knows.
    labels : ndarray (n,) or None
        A row with the label of the query counts as its partner; None for the row alone.
    """

    views: Views
    nuisances: dict[str, pd.DataFrame]
    labels: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> Rows:
        """Return the rows at these positions."""
        return Rows(
            {name: X[rows] for name, X in self.views.items()},
            {name: y.iloc[rows].reset_index(drop=True) for name, y in self.nuisances.items()},
            None if self.labels is None else self.labels[rows],
        )


def split(name: str, seed: int) -> tuple[Rows, Rows]:
    """Return 1,000 training rows and 500 test rows, which share no character of Omniglot."""
    data, groups = _load(name)
    rng = np.random.default_rng(seed)
    order = rng.permutation(np.unique(groups))
    is_test = np.isin(groups, order[: len(order) // 3])
    parts = [
        np.sort(rng.permutation(np.flatnonzero(side))[:size])
        for side, size in ((~is_test, N_TRAIN), (is_test, N_TEST))
    ]
    return data.take(parts[0]), data.take(parts[1])


@cache
def _load(name: str) -> tuple[Rows, np.ndarray]:
    """Return all rows and their groups, which are in one part of a split."""
    return SETS[name]()


def _mfeat() -> tuple[Rows, np.ndarray]:
    bunch = with_private_parts(fetch_mfeat())
    nuisances = {name: table[bunch.nuisances] for name, table in bunch.labels.items()}
    views = {name: np.asarray(X) for name, X in bunch.data.items()}
    return Rows(views, nuisances), np.arange(len(bunch.data))


def _spoken_digits() -> tuple[Rows, np.ndarray]:
    """Pair each recording with one image of its digit, cut in halves; the digit is what counts."""
    bunch = fetch_spoken_digits(random_state=0)
    drawn = {name: np.asarray(X) for name, X in bunch.data.draw(random_state=0).items()}
    image = drawn["image"].reshape(-1, 8, 8)
    views = {"audio": drawn["audio"], "left": image[:, :, :4], "right": image[:, :, 4:]}
    labels = bunch.labels["audio"]
    rows = Rows(views, {"audio": labels[["speaker"]]}, labels["digit"].to_numpy())
    return rows, np.arange(len(labels))


def _omniglot() -> tuple[Rows, np.ndarray]:
    """Return each drawing at two resolutions, and its strokes; characters are not in both parts."""
    bunch = fetch_omniglot()
    image = np.asarray(bunch.data["image"], np.float32).squeeze()
    n, height, width = image.shape
    coarse = image[:, : height // 4 * 4, : width // 4 * 4]
    coarse = coarse.reshape(n, height // 4, 4, width // 4, 4).mean((2, 4))
    views = {"image": image, "coarse": coarse, "strokes": np.asarray(bunch.data["strokes"])}
    nuisances = {"strokes": bunch.labels["strokes"][bunch.nuisances]}
    return Rows(views, nuisances), bunch.labels["image"]["character"].to_numpy()


SETS: dict[str, Callable[[], tuple[Rows, np.ndarray]]] = {
    "mfeat": _mfeat,
    "spoken digits": _spoken_digits,
    "Omniglot": _omniglot,
}
