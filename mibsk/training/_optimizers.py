"""The optimizer of a training, in its fastest form."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn, optim

from .._checks.parameters import suggest


class Adam(optim.Adam):
    """Adam of torch, which does not load torch's compiler.

    torch wraps methods of optimizers so that `torch.compile` leaves them alone; the wrappers import
    the compiler when the first optimizer is built, which takes as long as importing torch. Encoders
    may be compiled here, but never an optimizer, so that the methods do without the wrappers.
    """

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with their own settings."""
        inspect.unwrap(optim.Optimizer.add_param_group)(self, param_group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset the gradients."""
        inspect.unwrap(optim.Optimizer.zero_grad)(self, set_to_none)

    def step(self, closure: Any = None) -> Any:
        """Update the parameters, with the gradients or those that `closure` computes."""
        with torch.set_grad_enabled(self.defaults["differentiable"]):
            return inspect.unwrap(optim.Adam.step)(self, closure)

    def state_dict(self) -> dict[str, Any]:
        """Return the state as values."""
        state: dict[str, Any] = inspect.unwrap(optim.Optimizer.state_dict)(self)
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the values from :meth:`state_dict`."""
        inspect.unwrap(optim.Optimizer.load_state_dict)(self, state_dict)


def choose_optimizer(
    given: Any, module: nn.Module, device: torch.device
) -> tuple[Any, dict[str, Any]]:
    """Return the optimizer of a parameter `optimizer`, and its options as parameters of skorch.

    One that is named is fused on a CPU where torch has a fused form of it: one kernel updates a
    parameter, rather than one operation after the other. A callable is left as it is.

    Raises
    ------
    ValueError
        If the name is unknown, or the optimizer needs sparse gradients.
    """
    options: dict[str, Any] = {}
    if isinstance(given, str):
        known = {
            name: value
            for name, value in vars(optim).items()
            if isinstance(value, type) and issubclass(value, optim.Optimizer)
        }
        if given not in known:
            raise ValueError(
                f"optimizer must name a class in torch.optim, got {given!r}."
                + suggest(given, known)
            )
        found: Any = Adam if given == "Adam" else known[given]
        has_fused = "fused" in inspect.signature(known[given]).parameters
        numbers = all(weight.is_floating_point() for weight in module.parameters())
        if has_fused and numbers and device.type == "cpu":
            options["optimizer__fused"] = True
        given = found
    if given is optim.SparseAdam:
        raise ValueError(
            "optimizer='SparseAdam' needs sparse gradients, and those of encoders are dense: use "
            "'Adam'."
        )
    return given, options
