"""Conversion of the arguments of `fit` to pairs for training."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, get_args

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset

from .._checks.groups import Groups, as_groups, hold_out
from .._checks.parameters import check_modality_names, suggest
from .._checks.row_names import check_row_names
from .._checks.rows import n_rows
from ..data import (
    ClassPairing,
    ClassPairs,
    FixedPairing,
    Form,
    InputSpec,
    Presence,
    Source,
    StreamSource,
    TensorSource,
    check_known,
    dataset_columns,
    make_source,
    stack_items,
    without_missing,
)
from ..encoders import InputScaling, Scaling, learn_scaling, tokenizers_of
from ._result import Trained
from ._source_rows import n_comparable

_SCALINGS = get_args(Scaling)
_SAMPLE = 4096  # items of a torch Dataset used to learn the input scaling


@dataclass(frozen=True)
class TrainingData:
    """Training pairs, with the specifications and scalings learned from them.

    Parameters
    ----------
    form : Form
        Form of the arguments of `fit`.
    inputs : dict of str to InputSpec
        Specification of the rows of each modality.
    scalings : dict of str to InputScaling or None
        Scaling of the encoder input.
    source : Source or StreamSource
        The training pairs.
    seen : dict of str to array
        Prepared rows of each modality: all, or a sample of a torch Dataset. Labels are `OneHot`.
    groups : ndarray of int or None
        Groups that are held out as a whole, of the rows of the first modality, or the anchor.
    presence : Presence or None
        Which rows have each modality, of all or of the sample; None if all have all.
    sampled : ndarray of int or None
        Numbers of the rows in `seen`, if they are a sample in random order.
    """

    form: Form
    inputs: dict[str, InputSpec]
    scalings: dict[str, InputScaling | None]
    source: Source | StreamSource
    seen: dict[str, Any]
    groups: Groups = None
    presence: Presence | None = None
    sampled: np.ndarray | None = None

    @property
    def classes(self) -> np.ndarray | None:
        """Class of each pair, if a modality is class labels or the pairs share classes."""
        if isinstance(self.source, StreamSource):
            return None
        for name in self.form.label_names:
            codes: np.ndarray = self.seen[name].codes
            return codes[self.source.pairing.rows]
        pairing = self.source.pairing
        return pairing.codes if isinstance(pairing, ClassPairing) else None

    def with_unpaired(self) -> TrainingData:
        """Return the same data with the rows of a single modality among the pairs."""
        if not isinstance(self.source, TensorSource):
            return self  # a Dataset yields all of its items
        assert self.presence is not None
        rows = np.arange(len(self.presence.n_modalities))
        pairing = FixedPairing(self.form.names, rows)
        return replace(self, source=self.source.with_pairing(pairing))

    def with_groups(self, groups: Any, X: Any, *, held_out: bool = True) -> TrainingData:
        """Return the same data with the groups that a user passed beside `X`.

        Raises
        ------
        ValueError, TypeError
            If they are not groups of the rows, or the rows are a stream.
        """
        if isinstance(self.source, StreamSource):
            raise ValueError(
                "rows of one group are held out together, but an IterableDataset does not support "
                "that: pass a Dataset with a length, or no groups."
            )
        check_row_names({"X": X, "groups": groups})
        rows = self.source.pairing.rows
        if self.presence is not None and not isinstance(X, Dataset):
            rows = np.arange(len(self.presence.n_modalities))  # those without a partner included
        numbered = as_groups(groups, len(rows), held_out=held_out)
        if numbered is None:
            return self
        of_row = np.full(rows.max() + 1, -1)
        of_row[rows] = numbered
        return replace(self, groups=of_row)


def read_training_data(
    X: Any,
    y: Any,
    form: Form,
    device: torch.device,
    rng: np.random.Generator,
    input_scaling: Any,
    encoders: Any = "auto",
) -> TrainingData:
    """Check the arguments of `fit`, learn the specification of each modality, build a source.

    Strings become the rows that `encoders` read.
    """
    _check_input_scaling(input_scaling, form.names)
    is_sample = isinstance(X, Dataset)
    # of pairs by class, no row is missing
    checked = [] if isinstance(X, ClassPairs) else form.names
    raw, sampled = _raw_rows(X, y, form, rng)
    raw, masks = without_missing(raw, checked, form.label_names)
    presence = Presence.of(form.names, masks) if masks else None
    if presence is not None:
        presence.check(of=" in a sample of the Dataset" if is_sample else "")
    inputs, seen = {}, {}
    tokenizers: Mapping[str, str] = {}
    if encoders not in ("auto", "network"):  # the default reads n-grams
        tokenizers = tokenizers_of(encoders, form.names)
    for name in form.names:
        inputs[name], seen[name] = InputSpec.learn(
            name,
            raw[name],
            labels=name in form.label_names,
            sample=is_sample,
            tokenizer=tokenizers.get(name, ""),
        )
    each = input_scaling if isinstance(input_scaling, Mapping) else {}
    default = "auto" if isinstance(input_scaling, Mapping) else input_scaling
    scalings: dict[str, InputScaling | None] = {}
    for name, rows in seen.items():
        trained_on = rows[X.rows(name)] if isinstance(X, ClassPairs) else rows
        scalings[name] = learn_scaling(trained_on, each.get(name, default))
    source = make_source(X, seen, inputs, device, presence)
    return TrainingData(form, inputs, scalings, source, seen, presence=presence, sampled=sampled)


def read_further_data(
    X: Any,
    y: Any,
    modalities: Mapping[str, Any] | None,
    device: torch.device,
    rng: np.random.Generator,
    input_scaling: Any,
    earlier: Trained,
) -> TrainingData:
    """Read the arguments of `fit` in the form of an earlier one, whose input scaling is kept.

    Raises
    ------
    ValueError, TypeError
        If the data do not match those of the earlier fit.
    """
    form, inputs = earlier.form, earlier.inputs
    if modalities is not None and list(modalities) != form.names:
        raise ValueError(
            f"training continues with the modalities fitted before, {form.names}, but modalities= "
            f"now names {list(modalities)}: restore it, or use a new estimator."
        )
    _check_input_scaling(input_scaling, form.names)
    raw, _ = _raw_rows(X, y, form, rng)
    if missing := [name for name in form.names if name not in raw]:
        raise ValueError(
            f"missing modality {missing}: training continues with all of {form.names}."
        )
    checked = () if isinstance(X, ClassPairs) else form.names
    raw, masks = without_missing(raw, checked, form.label_names)
    presence = Presence.of(form.names, masks) if masks else None
    if presence is not None:
        presence.check(of=" in a sample of the Dataset" if isinstance(X, Dataset) else "")
    seen = {name: inputs[name].prepare_all(raw[name]) for name in form.names}
    scalings = {name: _own_scaling(earlier, name) for name in form.names}
    source = make_source(X, seen, inputs, device, presence)
    return TrainingData(form, inputs, scalings, source, seen, presence=presence)


def _own_scaling(earlier: Trained, name: str) -> InputScaling | None:
    """Return a copy of the scaling of an earlier training, on the CPU, where nets are built."""
    scaling = earlier.net.module.encoder(name).scaling
    return None if scaling is None else deepcopy(scaling).cpu()


def split_validation(
    source: Source | StreamSource,
    fraction: float,
    rng: np.random.Generator,
    reason: str,
    groups: Groups = None,
) -> tuple[Source, Source]:
    """Hold out a random fraction of the pairs, with at least two pairs in each part.

    `reason` is the parameter that requires it, for messages; `groups` of pairs, one for each, are
    held out as a whole.

    Raises
    ------
    ValueError
        If there are too few pairs of two or more modalities, or the source is a stream.
    """
    if isinstance(source, StreamSource):
        raise ValueError(
            f"{reason} holds out pairs, which an IterableDataset does not support: pass a "
            f"Dataset with a length, or do not use {reason}."
        )
    n_pairs = source.pairing.n_rows
    n_held = max(round(fraction * n_pairs), 2)
    held, rest = map(np.sort, hold_out(n_pairs, n_held, rng, groups))
    pairing = source.pairing
    few = min(len(held), len(rest)) < 2
    if not few:
        parts = tuple(source.with_pairing(pairing.subset(rows)) for rows in (rest, held))
        few = min(map(n_comparable, parts)) < 2
    if few:
        n_pairs = n_comparable(source)
        whole = "" if groups is None else " in whole groups"
        raise ValueError(
            f"{reason} holds out validation_fraction={fraction:g} of the pairs, but {n_pairs} "
            f"pairs{whole} are too few to split: pass more, or do not use {reason}."
        )
    rest_of, held_of = parts
    return rest_of, held_of


def _raw_rows(
    X: Any, y: Any, form: Form, rng: np.random.Generator
) -> tuple[Mapping[str, Any], np.ndarray | None]:
    """Return the raw rows of each modality, or those of a sample of a torch Dataset with a length.

    The second value has the numbers of the rows of this sample.
    """
    raw: Mapping[str, Any]
    sampled = None
    if isinstance(X, IterableDataset):
        items = list(islice(iter(X), _SAMPLE))
        n_pairs, raw = len(items), stack_items(items)
    elif isinstance(X, Dataset):
        n_pairs = len(X)  # type: ignore[arg-type]
        sampled = rng.permutation(n_pairs)[:_SAMPLE]
        raw = dataset_columns(X, sampled.tolist())
    elif isinstance(X, ClassPairs):
        check_row_names({"X": X, "y": y})
        n_pairs, raw = len(X), X
    else:
        raw = form.read(X, y)
        n_pairs = n_rows(*next(iter(raw.items())))
    if isinstance(X, Dataset):
        check_known(raw, form.names)
    if n_pairs < 2:
        raise ValueError(
            f"found {n_pairs} sample(s), n_samples={n_pairs}, while at least 2 are needed: a "
            "contrastive loss compares each pair with others."
        )
    return raw, sampled


def _check_input_scaling(given: Any, names: list[str]) -> None:
    """Raise unless `given` is a choice, or a mapping of some of the modalities to choices.

    Raises
    ------
    TypeError, ValueError
        If a choice is unknown, or a mapping names an unknown modality.
    """
    choices = {"input_scaling": given}
    if isinstance(given, Mapping):
        check_modality_names("input_scaling", given, names)
        choices = {f"input_scaling[{name!r}]": choice for name, choice in given.items()}
    for parameter, choice in choices.items():
        if choice in (None, *_SCALINGS):
            continue
        message = f"{parameter} must be {', '.join(map(repr, _SCALINGS))} or None, got {choice!r}."
        if not isinstance(choice, str):
            raise TypeError(message)
        raise ValueError(message + suggest(choice, _SCALINGS))
