"""Splits of the factors into shared ones, which the second modality encodes, and hidden ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

Split = tuple[str, ...]
"""The hidden factors."""


def factor_codes(
    labels: pd.DataFrame, sizes: Mapping[str, int], hidden: Collection[str]
) -> np.ndarray:
    """Return the one-hot codes of all factors, with those of hidden ones set to 0.

    The codes of all splits have the same width, so that their encoders have the same shape.

    Examples
    --------
    >>> labels = pd.DataFrame({"shape": [0, 1], "scale": [2, 0]})
    >>> factor_codes(labels, {"shape": 2, "scale": 3}, hidden=["shape"])
    array([[0., 0., 0., 0., 1.],
           [0., 0., 1., 0., 0.]], dtype=float32)
    """
    blocks = []
    for name, size in sizes.items():
        block = np.eye(size, dtype=np.float32)[labels[name]]
        blocks.append(np.zeros_like(block) if name in hidden else block)
    return np.concatenate(blocks, axis=1)


def random_splits(factors: Sequence[str], n_splits: int, random_state: int) -> list[Split]:
    """Draw splits with both parts non-empty; none is repeated before all have been drawn.

    Examples
    --------
    >>> sorted(random_splits(["shape", "scale"], 2, random_state=0))
    [('scale',), ('shape',)]
    """
    rng = np.random.default_rng(random_state)
    n_possible = 2 ** len(factors) - 2
    drawn: list[Split] = []
    while len(drawn) < n_splits:
        # the bits of 1 to 2^m - 2 are all subsets except the empty and the full one
        for code in 1 + rng.permutation(n_possible):
            drawn.append(tuple(name for i, name in enumerate(factors) if code >> i & 1))
    return drawn[:n_splits]
