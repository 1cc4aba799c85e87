"""Captioners of a setting, one for each variant and seed."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skorch.callbacks import LRScheduler

from mibsk import QFormerCaptioner
from mibsk.schedules import WarmUp

from .captions_data import Part


@dataclass(frozen=True)
class CosineAfterWarmUp:
    """Factor of the learning rate: up along a line, then down along a cosine, step by step.

    A transformer with normalisation after each part needs the first of these: with few epochs, the
    schedule of the estimator, which changes from epoch to epoch, begins at the largest rate.

    Parameters
    ----------
    n_steps : int
        Number of steps of the training.
    share : float
        Share of them in which the rate increases.

    Examples
    --------
    >>> factor = CosineAfterWarmUp(100, 0.1)
    >>> [round(factor(step), 2) for step in (0, 9, 10, 55, 100)]
    [0.1, 1.0, 1.0, 0.5, 0.0]
    """

    n_steps: int
    share: float

    def __call__(self, step: int) -> float:
        """Return the factor of a step, from 0."""
        n_up = self.share * self.n_steps
        if step < n_up:
            return min((step + 1) / n_up, 1.0)
        progress = min((step - n_up) / (self.n_steps - n_up), 1.0)
        return 0.5 * (1 + math.cos(math.pi * progress))


def build(
    settings: Mapping[str, Any], changes: Mapping[str, Any], n_captions: int, seed: int
) -> QFormerCaptioner:
    """Return the captioner of a variant.

    Parameters
    ----------
    settings : mapping
        ``captioner``: parameters of :class:`mibsk.QFormerCaptioner`; ``warm_up``: share of the
        steps in which the learning rate increases.
    changes : mapping
        Parameters that differ; ``beta`` may be those of :class:`mibsk.schedules.WarmUp`.
    n_captions : int
        Number of captions of an epoch.
    seed : int
        Seed.
    """
    options = {**settings["captioner"], **changes}
    if isinstance(options.get("beta"), Mapping):
        options["beta"] = WarmUp(**options["beta"])
    n_steps = options["max_epochs"] * -(-n_captions // options["batch_size"])
    schedule = LRScheduler(
        "LambdaLR",
        lr_lambda=CosineAfterWarmUp(n_steps, settings["warm_up"]),
        step_every="batch",
    )
    return QFormerCaptioner(callbacks=[schedule], random_state=seed, **options)


def train(
    settings: Mapping[str, Any], changes: Mapping[str, Any], data: Part, seed: int
) -> tuple[QFormerCaptioner, float]:
    """Return the fitted captioner of a variant, and the minutes that this took."""
    n_captions = sum(map(len, data.captions))
    captioner = build(settings, changes, n_captions, seed)
    start = time.perf_counter()
    captioner.fit(data.features, data.captions, groups=data.groups)
    return captioner, (time.perf_counter() - start) / 60
