"""Everything that a canonical bottleneck learns, as one object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..canonical import (
    Coordinates,
    DesignEffects,
    FoldedMoments,
    LinearModel,
    Moments,
    PairSums,
    SharedBySubset,
    Solution,
    information_of_directions,
    shared_by_subset,
    solve,
    whole_information,
)
from ..data import Form, InputSpec
from ..metrics.statistics import Estimate


@dataclass(frozen=True)
class CanonicalState:
    """Learned state of a `CanonicalBottleneck`.

    Parameters
    ----------
    form : Form
        Form of the arguments of `fit`.
    inputs : dict of str to InputSpec
        Specification of the rows of each modality.
    columns : dict of str to object
        ``n_features_in_`` and ``feature_names_in_``, if the data were a table.
    is_flat : bool
        Whether the second of two tables was a 1-d array.
    coordinates : dict of str to Coordinates
        Coordinates of the rows of each modality.
    moments : FoldedMoments
        Moments of the coordinates.
    scale : ndarray (D,)
        By which the coordinates are divided before the analysis.
    solution : Solution
        Directions in the scaled coordinates.
    n_kept : int
        Number of directions that are kept.
    model : LinearModel
        The kept directions, in the columns of the modalities.
    effects : DesignEffects or None
        Design effects of groups of rows that are not independent.
    level : float
        Level of the intervals.
    """

    form: Form
    inputs: dict[str, InputSpec]
    columns: dict[str, Any]
    is_flat: bool
    coordinates: dict[str, Coordinates]
    moments: FoldedMoments
    scale: np.ndarray
    solution: Solution
    n_kept: int
    model: LinearModel
    effects: DesignEffects | None = None
    level: float = 0.95

    @property
    def n_rows(self) -> int:
        """Number of pairs."""
        return self.moments.n_seen

    @property
    def scaled(self) -> Moments:
        """Moments of all rows in the scaled coordinates."""
        return self.moments.total.rescaled(self.scale)

    @cached_property
    def information(self) -> Estimate:
        """Gaussian information of the modalities, with its interval."""
        moments, sums = self.scaled, self.moments.group_sums
        once = self.moments.n == self.n_rows  # else the bias is not known
        if once and (moments.pairs is None or sums is None):
            whole = whole_information(moments, self.n_rows, self.level, self.effects)
            if whole is not None:
                return whole
        held_out = self.solution.held_out[: self.n_kept]
        if moments.pairs is not None:
            n_independent = np.asarray(self.solution.n_independent)[: self.n_kept]
            return information_of_directions(held_out, n_independent, self.level)
        effects = 1.0 if self.effects is None else self.effects.directions[: self.n_kept]
        return information_of_directions(held_out, self.n_rows / effects, self.level)

    @cached_property
    def by_subset(self) -> SharedBySubset:
        """What the kept directions share, by the modalities that share it."""
        sums = self.moments.group_sums
        return shared_by_subset(
            self.coordinates,
            self.moments.folds,
            self.scale,
            self.solution,
            self.n_kept,
            level=self.level,
            n_draws=self.moments.n / self.n_rows,
            group_sums=None if sums is None else sums.rescaled(self.scale),
        )


def analyse(
    form: Form,
    inputs: dict[str, InputSpec],
    columns: dict[str, Any],
    is_flat: bool,
    coordinates: dict[str, Coordinates],
    moments: FoldedMoments,
    *,
    scaled: bool,
    beta: float | str,
    **options: Any,
) -> CanonicalState:
    """Find the directions of the moments, with the options of `mibsk.canonical.solve`.

    Raises
    ------
    ValueError
        If a modality does not vary.
    """
    total = moments.total
    scale = np.ones(len(total.origin))
    for part, (name, base) in zip(total.parts, coordinates.items(), strict=True):
        deviations = total.deviations[part]
        if not deviations.any():
            raise ValueError(
                f"modality {name!r} does not vary: all of its {moments.n_seen} rows are equal. "
                "Pass rows that vary, or leave the modality out."
            )
        if scaled and base.basis is None and not inputs[name].is_sparse:
            scale[part] = np.where(deviations > 0, deviations, 1.0)
    folds = [fold.rescaled(scale) for fold in moments.folds]
    sums = moments.group_sums
    scaled_sums = None if sums is None else sums.rescaled(scale)
    solution = solve(
        folds,
        n_draws=total.n / moments.n_seen,
        separate_ridges=True,
        group_sums=scaled_sums,
        **options,
    )
    kept = max(solution.n_kept(beta), 1)
    model = LinearModel.of(list(inputs), coordinates, total, scale, solution, kept)
    effects = None
    if scaled_sums is not None and total.pairs is None:
        effects = DesignEffects.of(scaled_sums, total.rescaled(scale), solution.maps)
    return CanonicalState(
        form,
        inputs,
        columns,
        is_flat,
        coordinates,
        moments,
        scale,
        solution,
        kept,
        model,
        effects,
        options["level"],
    )


def to_values(state: CanonicalState) -> dict[str, Any]:
    """Return the arrays of a state, as values for a state file."""
    moments = state.moments
    return {
        "is_flat": state.is_flat,
        "coordinates": [vars(base) for base in state.coordinates.values()],
        "folds": [_fold_values(fold) for fold in moments.folds],
        "n_seen": moments.n_seen,
        "scale": state.scale,
        "solution": vars(state.solution),
        "n_kept": state.n_kept,
        "model": vars(state.model),
        "effects": None if state.effects is None else state.effects._asdict(),
        "level": state.level,
        "by_subset": _subset_values(state),
    }


def from_values(
    values: Mapping[str, Any], form: Form, inputs: dict[str, InputSpec], columns: dict[str, Any]
) -> CanonicalState:
    """Return the state from the result of :func:`to_values`."""
    folds = [_fold(fold) for fold in values["folds"]]
    moments = FoldedMoments(folds[0].widths, folds[0].origin)
    moments.folds, moments.n_seen = folds, values["n_seen"]
    effects = values.get("effects")  # files of earlier versions have none
    bases = [Coordinates(**base) for base in values["coordinates"]]
    state = CanonicalState(
        form,
        inputs,
        columns,
        values["is_flat"],
        dict(zip(inputs, bases, strict=True)),
        moments,
        values["scale"],
        Solution(**values["solution"]),
        values["n_kept"],
        LinearModel(**values["model"]),
        None if effects is None else DesignEffects(**effects),
        values.get("level", 0.95),
    )
    if values.get("by_subset") is not None:
        state.__dict__["by_subset"] = _by_subset(values["by_subset"])
    return state


def _fold_values(fold: Moments) -> dict[str, Any]:
    """Return the arrays of the moments of a fold."""
    pairs = (
        None if fold.pairs is None else {**vars(fold.pairs), "squares": list(fold.pairs.squares)}
    )
    return {**vars(fold), "pairs": pairs}


def _fold(values: Mapping[str, Any]) -> Moments:
    pairs = values.get("pairs")  # files of earlier versions have none
    if pairs is not None:
        pairs = PairSums(pairs["counts"], pairs["totals"], tuple(pairs["squares"]))
    return Moments(**{**values, "widths": tuple(values["widths"]), "pairs": pairs})


def _subset_values(state: CanonicalState) -> dict[str, Any] | None:
    """Return the values of what is shared; those of subsets as lists.

    None if it can be computed from the other values, which have no sums of groups.
    """
    if state.moments.group_sums is None and "by_subset" not in vars(state):
        return None
    found = state.by_subset
    information = [
        [list(subset), each.value, each.low, each.high, each.level]
        for subset, each in found.information.items()
    ]
    variance = {
        name: [[list(subset), share] for subset, share in shares.items()]
        for name, shares in found.variance.items()
    }
    return {
        "correlations": found.correlations,
        "information": information,
        "variance": variance,
    }


def _by_subset(values: Mapping[str, Any]) -> SharedBySubset:
    information = {
        tuple(subset): Estimate(value, low, high, level, np.empty(0))
        for subset, value, low, high, level in values["information"]
    }
    variance = {
        name: {tuple(subset): share for subset, share in shares}
        for name, shares in values["variance"].items()
    }
    return SharedBySubset(values["correlations"], information, variance)
