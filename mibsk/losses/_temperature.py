"""The temperature of a contrastive loss, fixed or learned."""

from __future__ import annotations

import math

import torch
from torch import nn

from .._checks.parameters import check_scalar
from ._terms import LossModule


class Temperature(LossModule):
    r"""A positive scalar :math:`\tau`, stored as its logarithm.

    Parameters
    ----------
    value : float, default=0.07
        Initial value.
    learned : bool, default=True
        Whether it is a trainable parameter.
    bounds : (float, float), default=(0, inf)
        Bounds enforced by :meth:`clamp_`.

    Examples
    --------
    >>> from mibsk.losses import Temperature
    >>> round(Temperature(0.1, learned=False)().item(), 6)
    0.1
    """

    # An adaptive optimizer changes the logarithm by about lr per step. With the learning rate of
    # the weights, the fourfold decrease to the optimum would take thousands of steps; with this
    # multiple it takes hundreds, as when the temperature itself is the parameter.
    pace = 10.0
    log_value: torch.Tensor

    def __init__(
        self,
        value: float = 0.07,
        *,
        learned: bool = True,
        bounds: tuple[float, float] = (0, math.inf),
    ) -> None:
        super().__init__()
        self.log_bounds = tuple(math.log(bound) if bound > 0 else -math.inf for bound in bounds)
        check_scalar("temperature", value, low=0, strict=True)
        log_value = torch.tensor(math.log(value))
        if learned:
            self.log_value = nn.Parameter(log_value)
        else:
            self.register_buffer("log_value", log_value)

    def forward(self) -> torch.Tensor:
        """Return the temperature, a tensor ()."""
        return self.log_value.exp()

    def after_step(self) -> None:
        """Keep the value within its bounds."""
        self.clamp_()

    @torch.no_grad()
    def clamp_(self) -> None:
        """Set a value outside its bounds to the nearest bound."""
        if self.log_bounds != (-math.inf, math.inf):
            self.log_value.clamp_(*self.log_bounds)

    @torch.no_grad()
    def fill_(self, value: float) -> None:
        """Set the value."""
        self.log_value.fill_(math.log(value))
