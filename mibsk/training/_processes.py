"""Training by several processes, each of which embeds a part of every batch.

Every process reads the same data and knows the whole batch. It embeds its own rows, gets the
embeddings of the others, and computes the loss of all rows. The gradient of that loss with respect
to its own embeddings is therefore complete, and the sum over the processes of what it gives for the
encoders is the gradient of one process with the whole batch. Each has all of the gradient of the
objective.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import distributed

from ..data import Batch, Source, StreamSource
from ..losses import Embedding
from ._data import TrainingData
from ._fingerprint import fingerprint
from ._params import AlignerParams
from ._process_group import different_process
from ._seeding import seed_torch
from ._synchronized_norm import has_batch_norm, synchronize, undo

FEWEST_ROWS = 2  # of a batch in each process


@dataclass(frozen=True)
class Processes:
    """The processes of the default group of `torch.distributed`."""

    rank: int
    size: int

    def share(self, source: Source, seed: int, epoch: int, device: torch.device) -> SharedSource:
        """Return the part of a source that this process embeds in an epoch."""
        return SharedSource(source, self, (seed, epoch), device)


class SharedSource:
    """The part of each batch of a source that one process embeds.

    Parameters
    ----------
    source : Source
        The pairs.
    processes : Processes
        All processes, and the number of this one.
    seed : tuple of int
        Seed of the training, and epoch.
    device : torch.device
        Device of the batches.
    """

    def __init__(
        self, source: Source, processes: Processes, seed: tuple[int, int], device: torch.device
    ) -> None:
        self.source, self.processes, self.seed, self.device = source, processes, seed, device
        self.pairing = source.pairing
        self.n_taken = 0

    def take(self, rows: Mapping[str, torch.Tensor]) -> Batch:
        """Return the rows of this process, of those at these indices.

        Raises
        ------
        ValueError
            If they are too few for all processes.
        """
        n, size, rank = len(next(iter(rows.values()))), self.processes.size, self.processes.rank
        if n < FEWEST_ROWS * size:
            raise ValueError(
                f"a batch of {n} rows is too small for {size} processes, each of which needs "
                f"{FEWEST_ROWS} or more: increase batch_size, or start fewer processes."
            )
        bounds = [i * n // size for i in range(size + 1)]
        own = slice(bounds[rank], bounds[rank + 1])
        batch = self.source.take({name: indices[own] for name, indices in rows.items()})
        step = (*self.seed, self.n_taken)
        self.n_taken += 1
        # each process has noise of its own in its encoders, and all have the same in the loss
        self._seed(*step, 1 + rank)
        batch.part = Part(self, tuple(np.diff(bounds).tolist()), own, step)
        return batch

    def seed_loss(self, step: tuple[int, ...]) -> None:
        """Seed the random numbers that the objective draws for all rows."""
        self._seed(*step, 0)

    def _seed(self, *entropy: int) -> None:
        drawn = np.random.SeedSequence(entropy).generate_state(1, np.uint64)
        seed_torch(int(drawn[0]), self.device)


@dataclass(frozen=True)
class Part:
    """The part of a batch that a process has.

    Parameters
    ----------
    source : SharedSource
        Where it is from.
    sizes : tuple of int
        Number of rows in each process.
    own : slice
        The rows of this process.
    step : tuple of int
        Seed of the training, epoch, and number of the batch.
    """

    source: SharedSource
    sizes: tuple[int, ...]
    own: slice
    step: tuple[int, ...]

    def whole(
        self, module: Any, embeddings: Mapping[str, Embedding], batch: Batch
    ) -> tuple[dict[str, Embedding], Whole]:
        """Return the embeddings of all rows, and what the objective takes beside them."""
        names = list(embeddings)
        takes_inputs = module.objective.takes_inputs
        inputs = module.inputs(batch) if takes_inputs else {}
        columns = []
        for name in names:
            columns += [tensor for tensor in embeddings[name] if tensor is not None]
        columns += [inputs[name] for name in inputs]
        mean = columns[0]
        for name in names:
            has = None if batch.present is None else batch.present[name]
            columns.append(mean.new_ones(len(mean), 1) if has is None else has[:, None].to(mean))
        gathered = _Gather.apply(torch.cat(columns, 1), self.sizes, self.own)
        parts = iter(gathered.split([part.shape[1] for part in columns], dim=1))
        found = {}
        for name in names:
            noisy = embeddings[name].log_var is not None
            found[name] = Embedding(next(parts), next(parts) if noisy else None)
        all_inputs = {name: next(parts).detach() for name in inputs} if takes_inputs else None
        masks = {name: next(parts).detach()[:, 0] > 0 for name in names}
        complete = bool(torch.stack(list(masks.values())).all())
        self.source.seed_loss(self.step)
        return found, Whole(None if complete else masks, batch.groups, all_inputs)


@dataclass(frozen=True)
class Whole:
    """What the objective takes beside the embeddings, of all rows of a batch."""

    present: dict[str, torch.Tensor] | None
    groups: torch.Tensor | None
    inputs: dict[str, torch.Tensor] | None


class _Gather(torch.autograd.Function):
    """Rows of all processes, in their order; the gradient is that of the own rows.

    Each process computes the same loss of all rows, so that it needs no gradient of another one.
    """

    @staticmethod
    def forward(ctx: Any, own: torch.Tensor, sizes: tuple[int, ...], rows: slice) -> torch.Tensor:
        ctx.rows = rows
        padded = own.new_zeros((max(sizes), own.shape[1]))
        padded[: len(own)] = own
        parts = [torch.empty_like(padded) for _ in sizes]
        distributed.all_gather(parts, padded)
        return torch.cat([part[:n] for part, n in zip(parts, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return gradient[ctx.rows], None, None


class SumGradients(Callback):
    """Add up the gradients of all processes, and keep what is recorded the same in all."""

    def __init__(self, processes: Processes, *, synchronizes_norms: bool) -> None:
        self.processes, self.synchronizes_norms = processes, synchronizes_norms

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Let batch normalisation see the whole batch."""
        if self.synchronizes_norms:
            synchronize(net.module)

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Undo it."""
        undo(net.module)

    def on_train_error(self, net: Any, error: BaseException) -> None:
        """Undo it."""
        undo(net.module)

    def on_grad_computed(self, net: Any, **kwargs: Any) -> None:
        """Add up the gradients of the encoders; those of the objective are complete in each."""
        _sum(net.module.encoders.parameters(), divisor=1)
        _sum(net.module.objective.parameters(), divisor=self.processes.size)

    def on_batch_end(self, net: Any, training: bool = False, **kwargs: Any) -> None:
        """Average running statistics of batches, of which each process has seen its own part."""
        if not training or self.synchronizes_norms:
            return
        for buffer in net.module.encoders.buffers():
            if buffer.is_floating_point():
                distributed.all_reduce(buffer)
                buffer /= self.processes.size

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Take the numbers of the first process, on which others may decide to stop."""
        last = [{k: v for k, v in net.history[-1].items() if isinstance(v, float)}]
        distributed.broadcast_object_list(last)
        for name, value in last[0].items():
            net.history.record(name, value)


def join_processes(aligner: AlignerParams, data: TrainingData, net: Any, observer: Any) -> None:
    """Let a net train with the other processes.

    Raises
    ------
    ValueError
        If they do not train the same model, or the training does not support several processes.
    """
    processes = Processes(distributed.get_rank(), distributed.get_world_size())
    if processes.size == 1:
        return
    if isinstance(data.source, StreamSource):
        raise ValueError(
            "an IterableDataset cannot be divided among processes: pass a Dataset with a length, "
            "or train in one process."
        )
    if observer is not None:
        raise ValueError(
            "callbacks of scikit-learn (set_callbacks) are not supported in several processes: "
            "pass skorch callbacks as callbacks=, or train in one process."
        )
    if net.module.objective.further:
        raise ValueError(
            f"encoders={aligner.encoders!r} have losses of more than embeddings, which are not "
            "gathered from several processes: train in one process."
        )
    synchronizes = has_batch_norm(net.module) and net.chunk_size is None
    if synchronizes and (data.presence is not None or aligner.compile):
        what = "compile=True" if aligner.compile else "rows that lack a modality"
        raise ValueError(
            f"{what} and batch normalisation do not go together in several processes, where it "
            "needs the rows of all: use encoders without it, such as MLP(batch_norm=False), or "
            "train in one process."
        )
    if (rank := different_process(fingerprint(aligner, data, net))) is not None:
        raise ValueError(
            f"fit was called in {processes.size} processes of torch.distributed, which train one "
            f"model together, but process {rank} would train another one than process 0: pass the "
            "same data, parameters and an integer random_state in each."
        )
    net.processes = processes
    callback = SumGradients(processes, synchronizes_norms=synchronizes)
    net.callbacks_.insert(0, ("processes", callback))
    if processes.rank:
        net.callbacks_ = [
            (name, each)
            for name, each in net.callbacks_
            if not getattr(each, "first_process_only", False)
        ]


def silent_elsewhere(aligner: AlignerParams) -> AlignerParams:
    """Return an aligner that prints nothing, in all processes but the first."""
    if distributed.get_rank() == 0:
        return aligner
    quiet = copy.copy(aligner)
    quiet.verbose = 0
    return quiet


def _sum(parameters: Iterator[torch.nn.Parameter], *, divisor: int) -> None:
    """Replace gradients by their sum over the processes, as one tensor of each type."""
    by_type: dict[torch.dtype, list[torch.nn.Parameter]] = {}
    for parameter in parameters:
        if parameter.requires_grad:
            by_type.setdefault(parameter.dtype, []).append(parameter)
    for some in by_type.values():
        known = [0.0 if p.grad is None else 1.0 for p in some]
        flat = [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in some]
        total = torch.cat([some[0].new_tensor(known), *flat])
        distributed.all_reduce(total)
        has, gradients = total[: len(some)].tolist(), total[len(some) :]
        if divisor > 1:
            gradients /= divisor
        sizes = [p.numel() for p in some]
        for p, gradient, n in zip(some, gradients.split(sizes), has, strict=True):
            # in the layout of the parameter, such as adjacent channels
            p.grad = torch.empty_like(p).copy_(gradient.view_as(p)) if n else None
