"""Weight of the closed form beside the networks, chosen on held-out pairs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
import torch

from .._checks.groups import Groups, hold_out
from ..canonical import Canonical
from ..data import EncoderInput, InputSpec, Source
from ..encoders import Encoder
from ..losses import partner_cross_entropy
from ._closed_form import FittedClosedForm
from ._devices import exact_convolutions
from ._input_directions import InputDirections
from ._module import AlignmentModule
from ._source_rows import of_all_rows, source_batches

ALPHAS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, math.inf)
"""Weights that are compared: from the networks alone to the closed form alone."""

TEMPERATURES = 0.01 * 2.0 ** np.arange(7)
"""Temperatures of which the best is used for each weight."""

LARGEST = 1000  # pairs whose similarities are compared
FEW = 100
FEWEST = 5  # below, the weight is 1


def split_for_selection(
    source: Source, fraction: float, rng: np.random.Generator, groups: Groups = None
) -> tuple[Source, Source] | None:
    """Hold out a random fraction of the pairs, at least 100 and at most 1,000.

    Of fewer than 400 pairs, a quarter is held out. `groups` of pairs, one for each, are held out as
    a whole.

    Returns
    -------
    tuple of Source, or None
        Other and held-out pairs; None if the pairs are too few, or a class would lack partners.
    """
    n = source.pairing.n_rows
    n_held = min(max(round(fraction * n), min(FEW, n // 4)), LARGEST)
    if n_held < FEWEST:
        return None
    held_rows, other_rows = hold_out(n, n_held, rng, groups)
    if len(held_rows) < FEWEST:
        return None
    pairing = source.pairing
    try:
        held = pairing.subset(np.sort(held_rows))
        rest = pairing.subset(np.sort(other_rows))
    except ValueError:  # some class of pairs by class is in one part only
        return None
    return source.with_pairing(rest), source.with_pairing(held)


def choose_alpha(
    module: AlignmentModule, held_out: Source, device: torch.device
) -> tuple[float, dict[str, np.ndarray]]:
    """Return the weight of the closed form with the lowest loss on held-out pairs.

    The loss is symmetric InfoNCE, averaged over the pairs of modalities (of which each counts with
    the rows that have both), at the temperature that suits each weight best. Pairs of one group are
    negatives, or partners, as in the training. Without two rows that have both the weight is 1.

    Parameters
    ----------
    module : AlignmentModule
        Encoders with a closed form beside the networks, in evaluation mode.
    held_out : Source
        Pairs on which neither was fitted; of more than 1,000, a random part is used.
    device : torch.device
        Device of the module.

    Returns
    -------
    alpha : float
        The weight.
    compared : dict of str to ndarray
        All weights ("alpha") with "loss" in nats and "recall", the share of rows whose partner is
        nearest; empty if none were compared.
    """
    pairing = held_out.pairing
    if pairing.n_rows > LARGEST:
        part = np.random.default_rng(0).permutation(pairing.n_rows)[:LARGEST]
        held_out = held_out.with_pairing(pairing.subset(np.sort(part)))
    variates, networks, present = _both(module, held_out, device)
    pairing = held_out.pairing
    known = pairing.groups if pairing.apart is None else pairing.apart
    groups = None if known is None else torch.from_numpy(known).to(device)
    positives = module.objective.positives
    similar, among = [], []  # groups of the rows of each pair of modalities
    for a, b in combinations(range(len(variates)), 2):
        both: Any = slice(None) if present is None else present[a] & present[b]
        (u_a, u_b), (v_a, v_b) = ((of[a][both], of[b][both]) for of in (variates, networks))
        if len(u_a) > 1:
            similar.append((u_a @ u_b.T, v_a @ v_b.T))
            among.append(None if groups is None else groups[both])
    if not similar:
        return 1.0, {}
    losses, recalls = [], []
    for alpha in ALPHAS:
        share = 1.0 if math.isinf(alpha) else alpha**2 / (1 + alpha**2)
        scores = [share * u + (1 - share) * v for u, v in similar]
        losses.append(
            min(_infonce(scores, float(t), among, positives=positives) for t in TEMPERATURES)
        )
        recalls.append(_recall(scores, among))
    best = int(np.argmin(losses))
    return ALPHAS[best], {
        "alpha": np.array(ALPHAS),
        "loss": np.array(losses),
        "recall": np.array(recalls),
    }


def fit_closed_form(
    settings: Canonical,
    module: AlignmentModule,
    inputs: Mapping[str, InputSpec],
    rest: Source,
    held_out: Source | None,
    device: torch.device,
    *,
    whole: Source,
    groups: Groups = None,
) -> FittedClosedForm | None:
    """Find the canonical directions of the inputs, and their weight beside the networks.

    The directions of the pairs that are not held out choose the weight. Their ridges and the
    weights of the directions among each other, few numbers, are those of all pairs.

    Parameters
    ----------
    settings : Canonical
        Settings of the directions.
    module : AlignmentModule
        The encoders, in evaluation mode, to which the closed form is attached.
    inputs : mapping of str to InputSpec
        Specification of the rows of each modality.
    rest : Source
        Pairs on which the networks were trained.
    held_out : Source or None
        Pairs on which the weight is chosen. Without them, it is 1.
    device : torch.device
        Device of the module.
    whole : Source
        Pairs that determine the directions of the result: `rest`, or those and the held-out ones.
    groups : ndarray of int, default=None
        Groups of the rows, each of which is in one fold.

    Returns
    -------
    FittedClosedForm or None
        None if no direction is shared.
    """
    directions = InputDirections(settings, module, inputs, whole, groups)
    moments = directions.moments(rest)
    folds = moments.folds
    if held_out is not None and whole is not rest:
        folds = [*folds, directions.moments(held_out).total]
    fewest = 0 if held_out is None else 1  # else whether it helps is seen on held-out pairs
    form = replace(directions.solve(folds, moments.group_sums, fewest=fewest), alpha=1.0)
    if not form.n_directions:
        return None
    if held_out is None:
        form.attach(module, device)
        return form
    directions.of(moments.total, form).attach(module, device)
    alpha, compared = choose_alpha(module, held_out, device)
    form = replace(form, alpha=alpha, selection=compared)
    form.attach(module, device)
    return form


def _both(
    module: AlignmentModule, source: Source, device: torch.device
) -> tuple[list[torch.Tensor], list[torch.Tensor], list[torch.Tensor] | None]:
    """Return variates and embeddings of the networks of each modality, both of unit norm.

    The third value tells which rows have each modality; None if all have all.
    """
    found: list[tuple[list[torch.Tensor], ...]] = [([], [], []) for _ in module.names]
    is_complete = True
    for batch in source_batches(source, 0):
        is_complete = is_complete and batch.present is None
        with torch.inference_mode(), exact_convolutions(device):
            for (variates, networks, present), name in zip(found, module.names, strict=True):
                encoder = module.encoder(name)
                assert encoder.closed_form is not None
                width = len(encoder.closed_form.bias)
                variates.append(of_all_rows(batch, name, partial(_variates, encoder), width))
                width = encoder.n_network_outputs
                networks.append(of_all_rows(batch, name, encoder.network, width))
                every = torch.ones(len(variates[-1]), dtype=torch.bool, device=device)
                present.append(every if batch.present is None else batch.present[name])
    u, v, has = ([torch.cat(parts[i]) for parts in found] for i in range(3))
    return u, v, None if is_complete else has


def _variates(encoder: Encoder, rows: EncoderInput) -> torch.Tensor:
    assert encoder.closed_form is not None
    return encoder.closed_form.variates(encoder.scaled(rows))


def _infonce(
    scores: Sequence[torch.Tensor],
    temperature: float,
    among: Sequence[torch.Tensor | None],
    *,
    positives: bool,
) -> float:
    losses = []
    for s, groups in zip(scores, among, strict=True):
        logits = s / temperature
        if groups is not None:
            each = [
                partner_cross_entropy(way, groups, positives=positives)
                for way in (logits, logits.T)
            ]
            losses.append(torch.stack(each).mean())
            continue
        both = logits.logsumexp(dim=0) + logits.logsumexp(dim=1)
        losses.append((both / 2 - logits.diagonal()).mean())
    return _mean(losses, [len(s) for s in scores])


def _recall(scores: Sequence[torch.Tensor], among: Sequence[torch.Tensor | None]) -> float:
    hits = []
    for s, of_rows in zip(scores, among, strict=True):
        partner = torch.arange(len(s), device=s.device) if of_rows is None else of_rows
        hits += [(partner[each.argmax(dim=1)] == partner).double().mean() for each in (s, s.T)]
    return _mean(hits, [len(s) for s in scores for _ in range(2)])


def _mean(values: Sequence[torch.Tensor], sizes: Sequence[int]) -> float:
    """Return the mean of the values, each of which is that of so many rows."""
    stacked = torch.stack(list(values))
    if len(set(sizes)) == 1:
        return float(stacked.mean())
    return float(stacked @ stacked.new_tensor(sizes) / sum(sizes))
