"""Pairs of one group: held out together, and not negatives of each other."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from ..data import ClassPairing, StreamSource, warn_duplicates
from ..exceptions import LargeGroupsWarning
from ..losses import sufficiency_term
from ._data import TrainingData
from ._params import AlignerParams

SAME_GROUP = ("negative", "ignored", "positive", "apart")

FEW = 50  # groups of one size
LARGE = 10  # rows of a group


def with_groups(
    aligner: AlignerParams,
    data: TrainingData,
    groups: Any,
    X: Any,
    *,
    whole: bool = True,
    warns: bool = True,
) -> TrainingData:
    """Return data with the groups that `fit` got, used as `same_group` says.

    With class labels or pairs by class, rows of one class are those of one group in the loss, and
    `groups` determine only what is held out.

    Parameters
    ----------
    aligner : AlignerParams
        Aligner with the parameters.
    data : TrainingData
        Pairs without groups.
    groups : array-like of shape (n,) or None
        Group of each pair.
    X : object
        The rows, as they were passed, for messages.
    whole : bool, default=True
        Whether whole groups may be held out.
    warns : bool, default=True
        Whether to warn of pairs that should be negatives, or should not.

    Raises
    ------
    ValueError, TypeError
        If they are not groups of the rows, the rows are a stream, or there are no groups but
        `same_group` needs them.

    Warns
    -----
    DuplicateRowsWarning
        If rows of a modality that are negatives of each other are equal.
    LargeGroupsWarning
        If the groups in which pairs are no negatives are large and few.
    """
    if groups is not None:
        data = data.with_groups(groups, X, held_out=whole)
    if aligner.same_group != "negative":
        data = _grouped(aligner, data, groups)
    if warns:
        _warn(aligner, data)
    return data


def _grouped(aligner: AlignerParams, data: TrainingData, groups: Any) -> TrainingData:
    """Return data whose pairs of one group are not all negatives of each other."""
    how, source = aligner.same_group, data.source
    if isinstance(source, StreamSource):
        raise ValueError(
            f"same_group={how!r} needs groups, which an IterableDataset does not support: pass a "
            "Dataset with a length, or same_group='negative'."
        )
    of_pairs = data.classes
    if of_pairs is None:
        if groups is None:
            raise ValueError(
                f"same_group={how!r} says what pairs of one group are, but there are no groups: "
                "pass groups= to fit, such as mibsk.data.duplicate_groups(X), or set "
                "same_group='negative'."
            )
        if data.groups is None:  # each pair on its own
            return data
        of_pairs = data.groups[source.pairing.rows]
    ignored = of_pairs if sufficiency_term(aligner.sufficiency).takes_groups else None
    pairing = source.pairing.with_groups(ignored, of_pairs if how == "apart" else None)
    return replace(data, source=source.with_pairing(pairing))


def _warn(aligner: AlignerParams, data: TrainingData) -> None:
    """Warn if equal rows are negatives, or if rows that may be different are none."""
    groups = None
    if not isinstance(data.source, StreamSource):
        pairing = data.source.pairing
        if isinstance(pairing, ClassPairing):  # rows of a class are meant to repeat
            return
        groups = pairing.groups if pairing.apart is None else pairing.apart
        if groups is not None and data.classes is None:
            _warn_large(aligner.same_group, groups)
    for name, rows in data.seen.items():
        if data.inputs[name].kind != "labels":
            of_rows = None if groups is None else _of_seen_rows(data, name, groups)
            warn_duplicates(name, rows, aligner.batch_size, of_rows)


def _of_seen_rows(data: TrainingData, name: str, groups: np.ndarray) -> np.ndarray:
    """Return the groups of the rows of a modality in `data.seen`, given those of the pairs."""
    if data.sampled is not None:
        groups = groups[data.sampled]
    elif data.presence is not None:  # rows without a partner are in no batch
        of_row = np.full(len(data.presence.n_modalities), -1)
        of_row[data.source.pairing.rows] = groups  # type: ignore[union-attr]
        groups = of_row
    return groups if data.presence is None else groups[data.presence.masks[name]]


def _warn_large(how: str, groups: np.ndarray) -> None:
    """Warn if groups are large and few, so that many pairs are no negatives."""
    n, sizes = len(groups), np.bincount(groups).astype(float)
    share = sizes @ (sizes - 1) / (n * (n - 1))  # of all pairs of pairs
    if 1 + share * (n - 1) < LARGE or share * FEW < 1:
        return
    warnings.warn(
        f"same_group={how!r}: a pair has {share * (n - 1):.0f} others in its group on average, "
        f"{share:.0%} of all, and none is a negative. If they are different, such as recordings of "
        "one speaker, the encoders may learn no more than the group: set same_group='negative'. "
        "If they are the same, silence mibsk.exceptions.LargeGroupsWarning.",
        LargeGroupsWarning,
        stacklevel=2,
    )
