"""Cross-validation over whole groups of rows."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold


def whole_groups(cv: KFold | StratifiedKFold, groups: Any) -> GroupKFold | StratifiedGroupKFold:
    """Return the splitter of as many folds, stratified if `cv` is, that keeps groups whole.

    Raises
    ------
    ValueError
        If there are fewer groups than folds.
    """
    n_groups = len(np.unique(groups))
    if n_groups < cv.n_splits:
        raise ValueError(
            f"cv={cv.n_splits} makes folds of whole groups, but there are {n_groups} groups: use "
            f"cv={n_groups}, or pass more groups."
        )
    kind = StratifiedGroupKFold if isinstance(cv, StratifiedKFold) else GroupKFold
    return kind(cv.n_splits)


def takes_groups(scorer: Callable[..., float]) -> bool:
    """Whether a scorer has the argument `groups`, as those of leakage have."""
    return "groups" in inspect.signature(scorer).parameters
