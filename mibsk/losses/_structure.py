"""Minimality that keeps the neighbourhoods of the inputs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F

from .._checks.parameters import check_scalar
from ._embedding import Embedding
from ._holes import no_loss
from ._row_chunks import by_row_chunks
from ._terms import Minimality, register_minimality


def structure_minimality(
    embeddings: Sequence[Embedding],
    inputs: Sequence[torch.Tensor],
    present: Sequence[torch.Tensor] | None = None,
    *,
    temperature: float = 0.1,
) -> torch.Tensor:
    r"""Mean over the modalities of :func:`structure_divergence` of inputs and embeddings [1]_.

    The encoder of each modality keeps which of its rows are similar, so that few pairs do not
    decide alone where rows are placed. Meant for a contrastive term, which moves them, and for
    inputs whose cosines are meaningful, such as the features of a pretrained tower.

    Parameters
    ----------
    embeddings : sequence of Embedding
        Embeddings of each modality; only their means (n, d) are used.
    inputs : sequence of Tensor (n, p_m)
        Rows of each modality as its encoder gets them, flat.
    present : sequence of Tensor of bool (n,), default=None
        Mask of the rows that each modality has; modalities with fewer than two are left out.
    temperature : float, default=0.1
        Temperature of the similarities.

    Returns
    -------
    Tensor ()
        In nats, from 0 to log 2.

    Raises
    ------
    ValueError
        If the rows of inputs and embeddings do not match, or `temperature` is not positive.

    References
    ----------
    .. [1] Gröger et al. *With Limited Data for Multimodal Alignment, Let the STRUCTURE Guide You*.
       NeurIPS 2025, arXiv 2506.16895.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import Embedding, structure_minimality
    >>> z = torch.eye(3)
    >>> x = 5 * torch.eye(3, 7)  # the same cosines
    >>> round(structure_minimality([Embedding(z), Embedding(z)], [x, z]).item(), 6)
    0.0
    """
    means = [embedding.mean for embedding in embeddings]
    pairs = list(zip(inputs, means, strict=True))
    if present is not None:
        pairs = [(x[m], z[m]) for (x, z), m in zip(pairs, present, strict=True) if m.sum() > 1]
    if not pairs:
        return no_loss(means)
    values = [structure_divergence(x, z, temperature=temperature) for x, z in pairs]
    return torch.stack(values).mean()


def structure_divergence(
    x: torch.Tensor, z: torch.Tensor, *, temperature: float = 0.1
) -> torch.Tensor:
    r"""Jensen-Shannon divergence of the neighbourhoods of the rows in two spaces [1]_.

    .. math:: \frac1n \sum_i \mathrm{JS}\big(p_i(X), p_i(Z)\big), \qquad
        p_i(X) = \mathrm{softmax}_j\big(\tilde x_i^\top \tilde x_j / \tau\big)

    with :math:`\tilde x` the rows of unit norm minus their mean; j runs over all rows, i included.
    It is the regularizer of [1]_ with a single level. Memory grows with `n`: matrices of all pairs
    of rows with more than four million entries are computed in parts, and again in the backward
    pass.

    Parameters
    ----------
    x : Tensor (n, p)
        Rows in the first space, which get no gradient.
    z : Tensor (n, d)
        The same rows in the second space.
    temperature : float, default=0.1
        :math:`\tau > 0`.

    Returns
    -------
    Tensor ()
        In nats, from 0 to log 2; 0 for a single row.

    Raises
    ------
    ValueError
        If the numbers of rows differ, or `temperature` is not positive.

    References
    ----------
    .. [1] Gröger et al. *With Limited Data for Multimodal Alignment, Let the STRUCTURE Guide You*.
       NeurIPS 2025, arXiv 2506.16895.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import structure_divergence
    >>> x = torch.tensor([[1.0, 0.0], [2.0, 0.0]])  # one direction: probabilities (1/2, 1/2)
    >>> z = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])  # each row has itself as its neighbour
    >>> round(structure_divergence(x, z, temperature=0.01).item(), 4)  # (3 log 4/3) / 4
    0.2158
    """
    if x.ndim != 2 or z.ndim != 2 or len(x) != len(z):
        raise ValueError(
            "expected the rows of inputs (n, p) and of their embeddings (n, d); got "
            f"{tuple(x.shape)} and {tuple(z.shape)}."
        )
    check_scalar("temperature", temperature, low=0, strict=True)
    x, z = _centred(x.detach()), _centred(z)

    def divergence(x_chunk: torch.Tensor, z_chunk: torch.Tensor) -> torch.Tensor:
        p = (x_chunk / temperature @ x.T).log_softmax(1)
        q = (z_chunk / temperature @ z.T).log_softmax(1)
        middle = torch.logaddexp(p, q)  # of the mixture, plus log 2
        return (p.exp() * (p - middle) + q.exp() * (q - middle)).sum()

    total = torch.stack(by_row_chunks(divergence, [x, z], len(x))).sum()
    return total / (2 * len(x)) + math.log(2)


register_minimality(
    "structure",
    Minimality(structure_minimality, pairwise=False, takes_present=True, takes_inputs=True),
)


def _centred(x: torch.Tensor) -> torch.Tensor:
    """Return rows of unit norm minus their mean."""
    unit = F.normalize(x, dim=1)
    return unit - unit.mean(0)
