"""From what a user passes to `fit` to what is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from .._validation import n_rows
from ..data import ClassPairs, Form, InputSpec, Source, dataset_source, read_form, tensor_source
from ..data._source import dataset_columns
from ..encoders import InputScaling

_SCALING_SAMPLE = 4096  # items of a torch Dataset from which the input scaling is learned


@dataclass(frozen=True)
class TrainingData:
    """The pairs to train on, and what was learned by looking at them."""

    form: Form
    inputs: dict[str, InputSpec]
    scalings: dict[str, InputScaling | None]
    source: Source


def read_training_data(
    X: Any,
    y: Any,
    modalities: Mapping[str, Any] | None,
    device: torch.device,
    rng: np.random.Generator,
) -> TrainingData:
    """Check the arguments of `fit`, learn what each modality looks like, and build its source."""
    form = read_form(X, y, modalities)
    if isinstance(X, Dataset):
        n_pairs = len(X)  # type: ignore[arg-type]
        sample = rng.permutation(n_pairs)[:_SCALING_SAMPLE].tolist()
        raw: Mapping[str, Any] = dataset_columns(X, sample)
    elif isinstance(X, ClassPairs):
        n_pairs, raw = len(X), X
    else:
        raw = form.read(X, y)
        n_pairs = n_rows(*next(iter(raw.items())))
    if n_pairs < 2:
        raise ValueError(
            f"found {n_pairs} sample(s), n_samples={n_pairs}, while at least 2 are needed: a "
            "contrastive loss compares each pair with others."
        )
    inputs, arrays, scalings = {}, {}, {}
    for name in form.names:
        inputs[name], arrays[name] = InputSpec.learn(
            name, raw[name], labels=name in form.label_names
        )
        rows = arrays[name]
        if isinstance(X, ClassPairs):
            rows = rows[X.rows(name)]
        scalings[name] = None if inputs[name].is_sparse else InputScaling.from_array(rows)
    source: Source
    if isinstance(X, Dataset):
        source = dataset_source(X, inputs, device)
    else:
        source = tensor_source(arrays, device, X.pairing if isinstance(X, ClassPairs) else None)
    return TrainingData(form, inputs, scalings, source)


def split_validation(
    source: Source, fraction: float, rng: np.random.Generator
) -> tuple[Source, Source]:
    """Set a random fraction of the pairs aside, at least two on each side.

    Raises
    ------
    ValueError
        If there are too few pairs for that.
    """
    n_rows = source.pairing.n_rows
    n_held = max(round(fraction * n_rows), 2)
    if n_rows - n_held < 2:
        raise ValueError(
            f"early_stopping sets aside validation_fraction={fraction:g} of the pairs, but "
            f"{n_rows} pairs are too few to split: pass more, or early_stopping=False."
        )
    order = rng.permutation(n_rows)
    held, rest = np.sort(order[:n_held]), np.sort(order[n_held:])
    pairing = source.pairing
    return source.with_pairing(pairing.subset(rest)), source.with_pairing(pairing.subset(held))
