"""Paired rows in chunks, for estimators that read them in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from torch.utils.data import Dataset, IterableDataset

from .._checks.groups import Groups, as_groups
from .._checks.pixels import pixel_values
from .._checks.row_names import check_row_names
from .._checks.rows import as_rows, n_rows
from .._checks.text import is_text
from ..data import (
    ClassPairs,
    Form,
    InputSpec,
    Mask,
    Presence,
    check_known,
    chunks_with_missing,
    entry,
    without_missing,
)
from ..training import dataset_chunks

VALUES_AT_A_TIME = 2**22  # 32 MiB of float64 for the widest modality
LARGEST_CHUNK = 8192  # rows
N_DRAWS = 5  # of the partners of `ClassPairs`


@dataclass(frozen=True)
class PairedRows:
    """The rows of all modalities, read in chunks.

    Parameters
    ----------
    X, y : object
        The arguments of `fit`.
    form : Form
        Their form.
    """

    X: Any
    y: Any
    form: Form

    @cached_property
    def raw(self) -> Mapping[str, Any]:
        """Rows of each modality as they are given, unless they are those of a torch Dataset."""
        if isinstance(self.X, ClassPairs):
            check_row_names({"X": self.X, "y": self.y})
            return self.X
        return self.form.read(self.X, self.y)

    @property
    def n(self) -> float:
        """Number of pairs; infinite for a stream."""
        if isinstance(self.X, IterableDataset):
            return np.inf
        if isinstance(self.X, Dataset | ClassPairs):
            return len(self.X)  # type: ignore[arg-type]
        return n_rows(*next(iter(self.raw.items())))

    def number_groups(self, groups: Any) -> Groups:
        """Return the group of each pair as a number, given what the user passed.

        Raises
        ------
        ValueError, TypeError
            If they are not groups of the pairs, or the pairs are a stream.
        """
        if groups is not None and not np.isfinite(self.n):
            raise ValueError(
                "rows of one group are held out together, but an IterableDataset does not support "
                "that: pass a Dataset with a length, or no groups."
            )
        check_row_names({"X": self.X, "groups": groups})
        return None if groups is None else as_groups(groups, int(self.n))

    @property
    def n_draws(self) -> int:
        """Number of times that partners are drawn."""
        return N_DRAWS if isinstance(self.X, ClassPairs) else 1

    def learn_inputs(self) -> dict[str, InputSpec]:
        """Check the rows, and return the specification of each modality."""
        raw: Mapping[str, Any]
        is_dataset, labels = isinstance(self.X, Dataset), self.form.label_names
        raw = next(dataset_chunks(self.X)) if is_dataset else self.raw
        if is_dataset:
            check_known(raw, self.form.names)
        if not isinstance(self.X, ClassPairs):
            raw, masks = without_missing(raw, self.form.names, labels)
            if masks:
                presence = Presence.of(self.form.names, masks)
                presence.check(of=" at the start of the Dataset" if is_dataset else "")
        found = {}
        for name in self.form.names:
            rows, pixels = raw[name], None
            if isinstance(rows, np.ndarray | list) and name not in labels:
                array = as_rows(name, rows)
                if array.dtype.kind in "biuf" or is_text(array):
                    rows = array[:1]  # shows kind and shape; `chunks` checks all rows
                    pixels = pixel_values(array)
            spec, _ = InputSpec.learn(
                name,
                rows,
                labels=name in labels,
                double=True,
                sample=isinstance(self.X, Dataset),
            )
            found[name] = spec if pixels is None else replace(spec, pixels=pixels)
        return found

    def chunks_of(self, spec: InputSpec) -> Iterator[Any]:
        """Yield the prepared rows of one modality in chunks."""
        for chunk, _ in self.chunks({spec.name: spec}):
            if spec.name in chunk:
                yield chunk[spec.name]

    def chunks(
        self, inputs: Mapping[str, InputSpec], draw: int = 0
    ) -> Iterator[tuple[dict[str, Any], list[Mask] | None]]:
        """Yield the prepared rows of the modalities in chunks, dense ones in their precision.

        Beside them, which rows of the chunk have each modality; None if all have all. A modality
        that none of them has is left out.

        Raises
        ------
        ValueError, TypeError
            If rows do not match `inputs`; earlier chunks were then yielded already.
        """
        if isinstance(self.X, Dataset):
            for raw in dataset_chunks(self.X):
                check_known(raw, self.form.names)
                n = n_rows(*next(iter(raw.items())))
                yield _chunk(inputs, [_read(spec, raw, n) for spec in inputs.values()])
            return
        if isinstance(self.X, ClassPairs):
            raw_rows: Mapping[str, Any] = self.X.draw(random_state=draw)
        else:
            raw_rows = self.raw
        widths = [1 if spec.is_sparse else prod(spec.shape) for spec in inputs.values()]
        size = min(max(64, VALUES_AT_A_TIME // max(widths)), LARGEST_CHUNK)
        readers = [
            chunks_with_missing(spec, entry(raw_rows, name), size, double=True)
            for name, spec in inputs.items()
        ]
        for parts in zip(*readers, strict=True):
            yield _chunk(inputs, parts)


def sizes(inputs: Mapping[str, InputSpec]) -> dict[str, int]:
    """Return the number of values of a row of each modality."""
    return {name: prod(spec.shape) for name, spec in inputs.items()}


Part = tuple[slice, Any, Mask | None]


def _read(spec: InputSpec, raw: Mapping[str, Any], n: int) -> Part:
    """Return the rows of a modality among `n` items, as of :func:`chunks_with_missing`."""
    if spec.name not in raw:
        return slice(0, n), None, np.zeros(n, dtype=bool)
    [part] = chunks_with_missing(spec, raw[spec.name], n, double=True)
    return part


def _chunk(names: Iterable[str], parts: Sequence[Part]) -> tuple[dict[str, Any], list[Mask] | None]:
    """Return the rows of a chunk by modality, and which these are."""
    rows = {name: rows for name, (_, rows, _) in zip(names, parts, strict=True) if rows is not None}
    if all(present is None for _, _, present in parts):
        return rows, None
    every = np.ones(parts[0][0].stop - parts[0][0].start, dtype=bool)
    return rows, [every if present is None else present for _, _, present in parts]
