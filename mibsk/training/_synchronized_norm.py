"""Batch normalisation with the statistics of a batch that several processes have parts of."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm


def has_batch_norm(module: nn.Module) -> bool:
    """Whether a layer normalises with the statistics of the batch."""
    return next(_norms(module), None) is not None


def synchronize(module: nn.Module) -> None:
    """Let batch normalisation use the rows of all processes in training."""
    # not torch.nn.SyncBatchNorm, which only runs on GPUs
    for norm in _norms(module):
        norm.forward = partial(_normalized, norm)  # type: ignore[method-assign]


def undo(module: nn.Module) -> None:
    """Undo :func:`synchronize`."""
    for norm in _norms(module):
        vars(norm).pop("forward", None)


def _norms(module: nn.Module) -> Iterator[_BatchNorm]:
    return (part for part in module.modules() if isinstance(part, _BatchNorm))


def _normalized(norm: Any, x: torch.Tensor) -> torch.Tensor:
    """Return what the layer gives for these rows (n, c, ...) of a batch."""
    if not norm.training:
        normal: torch.Tensor = type(norm).forward(norm, x)
        return normal
    axes = [axis for axis in range(x.dim()) if axis != 1]
    shape = [1, -1, *[1] * (x.dim() - 2)]
    n_own = x.numel() // x.shape[1]
    sums = _Sum.apply(torch.cat([x.sum(axes), x.new_tensor([n_own])]))
    n = sums[-1].detach()
    mean = sums[:-1] / n
    centred = x - mean.view(shape)
    variance = _Sum.apply(centred.square().sum(axes)) / n
    if norm.track_running_stats:
        with torch.no_grad():
            norm.num_batches_tracked += 1
            momentum = norm.momentum
            if momentum is None:
                momentum = 1 / float(norm.num_batches_tracked)
            norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), momentum)
            unbiased = variance * (n / (n - 1))
            norm.running_var.lerp_(unbiased.to(norm.running_var.dtype), momentum)
    scaled = centred * (variance + norm.eps).rsqrt().view(shape)
    if norm.affine:
        scaled = scaled * norm.weight.view(shape) + norm.bias.view(shape)
    return scaled.to(x.dtype)


class _Sum(torch.autograd.Function):
    """Sum over the processes, and in the backward pass that of the gradients."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        total = gradient.clone()
        distributed.all_reduce(total)
        return total
