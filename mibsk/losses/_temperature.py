"""The temperature of a contrastive loss, fixed or learned."""

from __future__ import annotations

import math

import torch
from torch import nn

from .._checks.parameters import check_scalar


class Temperature(nn.Module):
    r"""A positive scalar :math:`\tau`, stored as its logarithm.

    Parameters
    ----------
    value : float, default=0.07
        Where it starts, and stays unless learned.
    learned : bool, default=True
        Whether gradients change it.
    bounds : (float, float), default=(0, inf)
        Where :meth:`clamp_` keeps it.

    Examples
    --------
    >>> from mibsk.losses import Temperature
    >>> round(Temperature(0.1, learned=False)().item(), 6)
    0.1
    """

    log_value: torch.Tensor

    def __init__(
        self,
        value: float = 0.07,
        *,
        learned: bool = True,
        bounds: tuple[float, float] = (0, math.inf),
    ) -> None:
        super().__init__()
        check_scalar("temperature", value, low=0, strict=True)
        self.log_bounds = tuple(math.log(bound) if bound > 0 else -math.inf for bound in bounds)
        log_value = torch.tensor(math.log(value))
        if learned:
            self.log_value = nn.Parameter(log_value)
        else:
            self.register_buffer("log_value", log_value)

    def forward(self) -> torch.Tensor:
        """Return the temperature, a tensor ()."""
        return self.log_value.exp()

    @torch.no_grad()
    def clamp_(self) -> None:
        """Put the value back to the nearest bound where a step has left it outside."""
        if self.log_bounds != (-math.inf, math.inf):
            self.log_value.clamp_(*self.log_bounds)

    @torch.no_grad()
    def fill_(self, value: float) -> None:
        """Set the value."""
        self.log_value.fill_(math.log(value))
