"""Nets of one architecture trained at once: weights are stacked, and one step moves them all."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from ..data import Source
from ..data._batches import Batches
from ..data._pairing import Pairing
from ..data._source import Batch
from ..exceptions import DivergenceError
from ._alignment_module import AlignmentModule
from ._epoch_means import EpochMeans
from ._net import AlignmentNet

Tensors = dict[str, torch.Tensor]

_ADVICE = "lower lr, fix the temperature, or check the scale of the inputs."

ELEMENTWISE = (
    torch.optim.SGD,
    torch.optim.Adam,
    torch.optim.AdamW,
    torch.optim.Adamax,
    torch.optim.NAdam,
    torch.optim.RAdam,
    torch.optim.RMSprop,
    torch.optim.Adagrad,
    torch.optim.Adadelta,
)
"""Optimizers that move every number by itself, so that stacked ones move as they would alone."""


def train_stacked(
    nets: Sequence[AlignmentNet], sources: Sequence[Source], names: Sequence[str], epochs: int
) -> None:
    """Train nets at once, each as it would train alone, up to rounding.

    Parameters
    ----------
    nets : sequence of AlignmentNet
        New and initialized, of one architecture, with equal optimizers; trained in place. Their
        `beta` may differ.
    sources : sequence of Source
        What each of them trains on, with equally many pairs. The same source may come again: it is
        not copied.
    names : sequence of str
        What errors call the nets.
    epochs : int
        For how many epochs.

    Raises
    ------
    DivergenceError
        If the loss or the weights of one of them become infinite or NaN.
    ValueError
        If the encoders do what `torch.vmap` cannot do, such as other draws than those of samples.
    """
    stack = _Stack(nets)
    batches = [
        Batches(_RowNumbers(source.pairing), net.batch_size, net.seed)
        for net, source in zip(nets, sources, strict=True)
    ]
    for _ in range(epochs):
        stack.begin_epoch()
        for rows in zip(*batches, strict=True):
            stack.step(_take(sources, [_dense(numbers) for numbers in rows]))
        stack.end_epoch(len(batches[0]))
        for net, name in zip(nets, names, strict=True):
            if not math.isfinite(loss := net.history[-1, "train_loss"]):
                raise DivergenceError(
                    f"the training loss of {name} became {loss} in epoch {len(net.history)}: "
                    f"{_ADVICE}"
                )
    stack.hand_back()
    for net, name in zip(nets, names, strict=True):
        if not net.has_finite_weights():
            raise DivergenceError(
                f"the weights of {name} are not finite after {epochs} epochs: {_ADVICE}"
            )


class _Stack:
    """Weights of all nets, stacked; until they are handed back the nets' own are views of them.

    Parameters
    ----------
    nets : sequence of AlignmentNet
        Initialized.
    """

    def __init__(self, nets: Sequence[AlignmentNet]) -> None:
        self.nets = nets
        self.device = torch.device(nets[0].device)
        self.generators = [torch.Generator(self.device) for _ in nets]
        alone = [_Step(net.module) for net in nets]
        self.parameters = _stack([dict(each.named_parameters()) for each in alone])
        self.buffers = _stack([dict(each.named_buffers()) for each in alone])
        self.optimizer = self._optimizer()
        template = copy.deepcopy(alone[0]).train()

        def step(parameters: Tensors, buffers: Tensors, *args: Any) -> torch.Tensor:
            loss: torch.Tensor = functional_call(template, (parameters, buffers), args)
            return loss

        # what a generator draws cannot be told apart by nets: noise is drawn for each, the rest not
        self._losses = torch.vmap(step, randomness="error")

    def _optimizer(self) -> torch.optim.Optimizer:
        """Return an optimizer of the stacked weights, with the settings of the nets' own."""
        alone = self.nets[0].optimizer_
        names = {weight: name for name, weight in _Step(self.nets[0].module).named_parameters()}
        groups = [
            {**group, "params": [self.parameters[names[weight]] for weight in group["params"]]}
            for group in alone.param_groups
        ]
        return type(alone)(groups)

    def begin_epoch(self) -> None:
        """Open the records of an epoch, and seed its draws."""
        for net, generator in zip(self.nets, self.generators, strict=True):
            net.notify("on_epoch_begin")
            generator.set_state(_generator_state(self.device))
        betas = [net.module.objective.beta for net in self.nets]
        self.betas = torch.tensor(betas, device=self.device)
        module = self.nets[0].module
        self.means = [
            EpochMeans(len(module.names), module.n_components, self.device) for _ in self.nets
        ]
        self.sums = _stack([_tensors(means) for means in self.means])

    def step(self, batch: Tensors) -> None:
        """Train every net on a batch of its own, (n_nets, n, ...) for each modality."""
        n = next(iter(batch.values())).shape[1]
        noise = self._noise(n)
        args = self.parameters, self.buffers, batch, self.betas, noise, self.sums
        try:
            with _no_fused_attention(self.device):
                losses = self._losses(*args)
        except RuntimeError as error:
            raise ValueError(
                "these encoders cannot be trained in a stack: use how='processes'. "
                f"({str(error).splitlines()[0]})"
            ) from error
        self.optimizer.zero_grad()
        losses.sum().backward()  # no net has a share in the gradient of another
        self.optimizer.step()
        for net, means in zip(self.nets, self.means, strict=True):
            net.module.objective.temperature.clamp_()
            means.n_rows += n

    def _noise(self, n: int) -> list[torch.Tensor]:
        """Draw what samples of the embeddings need, for each net as it would draw it alone."""
        module = self.nets[0].module
        noisy = [name for name in module.names if module.encoder(name).probabilistic]
        return [
            torch.stack(
                [
                    torch.randn(n, module.n_components, generator=each, device=self.device)
                    for each in self.generators
                ]
            )
            for _ in noisy
        ]

    def end_epoch(self, n_batches: int) -> None:
        """Close the records of an epoch."""
        for net, means in zip(self.nets, self.means, strict=True):
            for name, value in means.read().items():
                net.history.record(f"train_{name}", value)
            net.history.record("train_batch_count", n_batches)
            net.notify("on_epoch_end")

    def hand_back(self) -> None:
        """Give every net weights and optimizer state of its own."""
        for i, net in enumerate(self.nets):
            net.module.eval()
            for tensor in (*net.module.parameters(), *net.module.buffers()):
                tensor.data = tensor.data.clone()
            for name, weight in _Step(net.module).named_parameters():
                stacked = self.parameters[name]
                net.optimizer_.state[weight] = {
                    key: _row_of_state(value, i, stacked.shape)
                    for key, value in self.optimizer.state[stacked].items()
                }


class _Step(nn.Module):
    """What a step of one net computes before its gradients."""

    def __init__(self, module: AlignmentModule) -> None:
        super().__init__()
        self.module = module

    def forward(
        self, batch: Tensors, beta: torch.Tensor, noise: list[torch.Tensor], sums: Tensors
    ) -> torch.Tensor:
        """Return the loss, and add to what the epoch records."""
        objective, means = self.module.objective, EpochMeans(1, 1, beta.device)
        vars(means).update(sums)
        objective.beta = beta
        with _AsAlone(noise):
            embeddings = self.module(batch)
            parts = objective(embeddings)
        means.add(parts, embeddings)
        return parts.total


class _AsAlone(TorchFunctionMode):
    """Replaces what vmap cannot do as it is done for one net alone.

    Parameters
    ----------
    noise : list of Tensor
        What `randn_like` returns, in this order.
    """

    def __init__(self, noise: list[torch.Tensor]) -> None:
        super().__init__()
        self.noise = iter(noise)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.randn_like:
            return next(self.noise)
        if func is F.batch_norm and args[0].dtype != torch.float32:
            # alone it computes in float32 as well, beside running statistics of that type
            return func(args[0].float(), *args[1:], **(kwargs or {})).to(args[0].dtype)
        return func(*args, **(kwargs or {}))


class _RowNumbers:
    """Stands in for a source, and yields the numbers of its rows in place of the rows."""

    def __init__(self, pairing: Pairing) -> None:
        self.pairing = pairing

    def take(self, rows: Mapping[str, torch.Tensor]) -> Batch:
        """Return the numbers as they are."""
        return dict(rows)

    def with_pairing(self, pairing: Pairing) -> Source:
        """Return the row numbers of another pairing."""
        return _RowNumbers(pairing)


def _take(sources: Sequence[Source], rows: Sequence[Tensors]) -> Tensors:
    """Return the batches of all nets as one, with an axis of nets in front."""
    if all(source is sources[0] for source in sources):  # one gather for all of them
        together = {name: torch.cat([numbers[name] for numbers in rows]) for name in rows[0]}
        taken = _dense(sources[0].take(together))
        return {name: values.unflatten(0, (len(rows), -1)) for name, values in taken.items()}
    each = [_dense(source.take(numbers)) for source, numbers in zip(sources, rows, strict=True)]
    return {name: torch.stack([batch[name] for batch in each]) for name in each[0]}


def _dense(batch: Batch) -> Tensors:
    """Return a batch that has no sparse rows."""
    return {name: rows for name, rows in batch.items() if isinstance(rows, torch.Tensor)}


def _tensors(means: EpochMeans) -> Tensors:
    return {name: value for name, value in vars(means).items() if isinstance(value, torch.Tensor)}


def _stack(tensors: Sequence[Tensors]) -> Tensors:
    """Stack tensors of one name, and make them views of the stack."""
    stacked = {}
    for name, first in tensors[0].items():
        together = torch.stack([each[name].detach() for each in tensors])
        for each, row in zip(tensors, together, strict=True):
            each[name].data = row
        stacked[name] = together.requires_grad_(first.requires_grad)
    return stacked


def _row_of_state(value: Any, i: int, shape: torch.Size) -> Any:
    """Return what one net has of an optimizer's state: its row, or a copy of what all share."""
    if not isinstance(value, torch.Tensor):
        return value
    return (value[i] if value.shape == shape else value).detach().clone()


def _generator_state(device: torch.device) -> torch.Tensor:
    """Return the state of torch's own generator."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _no_fused_attention(device: torch.device) -> AbstractContextManager[Any]:
    """Keep off the fused attention of the CPU, which would go through a loop over the nets."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()
