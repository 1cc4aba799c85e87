"""The last stage of a training: the canonical bottleneck of the embeddings, in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from .._checks.groups import Groups
from ..canonical import Canonical, FoldedMoments, embedding_map, solve
from ..data import EncoderInput, Source, StreamSource
from ..encoders import Encoder, Projection
from ._devices import exact_convolutions
from ._module import AlignmentModule
from ._params import AlignerParams
from ._source_rows import groups_of_pairs, masks, n_draws, of_all_rows, source_batches

HELD_OUT = ("held_out", "low", "high")
"""Correlations on pairs that the encoders have not seen, and the ends of their interval."""


@dataclass(frozen=True)
class FittedBottleneck:
    """Linear maps of the embeddings, and the correlations of the canonical directions.

    Parameters
    ----------
    weights, biases : dict of str to ndarray of float32 (c, n_components) and (c,)
        Linear map of each modality to the c kept directions; empty if none was kept. A single
        direction has a constant second output.
    correlations : dict of str to ndarray (n_directions,)
        Mean correlation of each direction, strongest first: on the training pairs ("train"),
        "cross_fitted" over them, and on pairs that the encoders have not seen ("held_out"), the
        ends of the interval of the last of these that was measured ("low", "high"), and whether
        the direction was "kept".
    """

    weights: dict[str, np.ndarray]
    biases: dict[str, np.ndarray]
    correlations: dict[str, np.ndarray]

    def attach(self, module: AlignmentModule, device: torch.device) -> None:
        """Append the linear maps to the encoders, none if no direction was kept."""
        for name in module.names:
            projection = None
            if name in self.weights:
                projection = Projection(self.weights[name], self.biases[name]).to(device)
            module.encoder(name).bottleneck = projection

    def with_held_out(self, measured: Mapping[str, np.ndarray]) -> FittedBottleneck:
        """Return it with correlations on held-out pairs, and their interval.

        Parameters
        ----------
        measured : mapping of str to ndarray (n,)
            "held_out", "low" and "high", strongest direction first. Directions beyond the n-th
            have NaN.
        """
        n = len(self.correlations["kept"])
        padded = {name: np.full(n, np.nan) for name in HELD_OUT}
        for name, column in padded.items():
            found = measured[name][:n]
            column[: len(found)] = found
        order = ("train", "cross_fitted", *HELD_OUT, "kept")
        both = self.correlations | padded
        return replace(self, correlations={name: both[name] for name in order})

    @property
    def held_out(self) -> dict[str, np.ndarray]:
        """Correlations on held-out pairs and their interval, empty if they were not measured."""
        if "held_out" not in self.correlations:
            return {}
        return {name: self.correlations[name] for name in HELD_OUT}


def canonical_settings(aligner: AlignerParams) -> Canonical | None:
    """Return the settings of the last stage, if any."""
    return Canonical() if aligner.bottleneck == "canonical" else aligner.bottleneck


def fit_bottleneck(
    settings: Canonical,
    module: AlignmentModule,
    source: Source | StreamSource,
    held_out: Source | None,
    device: torch.device,
    groups: Groups = None,
) -> FittedBottleneck:
    """Compute the canonical directions of the embeddings of the pairs of `source`.

    Parameters
    ----------
    settings : Canonical
        Settings.
    module : AlignmentModule
        The trained encoders, in evaluation mode.
    source : Source or StreamSource
        The training pairs.
    held_out : Source or None
        Pairs that the encoders have not seen. With `hold_out` of the settings, their correlations
        determine which directions are kept, and otherwise those cross-fitted over the training
        pairs.
    device : torch.device
        Device of the module.
    groups : ndarray of int, default=None
        Groups of the rows, each of which is in one fold.
    """
    names = module.names
    moments = _moments(module, source, device, groups)
    unseen = None if held_out is None else _moments(module, held_out, device, None).total
    solve_at = partial(
        solve,
        moments.folds,
        n_components=module.n_components,
        level=settings.level,
        n_draws=n_draws(source),
        group_sums=moments.group_sums,
    )
    found = solve_at(ridge=settings.ridge, held_out=unseen if settings.hold_out else None)
    kept = found.n_kept(settings.beta)
    scale = found.weights[:kept] if settings.weights == "information" else np.ones(kept)
    weights, biases = {}, {}
    for name, mean, A in zip(names, found.means, found.maps, strict=True):
        if kept:
            weight, constant = embedding_map(A[:, :kept], scale)
            weights[name] = weight.T.astype(np.float32)
            biases[name] = (constant - mean @ weight).astype(np.float32)
    measured = "held_out" if unseen is not None and settings.hold_out else "cross_fitted"
    bottleneck = FittedBottleneck(weights, biases, found.correlations(kept, measured))
    if unseen is None or settings.hold_out:
        return bottleneck
    same = solve_at(ridge=found.ridges[0], held_out=unseen)
    return bottleneck.with_held_out(same.correlations(kept, "held_out"))


def _moments(
    module: AlignmentModule, source: Source | StreamSource, device: torch.device, groups: Groups
) -> FoldedMoments:
    """Return the moments of the embeddings of all modalities, by folds of pairs."""
    widths = [encoder.n_components for encoder in map(module.encoder, module.names)]
    moments = FoldedMoments(widths, np.zeros(sum(widths)), groups_of_pairs(source, groups))
    for draw in range(n_draws(source)):
        moments.restart()
        for batch in source_batches(source, draw):
            with torch.inference_mode(), exact_convolutions(device):
                views = [
                    of_all_rows(batch, name, partial(_mean, module.encoder(name)), width)
                    for name, width in zip(module.names, widths, strict=True)
                ]
            moments.add([view.cpu().numpy() for view in views], masks(batch, module.names))
    return moments


def _mean(encoder: Encoder, rows: EncoderInput) -> torch.Tensor:
    return encoder.distribution(rows)[0]
