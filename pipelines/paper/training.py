"""Training of many aligners of a setting."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from sklearn.utils import Bunch
from skorch.callbacks import LRScheduler

from mibsk import IBAligner, Modalities, fit_together
from mibsk.encoders import MLP, ResNet, ViT
from mibsk.exceptions import DuplicateRowsWarning

from .splits import Split, factor_codes

ENCODERS = {"mlp": MLP, "resnet": ResNet, "vit": ViT}
TOGETHER = ("beta", "temperature", "random_state")  # may differ within a call of fit_together


@dataclass(frozen=True)
class Run:
    """One training: hidden factors, seed, and differences from the defaults of the setting.

    The keys of `changes` are parameters of the aligner, or ``image`` for the image encoder.
    """

    hidden: Split
    seed: int
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """A string that is equal for equal runs."""
        return json.dumps([self.hidden, self.seed, self.changes], sort_keys=True)

    @property
    def group(self) -> str:
        """A string that is equal for runs that are trained and reported together."""
        fixed = {name: v for name, v in self.changes.items() if name not in TOGETHER}
        return json.dumps(fixed, sort_keys=True)


def build(settings: dict[str, Any], run: Run) -> IBAligner:
    """Return the aligner of a run."""
    changes = dict(run.changes)
    encoders = settings["encoders"] | {"image": changes.pop("image", settings["encoders"]["image"])}
    schedule = settings.get("step_lr")
    callbacks = [LRScheduler(torch.optim.lr_scheduler.StepLR, **schedule)] if schedule else None
    return IBAligner(
        encoders={name: encoder(spec) for name, spec in encoders.items()},
        bottleneck=None,  # the method of the paper
        callbacks=callbacks,
        random_state=run.seed,
        **(settings["aligner"] | changes),
    )


def encoder(spec: dict[str, Any]) -> Any:
    """Return the encoder of a specification ``{kind: mlp | resnet | vit, ...}``."""
    options = dict(spec)
    return ENCODERS[options.pop("kind")](**options)


def train(settings: dict[str, Any], runs: Sequence[Run], data: Bunch) -> list[IBAligner]:
    """Return fitted aligners, one for each run."""
    fitted: dict[str, IBAligner] = {}
    groups: dict[str, list[Run]] = {}
    for run in {run.key: run for run in runs}.values():
        groups.setdefault(run.group, []).append(run)
    # rows of "factors" repeat, since factors have few values
    warnings.simplefilter("ignore", DuplicateRowsWarning)
    for group, members in groups.items():
        start = time.perf_counter()
        aligners = [build(settings, run) for run in members]
        tables = [modalities(data, run.hidden) for run in members]
        fitted |= zip(
            (run.key for run in members),
            fit_together(aligners, tables, n_jobs=settings["n_jobs"]),
            strict=True,
        )
        took = time.perf_counter() - start
        print(f"trained {len(members)} runs in {took:.0f} s: {group}", flush=True)
    return [fitted[run.key] for run in runs]


def modalities(data: Bunch, hidden: Split) -> Modalities:
    """Return images, paired with the one-hot codes of the factors that are not hidden."""
    factors = factor_codes(data.labels["image"], data.sizes, hidden)
    return Modalities({"image": np.asarray(data.data["image"]), "factors": factors})
