"""Paired rows in chunks, for estimators that read them in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from ..data import ClassPairs, Form, InputSpec, entry, prepared_chunks
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
        raw = next(dataset_chunks(self.X)) if isinstance(self.X, Dataset) else self.raw
        labels = self.form.label_names
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
        for chunk in self.chunks({spec.name: spec}):
            yield chunk[spec.name]

    def chunks(self, inputs: Mapping[str, InputSpec], draw: int = 0) -> Iterator[dict[str, Any]]:
        """Yield the prepared rows of the modalities in chunks, dense ones in their precision.

        Raises
        ------
        ValueError, TypeError
            If rows do not match `inputs`; earlier chunks were then yielded already.
        """
        if isinstance(self.X, Dataset):
            for raw in dataset_chunks(self.X):
                yield {
                    name: spec.prepare(entry(raw, name), double=True)
                    for name, spec in inputs.items()
                }
            return
        if isinstance(self.X, ClassPairs):
            raw_rows: Mapping[str, Any] = self.X.draw(random_state=draw)
        else:
            raw_rows = self.raw
        widths = [1 if spec.is_sparse else prod(spec.shape) for spec in inputs.values()]
        size = min(max(64, VALUES_AT_A_TIME // max(widths)), LARGEST_CHUNK)
        readers = [
            prepared_chunks(spec, entry(raw_rows, name), size, double=True)
            for name, spec in inputs.items()
        ]
        for parts in zip(*readers, strict=True):
            yield {name: rows for name, (_, rows) in zip(inputs, parts, strict=True)}
