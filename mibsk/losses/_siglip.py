"""The sigmoid loss: each pair of rows is a binary decision."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ._all_pairs import contrast_of_scores
from ._contrast import sigmoid_losses
from ._embedding import check_paired
from ._row_chunks import is_one_chunk
from ._sigmoid_tiles import sigmoid_loss_in_tiles
from ._terms import LossModule, Sufficiency, register_sufficiency


def siglip(
    z: torch.Tensor,
    w: torch.Tensor,
    temperature: torch.Tensor | float,
    bias: torch.Tensor | float = -10.0,
    groups: torch.Tensor | None = None,
    positives: bool = False,
) -> torch.Tensor:
    r"""Sigmoid loss over all pairs of rows [1]_.

    .. math:: -\frac1N \sum_{i,j} \log\sigma\big(y_{ij}\,(z_i^\top w_j/\tau + b)\big),

    with :math:`y_{ij} = 1` for partners and -1 for all others. The matrix of more than
    2,048 rows is not stored but computed in tiles, so that memory grows with `n` and not with its
    square.

    Parameters
    ----------
    z, w : Tensor (n, d)
        Embeddings with unit norm; row `i` of both is a pair.
    temperature : Tensor () or float
        :math:`\tau > 0`, the inverse of the scale in [1]_.
    bias : Tensor () or float, default=-10
        :math:`b`, which offsets the many pairs that are not partners.
    groups : Tensor of int64 (n,), default=None
        Group of each row: other rows of the same group do not count. None: groups of one row.
    positives : bool, default=False
        Whether rows of the same group are partners. A row with :math:`k` partners then weighs
        each of them by :math:`1/k`.

    Returns
    -------
    Tensor ()
        In nats.

    References
    ----------
    .. [1] Zhai et al. *Sigmoid Loss for Language Image Pre-Training*. ICCV 2023,
       arXiv 2303.15343.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import siglip
    >>> z = torch.eye(2)  # all four logits are decided by a large scale
    >>> siglip(z, z, 0.01, bias=-50.0).item() < 1e-6
    True
    """
    check_paired(z, w)
    x = z / temperature
    if positives or is_one_chunk(len(x), len(x)):

        def score(rows: Sequence[torch.Tensor], columns: Sequence[torch.Tensor]) -> torch.Tensor:
            return rows[0] @ columns[0].T + bias

        return contrast_of_scores(
            score, [x], [w], groups, positives=positives, contrast=sigmoid_losses
        ).mean()
    dtype = torch.promote_types(x.dtype, torch.float32)
    bias = torch.as_tensor(bias, dtype=dtype, device=x.device)
    return sigmoid_loss_in_tiles(x.to(dtype), w.to(dtype), bias, groups).to(x.dtype)


class SigLIP(LossModule):
    """:func:`siglip` with a learned bias; its scale is the inverse of the temperature."""

    pace = 10.0  # as that of the temperature, with which it is balanced

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.tensor(-10.0))

    def forward(
        self,
        z: torch.Tensor,
        w: torch.Tensor,
        temperature: torch.Tensor | float,
        groups: torch.Tensor | None = None,
        positives: bool = False,
    ) -> torch.Tensor:
        """Return the loss of a batch, a Tensor ()."""
        return siglip(z, w, temperature, self.bias, groups, positives)


register_sufficiency("siglip", Sufficiency(SigLIP, takes_groups=True, takes_positives=True))
