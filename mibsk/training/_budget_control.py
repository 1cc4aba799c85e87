"""Control of `beta` by a budget of sufficiency."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import combinations, permutations
from typing import Any

import torch
from skorch.callbacks import Callback

from ..data import Batch, Batches, Source
from ..losses import Embedding, IBObjective, logits
from ..schedules import SufficiencyBudget
from ._net import AlignmentNet
from ._step import embed

CHECKS = 10  # approximate number of held-out batches per epoch: a few percent of its time
BEGIN = 1.0  # beta at the start of compression, unless its upper limit is lower
MEMORY = 0.04  # window of the moving average, as a fraction of the training
PACE = 15.0  # increase of log(beta) over all compressed epochs if the budget is never used
LOWEST = 0.01  # lower limit of beta, so that it can increase again
CEILING = 0.98  # recall above this is saturated and ignored

_STATE = ("log_beta_", "average_", "weight_", "best_")


class BudgetControl(Callback):
    """Adjust `beta` a few times per epoch, as specified by :class:`SufficiencyBudget`.

    The state is kept on the device, so that no step synchronizes with the host.

    Parameters
    ----------
    budget : SufficiencyBudget
        The constraint.
    held_out : Source
        Pairs on which the constraint is monitored.
    first : int
        Number of epochs in the history before this training.
    n_epochs : int
        Number of epochs of this training.
    n_steps : int
        Number of batches in an epoch.

    Attributes
    ----------
    log_beta_, weight_ : Tensor ()
        Logarithm of `beta`; weight sum of the moving average, below 1 at the beginning.
    average_, best_ : Tensor (2,)
        Moving average of bound and recall before division by `weight_`; the largest average.
    """

    def __init__(
        self,
        budget: SufficiencyBudget,
        held_out: Source,
        *,
        first: int,
        n_epochs: int,
        n_steps: int,
    ) -> None:
        self.budget, self.held_out, self.first = budget, held_out, first
        self.every = max(round(n_steps / CHECKS), 1)
        self.n_checks = -(-n_steps // self.every)  # per epoch
        # at least one epoch is uncompressed, and one compressed
        self.n_free = min(max(round(budget.share * n_epochs), 1), n_epochs - 1)
        self.n_compressed = n_epochs - self.n_free
        self._start()

    def on_train_begin(self, net: AlignmentNet, **kwargs: Any) -> None:
        """Reset the state."""
        self._start()

    def on_epoch_begin(self, net: AlignmentNet, **kwargs: Any) -> None:
        """Draw the order of the held-out pairs, and set `beta` of the last epoch."""
        for name in _STATE:  # the state may have been loaded from a checkpoint
            setattr(self, name, getattr(self, name).to(net.device))
        self._step = 0
        self._epoch = len(net.history) - 1 - self.first
        self._batches = self._held_out_batches(net)
        self._show(net)

    def on_batch_end(self, net: AlignmentNet, training: bool = False, **kwargs: Any) -> None:
        """Evaluate a held-out batch every few steps, and adjust `beta`."""
        if not training:
            return
        self._step += 1
        if self._step % self.every:
            return
        self._take_in(self._look(net))
        if self._epoch >= self.n_free:
            self._adjust()
            self._show(net)

    def _start(self) -> None:
        self.log_beta_ = torch.tensor(math.log(min(BEGIN, self.budget.high)))
        self.average_, self.weight_ = torch.zeros(2), torch.tensor(0.0)
        self.best_ = torch.full((2,), -math.inf)

    def _held_out_batches(self, net: AlignmentNet) -> Iterator[Batch]:
        batches = Batches(
            self.held_out, net.batch_size, net.seed, first_epoch=len(net.history) * self.n_checks
        )
        while True:
            yield from batches

    @torch.no_grad()
    def _look(self, net: AlignmentNet) -> torch.Tensor:
        """Return bound and recall, a tensor (2,), on the next held-out batch."""
        net.module_.eval()
        batch = next(self._batches)
        embeddings = embed(net.module_, batch, net.chunk_size)
        objective = net.module.objective
        recall = _recall(embeddings, batch.present, batch.groups)
        if not objective.sufficiency_term.is_bound:
            return torch.stack([recall, recall])
        return torch.stack([_bound(objective, embeddings, batch.present), recall])

    def _take_in(self, value: torch.Tensor) -> None:
        n_all = self.n_checks * (self.n_free + self.n_compressed)
        keep = 1 - 1 / max(MEMORY * n_all, 1.0)
        self.average_ = keep * self.average_ + (1 - keep) * value
        self.weight_ = keep * self.weight_ + (1 - keep)
        self.best_ = torch.maximum(self.best_, self.average_ / self.weight_)

    def _adjust(self) -> None:
        """Take one step of dual ascent on the logarithm of `beta`."""
        left = self._left()
        n_left = self.n_compressed - (self._epoch - self.n_free)
        pace = PACE / (self.n_compressed * self.n_checks)
        pace *= min(1.0, 2 * n_left / self.n_compressed)
        step = pace * (2 * left).clamp(-1.0, 1.0)
        lowest, highest = (math.log(min(beta, self.budget.high)) for beta in (LOWEST, math.inf))
        self.log_beta_ = (self.log_beta_ + step).clamp(lowest, highest)

    def _left(self) -> torch.Tensor:
        """Return the remaining share of the budget, a tensor (): 1 at the best, 0 at the limit."""
        now, fraction = self.average_ / self.weight_, self.budget.budget
        left = (now - (1 - fraction) * self.best_) / (fraction * self.best_)
        bound, recall = torch.where(self.best_ > 0, left, 0.0)  # no shared information: no change
        if self.budget.monitor == "recall":
            return recall
        if self.budget.monitor == "bound":
            return bound
        return torch.where(self.best_[1] > CEILING, bound, torch.maximum(bound, recall))

    def _show(self, net: AlignmentNet) -> None:
        net.module.objective.beta = self.log_beta_.exp() if self._epoch >= self.n_free else 0.0


def _bound(
    objective: IBObjective,
    embeddings: Mapping[str, Embedding],
    present: Mapping[str, torch.Tensor] | None,
) -> torch.Tensor:
    """Return the information bound of a batch.

    Of rows that lack modalities, it is that of the rows that have both of two modalities, each pair
    counting with its rows; or that of the complete rows, if the term takes all modalities at once.
    """
    if present is None:
        return objective.information_bound(embeddings)
    pairwise = objective.sufficiency_term.pairwise
    total, n = torch.zeros((), device=next(iter(present.values())).device), 0
    for chosen in combinations(embeddings, 2) if pairwise else [tuple(embeddings)]:
        rows = torch.stack([present[name] for name in chosen]).all(0).nonzero().flatten()
        if len(rows) > 1:
            some = {name: Embedding(embeddings[name].mean[rows]) for name in chosen}
            total = total + len(rows) * objective.information_bound(some)
            n += len(rows)
    return total / max(n, 1)


def _recall(
    embeddings: Mapping[str, Embedding],
    present: Mapping[str, torch.Tensor] | None = None,
    groups: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the mean recall@1 within a batch over all ordered pairs of modalities.

    All rows of the group of a row are its partners. Of rows that lack modalities, it is that of the
    rows that have both.
    """
    if present is not None:
        return _recall_of_present(embeddings, present, groups)
    means = [embedding.mean for embedding in embeddings.values()]
    device = means[0].device
    partner = torch.arange(len(means[0]), device=device) if groups is None else groups.to(device)
    hits = [
        (partner[logits(z, w, 1.0).argmax(1)] == partner).float().mean()
        for i, z in enumerate(means)
        for j, w in enumerate(means)
        if i != j
    ]
    return torch.stack(hits).mean()


def _recall_of_present(
    embeddings: Mapping[str, Embedding],
    present: Mapping[str, torch.Tensor],
    groups: torch.Tensor | None,
) -> torch.Tensor:
    hits: Any = 0.0
    n: Any = 0
    for a, b in permutations(embeddings, 2):
        both = present[a] & present[b]
        scores = logits(embeddings[a].mean, embeddings[b].mean, 1.0)
        scores = scores.masked_fill(~both, -torch.inf)
        partner = torch.arange(len(both), device=both.device)
        if groups is not None:
            partner = groups.to(both.device)
        hits = hits + ((partner[scores.argmax(1)] == partner) & both).sum()
        n = n + both.sum()
    found: torch.Tensor = hits / n.clamp(min=1)
    return found
