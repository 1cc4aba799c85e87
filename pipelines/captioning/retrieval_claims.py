"""Claims about retrieval, decided on the same splits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..intervals import over_seeds
from ..paper.claims import Claim

MEASURE = "recall@10"


def of_direction(table: pd.DataFrame, method: str, direction: str) -> NDArray[np.float64]:
    """Return the recall@10 of a method in one direction, one value per split."""
    chosen = table[(table["method"] == method) & (table["direction"] == direction)]
    return chosen.sort_values("split")[MEASURE].to_numpy()


def claims_of(table: pd.DataFrame, settings: Mapping[str, Any]) -> list[Claim]:
    """Return the claims of a dataset, about each direction between pictures and texts.

    Parameters
    ----------
    table : DataFrame
        Rows of all methods, splits and directions.
    settings : mapping
        ``ours``, ``floor``, ``contrastive`` and ``regularised``: the methods that are compared;
        ``gain``, the difference between `ours` and `floor` that is claimed; and ``recall``, the
        recall of `ours` that is claimed, if any.
    """
    found = []
    for direction in ("image to text", "text to image"):
        of = {
            role: of_direction(table, settings[role], direction)
            for role in ("ours", "floor", "contrastive", "regularised")
        }
        key = direction.replace(" ", "_")
        gain = over_seeds(of["ours"] - of["floor"])
        text = f"{direction}: {MEASURE} of ours above that of ridge CCA of the towers"
        found.append(Claim.above(f"retrieval.{key}.gain", text, gain, settings["gain"]))
        if "recall" in settings:
            text = f"{direction}: {MEASURE} of ours"
            reached = over_seeds(of["ours"])
            found.append(Claim.above(f"retrieval.{key}.recall", text, reached, settings["recall"]))
        change = over_seeds(of["regularised"] - of["contrastive"])
        text = f"{direction}: the paper's regulariser lowers {MEASURE} (beta > 0 less beta = 0)"
        found.append(Claim.below(f"retrieval.{key}.regulariser", text, change, 0.0))
        change = over_seeds(of["ours"] - of["contrastive"])
        text = f"{direction}: {MEASURE} of ours above that of InfoNCE on the same features"
        found.append(Claim.above(f"retrieval.{key}.network", text, change, 0.0))
    return found
