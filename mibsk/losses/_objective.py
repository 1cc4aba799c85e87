"""The objective: the weighted sum of sufficiency and minimality."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import nn

from .._checks.parameters import check_scalar
from ._embedding import Embedding
from ._temperature import Temperature
from ._terms import LossModule, minimality_term, sufficiency_term
from ._variational import sample

_TEMPERATURES = (0.5, 1.0, 2.0, 4.0, 8.0)  # multiples of the trained temperature


class LossParts(NamedTuple):
    """Summands of the loss, and the unweighted divergence.

    Parameters
    ----------
    sufficiency : Tensor ()
        The contrastive term, in nats.
    minimality : Tensor ()
        ``beta`` times the divergence.
    divergence : Tensor ()
        The unweighted minimality term; not a summand of the loss.
    further : tuple of Tensor ()
        Summands that need more than embeddings, in the order of `IBObjective.further`.
    """

    sufficiency: torch.Tensor
    minimality: torch.Tensor
    divergence: torch.Tensor
    further: tuple[torch.Tensor, ...] = ()

    @property
    def total(self) -> torch.Tensor:
        """The loss: sufficiency plus minimality, and any further summands."""
        return sum(self.further, self.sufficiency + self.minimality)

    def detach(self) -> LossParts:
        """Return the parts without their gradients."""
        kept, minimality, divergence = (part.detach() for part in self[:3])
        further = tuple(part.detach() for part in self.further)
        return LossParts(kept, minimality, divergence, further)

    def values(self) -> list[torch.Tensor]:
        """Return all parts, in the order of `IBObjective.parts`."""
        return [self.sufficiency, self.minimality, self.divergence, *self.further]


class IBObjective(nn.Module):
    r"""Multimodal information bottleneck: sufficiency plus `beta` times minimality [1]_.

    .. math:: L = \mathrm{sufficiency}(Z_1, \dots, Z_M)
        + \beta\,\mathrm{minimality}(Z_1, \dots, Z_M),

    each the mean over all pairs of modalities, unless the term takes all modalities at once.

    Parameters
    ----------
    sufficiency : str, callable, nn.Module or Sufficiency, default="infonce"
        The term that keeps shared information: a name in `SUFFICIENCY`, or a loss
        ``(z, w, temperature) -> Tensor ()``.
    minimality : str, callable, nn.Module or Minimality, default="gaussian"
        The term that removes modality-specific information: a name in `MINIMALITY`, or a loss
        ``(a, b) -> Tensor ()``.
    beta : float, default=0.1
        Weight of minimality; 0 is the contrastive loss alone. The attribute may be set during
        training, also to a tensor ().
    temperature : Temperature, default=None
        Temperature of the sufficiency term. None: learned, with initial value 0.07.
    positives : bool, default=False
        Whether rows of one group are partners; otherwise they are not negatives of each other.

    Raises
    ------
    TypeError, ValueError
        If a term is unknown or cannot be called, or `beta` is not a finite number >= 0.

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
        sufficiency: Any = "infonce",
        minimality: Any = "gaussian",
        beta: float = 0.1,
        temperature: Temperature | None = None,
        *,
        positives: bool = False,
    ) -> None:
        super().__init__()
        self.sufficiency_term = sufficiency_term(sufficiency)
        self.minimality_term = minimality_term(minimality)
        self.sufficiency = self.sufficiency_term.own_loss()
        self.minimality = self.minimality_term.own_loss()
        check_scalar("beta", beta, low=0)
        self.beta: float | torch.Tensor = float(beta)
        self.temperature = Temperature() if temperature is None else temperature
        self.positives = positives
        self.further: Mapping[str, Any] = {}
        """Terms that the training computes, since they need more than embeddings, by name."""

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the parts whose sum is the loss."""
        return ("sufficiency", "minimality", *self.further)

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of all parts, which each epoch of the history records."""
        return ("sufficiency", "minimality", "divergence", *self.further)

    def build(self, n_modalities: int, n_components: int) -> None:
        """Call :meth:`LossModule.build` of both terms, before training."""
        for term in (self.sufficiency, self.minimality):
            if isinstance(term, LossModule):
                term.build(n_modalities, n_components)

    def forward(
        self,
        embeddings: Mapping[str, Embedding],
        *,
        present: Mapping[str, torch.Tensor] | None = None,
        groups: torch.Tensor | None = None,
        inputs: Mapping[str, torch.Tensor] | None = None,
    ) -> LossParts:
        """Return the parts of the loss of a batch.

        The sufficiency term is computed on samples of the embeddings in training mode and on their
        means in evaluation mode.

        Parameters
        ----------
        embeddings : mapping of str to Embedding
            Embedding of each modality, with row `i` of all a pair; 0 in rows that lack it.
        present : mapping of str to Tensor of bool (n,), default=None
            Mask of the rows that each modality has; None for all.
        groups : Tensor of int64 (n,), default=None
            Group of each row; rows of one group are not negatives of each other. None: groups
            of one row.
        inputs : mapping of str to Tensor (n, p_m), default=None
            Flat input rows of each modality; needed if :attr:`takes_inputs`.

        Raises
        ------
        ValueError
            If the sufficiency term does not support groups, a term needs inputs and there are none,
            or a term returns more than one number.
        """
        items = list(embeddings.values())
        # a sample of a deterministic embedding is its mean
        noisy = self.training and any(item.log_var is not None for item in items)
        drawn = [sample(item) if noisy else item.mean for item in items]
        masks = None if present is None else [present[name] for name in embeddings]
        rows = None if inputs is None else [inputs[name] for name in embeddings]
        kept = self.sufficiency_term.evaluate(
            self.sufficiency,
            drawn,
            self.temperature(),
            present=masks,
            groups=groups,
            positives=self.positives,
            inputs=rows,
        )
        divergence = self.minimality_term.evaluate(
            self.minimality, items, present=masks, inputs=rows
        )
        return LossParts(kept, self.beta * divergence, divergence)

    @property
    def takes_inputs(self) -> bool:
        """Whether a term needs the inputs of the encoders."""
        return self.sufficiency_term.takes_inputs or self.minimality_term.takes_inputs

    def weights(self) -> dict[str, float]:
        """Return the current weights in the loss; each epoch of the history records them."""
        return {"beta": float(self.beta), "temperature": self.temperature().item()}

    def set_weights(self, weights: Mapping[str, float]) -> None:
        """Restore the weights from :meth:`weights` that are not in the state dict."""
        self.beta = weights["beta"]

    def paces(self) -> Iterator[tuple[str, float]]:
        """Yield the name and the learning rate multiplier of each :class:`LossModule`."""
        for name, module in self.named_modules():
            if isinstance(module, LossModule) and list(module.parameters()):
                yield name, module.pace

    def after_step(self) -> None:
        """Call :meth:`LossModule.after_step` of all modules after an optimizer step."""
        for module in self.modules():
            if isinstance(module, LossModule):
                module.after_step()

    def information_bound(self, embeddings: Mapping[str, Embedding]) -> torch.Tensor:
        r"""Return a lower bound of the mutual information, :math:`\log n` minus the sufficiency.

        It is the tightest bound over several temperatures. The trained temperature is too low for
        held-out pairs once training pairs are memorized, and the bound at that temperature then
        falls for a reason unrelated to compression.

        Parameters
        ----------
        embeddings : mapping of str to Embedding
            Embedding of each modality, of which the mean (n, d) is used.

        Returns
        -------
        Tensor ()
            In nats; a bound only if the sufficiency term is one (`Sufficiency.is_bound`).
        """
        means = [embedding.mean for embedding in embeddings.values()]
        temperature = self.temperature()
        losses = [
            self.sufficiency_term.evaluate(self.sufficiency, means, factor * temperature)
            for factor in _TEMPERATURES
        ]
        return math.log(len(means[0])) - torch.stack(losses).min()
