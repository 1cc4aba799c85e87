"""Canonical directions of the scaled inputs of a source, from their second moments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks.groups import Groups
from ..canonical import (
    Canonical,
    FoldedMoments,
    GroupSums,
    Moments,
    coordinate_views,
    directions_at,
    embedding_map,
    find_coordinates,
    near_mean,
    solve,
)
from ..data import InputSpec, Source
from ._closed_form import FittedClosedForm
from ._module import AlignmentModule
from ._source_rows import as_rows, groups_of_pairs, masks, n_draws, source_batches

Masks = list[NDArray[np.bool_]] | None

MAX_COLUMNS = 512
"""Largest number of principal directions of a modality; more did not improve retrieval."""

BASIS_VALUES = 2**22
"""Largest number of values of the basis of a modality, 32 MiB in float64."""

VALUES_AT_A_TIME = 2**20
LARGEST_CHUNK = 8192  # rows
SMALLEST_WEIGHT = 1e-3  # of a direction that is kept although nothing is shared


class InputDirections:
    """Canonical directions of the inputs of a source, as the networks see them.

    Parameters
    ----------
    settings : Canonical
        Settings of the directions.
    module : AlignmentModule
        Encoders, of which the input scaling is applied.
    inputs : mapping of str to InputSpec
        Specification of the rows of each modality.
    source : Source
        Pairs whose rows determine the coordinates.
    groups : ndarray of int, default=None
        Groups of the rows, each of which is in one fold of the moments.
    """

    def __init__(
        self,
        settings: Canonical,
        module: AlignmentModule,
        inputs: Mapping[str, InputSpec],
        source: Source,
        groups: Groups = None,
    ) -> None:
        self.settings, self.module, self.inputs = settings, module, inputs
        self.groups = groups
        self.n_draws = n_draws(source)
        self.coordinates = {
            name: find_coordinates(
                partial(self._rows, source, name),
                source.pairing.n_rows,
                prod(spec.shape),
                scaled=False,
                max_columns=MAX_COLUMNS,
                rank=min(MAX_COLUMNS, BASIS_VALUES // prod(spec.shape)),
            )
            for name, spec in inputs.items()
        }
        self._origin: np.ndarray | None = None

    def moments(self, source: Source) -> FoldedMoments:
        """Return the moments of the coordinates of the pairs of a source, by folds."""
        moments = None
        n_values = {name: prod(spec.shape) for name, spec in self.inputs.items()}
        for draw in range(self.n_draws):
            for i, (chunk, present) in enumerate(self._chunks(source, list(self.inputs), draw)):
                views = coordinate_views(self.coordinates, n_values, chunk, present)
                if self._origin is None:
                    self._origin = near_mean(views, present)
                if moments is None:
                    moments = FoldedMoments(
                        [view.shape[1] for view in views],
                        self._origin,
                        groups_of_pairs(source, self.groups),
                    )
                if not i:
                    moments.restart()
                moments.add(views, present)
        assert moments is not None
        return moments

    def solve(
        self, folds: Sequence[Moments], sums: GroupSums | None, *, fewest: int = 0
    ) -> FittedClosedForm:
        """Return the closed form of the pairs of all folds, with at least `fewest` directions.

        `sums` are those of their groups, or of most of them.
        """
        found = solve(
            folds,
            separate_ridges=True,
            n_components=self.module.n_components,
            level=self.settings.level,
            n_draws=self.n_draws,
            group_sums=sums,
        )
        kept = max(found.n_kept(self.settings.beta), min(fewest, found.maps[0].shape[1]))
        weights = np.ones(kept)
        if self.settings.weights == "information":
            weights = np.maximum(found.weights[:kept], SMALLEST_WEIGHT)
        ridges = dict(zip(self.inputs, found.ridges, strict=True))
        maps, biases = self._embedding(found.means, found.maps, weights)
        return FittedClosedForm(maps, biases, found.correlations(kept), ridges, weights)

    def of(self, moments: Moments, like: FittedClosedForm) -> FittedClosedForm:
        """Return the closed form of other pairs, with the ridges and the weights of `like`."""
        found = directions_at(moments, list(like.ridges.values()), len(like.direction_weights))
        maps, biases = self._embedding(*found, like.direction_weights)
        return replace(like, weights=maps, biases=biases)

    def _embedding(
        self, means: Sequence[np.ndarray], directions: Sequence[np.ndarray], weights: np.ndarray
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Return the linear map of the scaled input of each modality to the weighted variates."""
        maps, biases = {}, {}
        for (name, base), mean, A in zip(self.coordinates.items(), means, directions, strict=True):
            matrix, constant = embedding_map(A[:, : len(weights)], weights[: A.shape[1]])
            if base.mean is not None and base.basis is not None:
                # the coordinates (x - base.mean) @ basis have the mean `mean`
                mean, matrix = base.mean + base.basis @ mean, base.basis @ matrix
            maps[name] = (matrix if self.inputs[name].is_sparse else matrix.T).astype(np.float32)
            biases[name] = (constant - mean @ matrix).astype(np.float32)
        return maps, biases

    def _chunks(
        self, source: Source, names: Sequence[str], draw: int = 0
    ) -> Iterator[tuple[dict[str, Any], Masks]]:
        """Yield the scaled rows of the modalities that are present, and which these are."""
        widest = max(1 if self.inputs[n].is_sparse else prod(self.inputs[n].shape) for n in names)
        n_rows = min(max(64, VALUES_AT_A_TIME // widest), LARGEST_CHUNK)
        for batch in source_batches(source, draw, n_rows):
            chunk = {}
            for name in (name for name in names if name in batch):
                scaled = self.module.encoder(name).scaled(batch[name])
                chunk[name] = as_rows(scaled, self.inputs[name].shape[0])
            yield chunk, masks(batch, names)

    def _rows(self, source: Source, name: str) -> Iterator[Any]:
        """Yield the rows of one modality, with the partners of the first draw."""
        for chunk, _ in self._chunks(source, [name]):
            if name in chunk:
                yield chunk[name]
