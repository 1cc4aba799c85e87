"""Captioners of a setting, one for each variant and seed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from mibsk import QFormerCaptioner
from mibsk.schedules import WarmUp

from .captions_data import Part


def build(settings: Mapping[str, Any], changes: Mapping[str, Any], seed: int) -> QFormerCaptioner:
    """Return the captioner of a variant.

    Parameters
    ----------
    settings : mapping
        ``captioner``: parameters of :class:`mibsk.QFormerCaptioner`.
    changes : mapping
        Parameters that differ; ``beta`` may be those of :class:`mibsk.schedules.WarmUp`.
    seed : int
        Seed.
    """
    options = {**settings["captioner"], **changes}
    if isinstance(options.get("beta"), Mapping):
        options["beta"] = WarmUp(**options["beta"])
    return QFormerCaptioner(random_state=seed, **options)


def train(
    settings: Mapping[str, Any], changes: Mapping[str, Any], data: Part, seed: int
) -> tuple[QFormerCaptioner, float]:
    """Return the fitted captioner of a variant, and the minutes that this took."""
    captioner = build(settings, changes, seed)
    start = time.perf_counter()
    captioner.fit(data.features, data.captions, groups=data.groups)
    return captioner, (time.perf_counter() - start) / 60
