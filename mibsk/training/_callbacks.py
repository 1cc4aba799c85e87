"""Checks of the skorch callbacks that are passed for a training."""

from __future__ import annotations

import math
from typing import Any

from skorch.callbacks import (
    BatchScoring,
    Callback,
    EpochScoring,
    InputShapeSetter,
    ProgressBar,
)

from ..data import Source, StreamSource
from ..losses import IBObjective
from ._epoch_means import EpochMeans
from ._net import AlignmentNet
from ._objective import reason_to_hold_out
from ._params import AlignerParams

_BEST = "_best"  # skorch's suffix of the epochs with the best value so far
_MEASURED = EpochMeans(IBObjective().parts).names


def check_callbacks(
    aligner: AlignerParams, source: Source | StreamSource, *, whole: bool
) -> list[tuple[str, Callback]]:
    """Return callbacks that record what those of the aligner monitor, by name.

    Raises
    ------
    TypeError, ValueError
        If an entry is not a callback, or needs what this training does not have.
    """
    given = [_callback(i, entry) for i, entry in enumerate(aligner.callbacks or [])]
    best = []
    for i, each in enumerate(given):
        if each is None:
            continue
        label = f"callbacks[{i}] is {_article(type(each).__name__)}"
        if isinstance(each, EpochScoring | BatchScoring):
            raise ValueError(
                f"{label}, which scores predictions, and an aligner makes none: the history has "
                "loss, alignment, uniformity and modality gap of each epoch; for another score, "
                "pass a skorch Callback whose on_epoch_end computes it, or use IBAlignerCV."
            )
        if isinstance(each, InputShapeSetter):
            raise ValueError(
                f"{label}, which is not needed: encoders get the shape of their rows from fit. "
                "Leave it out."
            )
        counts = isinstance(each, ProgressBar) and each.batches_per_epoch == "auto"
        if counts and isinstance(source, StreamSource):
            raise ValueError(
                f"{label}, which needs the number of batches, and an IterableDataset has no "
                "length: use ProgressBar(batches_per_epoch='count')."
            )
        monitor = getattr(each, "monitor", None)
        if not isinstance(monitor, str):
            continue
        key = monitor.removesuffix(_BEST)
        part, _, name = key.partition("_")
        if part not in ("train", "valid") or name not in _MEASURED:
            continue  # recorded by another callback
        if part == "valid" and not (whole and reason_to_hold_out(aligner)):
            instead = monitor.replace("valid", "train", 1)
            how = f"use monitor={instead!r}" + (", or early_stopping=True" if whole else "")
            raise ValueError(
                f"{label}, which monitors {monitor!r}, and no pairs are held out: {how}."
            )
        if monitor.endswith(_BEST):
            best.append(key)
    return [(f"best_{key}", BestSoFar(key)) for key in dict.fromkeys(best)]


class BestSoFar(Callback):
    """Record whether a value of the history is the lowest so far, as ``<key>_best``.

    Parameters
    ----------
    key : str
        Name of the value.

    Attributes
    ----------
    best_ : float
        The lowest value.
    """

    def __init__(self, key: str) -> None:
        self.key = key

    def initialize(self) -> BestSoFar:
        """Forget earlier values."""
        self.best_ = math.inf
        return self

    def on_epoch_end(self, net: AlignmentNet, **kwargs: Any) -> None:
        """Compare the value of this epoch with the lowest so far."""
        value = net.history[-1, self.key]
        net.history.record(self.key + _BEST, bool(value < self.best_))
        self.best_ = min(self.best_, value)


def _callback(i: int, entry: Any) -> Any:
    """Return the callback of an entry, which may also be a pair (name, callback) or a class."""
    is_pair = isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], str)
    callback = entry[1] if is_pair else entry
    if is_pair and callback is None:
        return None
    if isinstance(callback, type) and hasattr(callback, "on_train_begin"):
        callback = callback()
    if not hasattr(callback, "on_train_begin"):
        theirs = hasattr(callback, "on_fit_task_begin")
        raise TypeError(
            f"callbacks[{i}] must be a skorch callback or a pair of name and callback, got "
            f"{callback!r:.80}." + theirs * " Pass callbacks of scikit-learn to set_callbacks."
        )
    return callback


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "AEIOU" else f"a {name}"
