"""The whole objective: sufficiency and minimality, weighed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import nn

from .._checks.parameters import check_scalar, suggest
from ._embedding import Embedding
from ._gaussian import gaussian_minimality
from ._infonce import infonce, infonce_oneway
from ._pairwise import pairwise_mean
from ._temperature import Temperature
from ._variational import sample, variational_minimality

SUFFICIENCY = {"infonce": infonce, "infonce-oneway": infonce_oneway}
"""Terms that keep shared information: ``(z, w, temperature) -> Tensor ()``."""

MINIMALITY = {"gaussian": gaussian_minimality, "variational": variational_minimality}
"""Terms that remove modality-specific information: ``(Embedding, Embedding) -> Tensor ()``."""


class LossParts(NamedTuple):
    """The summands of the loss, and the divergence that the second one weighs.

    Parameters
    ----------
    sufficiency : Tensor ()
        The contrastive term, in nats.
    minimality : Tensor ()
        ``beta`` times the divergence.
    divergence : Tensor ()
        The minimality term before its weight; no summand of the loss.
    """

    sufficiency: torch.Tensor
    minimality: torch.Tensor
    divergence: torch.Tensor

    @property
    def total(self) -> torch.Tensor:
        """The loss: sufficiency plus minimality."""
        return self.sufficiency + self.minimality


class IBObjective(nn.Module):
    r"""Multimodal information bottleneck: sufficiency plus `beta` times minimality [1]_.

    .. math:: L = \mathrm{sufficiency}(Z_1, \dots, Z_M)
        + \beta\,\mathrm{minimality}(Z_1, \dots, Z_M),

    each the mean over all pairs of modalities.

    Parameters
    ----------
    sufficiency : {"infonce", "infonce-oneway"}, default="infonce"
        The term that keeps shared information.
    minimality : {"gaussian", "variational"}, default="gaussian"
        The term that removes modality-specific information.
    beta : float, default=0.1
        Weight of minimality; 0 is the contrastive loss alone. The attribute may be set while
        training, also to a tensor ().
    temperature : Temperature, default=None
        By default learned, from 0.07.

    References
    ----------
    .. [1] Almudévar et al. *Aligning Multimodal Representations through an Information Bottleneck*.
       ICML 2025, arXiv 2506.04870.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import Embedding, IBObjective
    >>> z = Embedding(torch.eye(3))
    >>> parts = IBObjective(beta=2.0)({"image": z, "text": z})
    >>> bool(parts.total == parts.sufficiency), parts.minimality.item()
    (True, 0.0)
    """

    def __init__(
        self,
        sufficiency: str = "infonce",
        minimality: str = "gaussian",
        beta: float = 0.1,
        temperature: Temperature | None = None,
    ) -> None:
        super().__init__()
        for name, value, known in (
            ("sufficiency", sufficiency, SUFFICIENCY),
            ("minimality", minimality, MINIMALITY),
        ):
            if value not in known:
                raise ValueError(
                    f"{name} must be one of {list(known)}, got {value!r}." + suggest(value, known)
                )
        check_scalar("beta", beta, low=0)
        self.sufficiency = SUFFICIENCY[sufficiency]
        self.minimality = MINIMALITY[minimality]
        self.beta: float | torch.Tensor = float(beta)
        self.temperature = Temperature() if temperature is None else temperature

    def forward(self, embeddings: Mapping[str, Embedding]) -> LossParts:
        """Return the parts of the loss of a batch, from one embedding per modality.

        The contrastive term sees samples of the embeddings while training and their means after.
        """
        items = list(embeddings.values())
        drawn = [sample(item) if self.training else item.mean for item in items]
        temperature = self.temperature()
        kept = pairwise_mean(lambda z, w: self.sufficiency(z, w, temperature), drawn)
        divergence = pairwise_mean(self.minimality, items)
        return LossParts(kept, self.beta * divergence, divergence)
