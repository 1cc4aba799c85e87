"""Second moments of the inputs of a source, and canonical directions of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from ..canonical import (
    Canonical,
    Coordinates,
    FoldedMoments,
    LinearModel,
    Moments,
    column_scale,
    embedding_map,
    find_coordinates,
    mean_correlation,
    solve,
)
from ..data import InputSpec, Source
from ._closed_form import FittedClosedForm
from ._source_rows import as_rows, n_draws, source_batches

MAX_COLUMNS = 512
"""Largest number of principal directions of a modality; more did not improve retrieval."""

BASIS_VALUES = 2**22
"""Largest number of values of the basis of a modality, 32 MiB in float64."""

MIN_RANK = 32  # with fewer principal directions, the closed form is left out
VALUES_AT_A_TIME = 2**20
LARGEST_CHUNK = 8192  # rows
SMALLEST_WEIGHT = 1e-3  # of a direction that is kept although nothing is shared


def fit_in_memory(inputs: Mapping[str, InputSpec]) -> bool:
    """Whether the rows are not too wide for the closed form of the inputs."""
    return all(BASIS_VALUES // prod(spec.shape) >= MIN_RANK for spec in inputs.values())


class InputDirections:
    """Canonical directions of the inputs of a source.

    Parameters
    ----------
    settings : Canonical
        Settings of the directions.
    inputs : mapping of str to InputSpec
        Specification of the rows of each modality.
    source : Source
        Pairs whose rows determine the coordinates.
    n_components : int
        Largest number of directions.
    """

    def __init__(
        self,
        settings: Canonical,
        inputs: Mapping[str, InputSpec],
        source: Source,
        n_components: int,
    ) -> None:
        self.settings, self.inputs, self.n_components = settings, inputs, n_components
        self.n_draws = n_draws(source)
        self.coordinates = {
            name: find_coordinates(
                partial(self._rows, source, name),
                source.pairing.n_rows,
                prod(spec.shape),
                scaled=not spec.is_sparse,
                max_columns=MAX_COLUMNS,
                rank=min(MAX_COLUMNS, BASIS_VALUES // prod(spec.shape)),
            )
            for name, spec in inputs.items()
        }
        self._origin: np.ndarray | None = None

    def moments(self, source: Source) -> FoldedMoments:
        """Return the moments of the coordinates of the pairs of a source, by folds."""
        moments = None
        for draw in range(self.n_draws):
            for i, chunk in enumerate(self._chunks(source, list(self.inputs), draw)):
                views = [self.coordinates[name](rows) for name, rows in chunk.items()]
                if self._origin is None:
                    # the first rows are near the mean, so that sums about them lose no digits
                    self._origin = np.concatenate([view.mean(axis=0) for view in views])
                if moments is None:
                    moments = FoldedMoments([view.shape[1] for view in views], self._origin)
                if not i:
                    moments.restart()
                moments.add(views)
        assert moments is not None
        return moments

    def solve(
        self, folds: Sequence[Moments], ridge: Any = "auto", *, fewest: int = 0
    ) -> FittedClosedForm:
        """Return the closed form of the pairs of all folds, with at least `fewest` directions."""
        total = sum(folds[1:], start=folds[0])
        names, coordinates = list(self.inputs), list(self.coordinates.values())
        scaled = [not spec.is_sparse for spec in self.inputs.values()]
        scale = column_scale(total, coordinates, scaled)
        found = solve(
            [fold.rescaled(scale) for fold in folds],
            ridge=ridge,
            separate_ridges=True,
            n_components=self.n_components,
            level=self.settings.level,
            n_draws=self.n_draws,
        )
        kept = max(found.n_kept(self.settings.beta), min(fewest, found.maps[0].shape[1]))
        weights = np.ones(kept)
        if self.settings.weights == "information":
            weights = np.maximum(found.weights[:kept], SMALLEST_WEIGHT)
        model = LinearModel.of(names, self.coordinates, total, scale, found, kept)
        correlations = {
            "train": mean_correlation(found.train),
            "cross_fitted": mean_correlation(found.held_out),
            "low": found.low,
            "high": found.high,
            "kept": np.arange(len(found.low)) < kept,
        }
        ridges = dict(zip(names, found.ridges, strict=True))
        form = FittedClosedForm({}, {}, {}, {}, correlations, ridges)
        for name, spec in self.inputs.items():
            matrix, constant = embedding_map(model.maps[name], weights)
            mean, deviations = model.means[name], model.deviations[name]
            if spec.is_sparse:
                form.means[name] = form.scales[name] = np.zeros(0, np.float32)
                weight, offset = matrix, mean
            else:
                # the rounding of the mean to float32 is part of the constant
                form.means[name] = mean.astype(np.float32)
                scales = np.where(deviations > 0, deviations, 1.0)
                form.scales[name] = scales.astype(np.float32)
                weight = matrix * scales[:, None]
                offset = mean - form.means[name].astype(np.float64)
            form.weights[name] = weight.astype(np.float32)
            form.biases[name] = (constant - offset @ matrix).astype(np.float32)
        return form

    def _chunks(
        self, source: Source, names: Sequence[str], draw: int = 0
    ) -> Iterator[dict[str, Any]]:
        widest = max(1 if self.inputs[n].is_sparse else prod(self.inputs[n].shape) for n in names)
        n_rows = min(max(64, VALUES_AT_A_TIME // widest), LARGEST_CHUNK)
        for batch in source_batches(source, draw, n_rows):
            yield {name: as_rows(batch[name], self.inputs[name].shape[0]) for name in names}

    def _rows(self, source: Source, name: str) -> Iterator[Any]:
        """Yield the rows of one modality, with the partners of the first draw."""
        for chunk in self._chunks(source, [name]):
            yield chunk[name]
