"""Principled multimodal representation learning: one direction explains all modalities of a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from ._all_pairs import Rows, contrast_of_scores
from ._anchors import check_aligned
from ._cross_entropy_tiles import cross_entropies_in_tiles
from ._holes import Masks, mean_over_patterns
from ._row_chunks import is_one_chunk
from ._terms import Sufficiency, register_sufficiency


def pmrl(
    embeddings: Sequence[torch.Tensor],
    temperature: torch.Tensor | float,
    groups: torch.Tensor | None = None,
    positives: bool = False,
    present: Masks = None,
) -> torch.Tensor:
    r"""Dominance of the leading singular value, and contrast of the leading directions [1]_.

    With the singular values :math:`\sigma_{i1} \ge \sigma_{i2} \ge \dots` of the matrix of the
    embeddings of row `i`, d x M, and its leading left singular vector :math:`u_i`:

    .. math:: \frac1N \sum_i \Big[
        -\log\frac{e^{\sigma_{i1}/\tau}}{\sum_k e^{\sigma_{ik}/\tau}}
        -\log\frac{e^{u_i^\top u_i/\tau}}{\sum_j e^{u_i^\top u_j/\tau}}\Big].

    The first term aligns the modalities: it is minimal if all embeddings of a row are equal or
    opposite, which it cannot tell apart. The second keeps rows apart; the sign of :math:`u_i`,
    which is arbitrary, is that of its product with the sum of the embeddings. Both have one
    temperature here, two in [1]_, and it is not learned: a lower one always decreases both, since
    the largest score is the right one by definition, so that its gradient is 0. The gradient is
    finite where singular values are equal, as those of orthogonal embeddings. The matrix of all
    pairs of more than 2,048 rows is computed in tiles, so that memory grows with `n`.

    Parameters
    ----------
    embeddings : sequence of Tensor (n, d)
        Embeddings of M >= 2 modalities with unit norm; row `i` of all belongs together.
    temperature : Tensor () or float
        :math:`\tau > 0`.
    groups : Tensor of int64 (n,), default=None
        Group of each row: other rows of the same group are not negatives. None: groups of one row.
    positives : bool, default=False
        Whether rows of the same group are partners, see :func:`partner_cross_entropy`.
    present : sequence of Tensor of bool (n,), default=None
        Which rows have each modality, see :func:`mean_over_patterns`. None: all.

    Returns
    -------
    Tensor ()
        In nats.

    Raises
    ------
    ValueError
        If there are fewer than two modalities, or their shapes differ.

    References
    ----------
    .. [1] Liu et al. *Principled Multimodal Representation Learning*. IEEE TPAMI 2026,
       arXiv 2507.17343.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import pmrl
    >>> z = torch.eye(4)
    >>> pmrl([z, z, z], 0.05).item() < 1e-6
    True
    """
    check_aligned(embeddings)
    if isinstance(temperature, torch.Tensor):
        temperature = temperature.detach()

    def score(rows: Rows, columns: Rows) -> torch.Tensor:
        return rows[0] @ columns[0].T / temperature

    def row_losses(items: list[torch.Tensor], groups: torch.Tensor | None) -> torch.Tensor:
        found = leading(items)
        aligned = -(found.values / temperature).log_softmax(1)[:, -1]
        own, n = found.directions, len(found.directions)
        if positives or is_one_chunk(n, n):
            apart = contrast_of_scores(score, [own], [own], groups, positives=positives)
        else:
            (apart,) = cross_entropies_in_tiles(own / temperature, own, groups)
        return aligned + apart

    return mean_over_patterns(row_losses, embeddings, present, groups)


class Leading(NamedTuple):
    """Singular values of the matrix of the embeddings of n rows, and the leading direction.

    Parameters
    ----------
    values : Tensor (n, min(d, m))
        Singular values, ascending.
    directions : Tensor (n, d)
        Left singular vector of the last.
    """

    values: torch.Tensor
    directions: torch.Tensor


def leading(embeddings: Sequence[torch.Tensor]) -> Leading:
    r"""Return the singular values of the embeddings of each row, and the leading direction.

    The derivative of an eigenvector of :math:`G = A^\top A`, :math:`dv_1 = \sum_{k>1} v_k
    v_k^\top dG\, v_1/(\lambda_1 - \lambda_k)`, is infinite where eigenvalues are equal. Here the
    decomposition is taken as a constant, and the change of the vector is added in first order with
    :math:`x/(x^2 + \epsilon)` in place of :math:`1/x`, 0 where they are equal.
    """
    columns = torch.stack(list(embeddings), 2)  # n, d, m
    gram = columns.mT @ columns
    eigenvalues, vectors = torch.linalg.eigh(gram.detach())
    values = (columns @ vectors[:, :, -columns.shape[1] :]).norm(dim=1)
    first = vectors[:, :, -1:]
    gaps = eigenvalues[:, -1:] - eigenvalues[:, :-1]
    inverse = gaps / (gaps.square() + torch.finfo(gram.dtype).eps)
    rest = vectors[:, :, :-1]
    change = rest @ (inverse[:, :, None] * (rest.mT @ ((gram - gram.detach()) @ first)))
    directions = torch.nn.functional.normalize((columns @ (first + change)).squeeze(2), dim=1)
    # two embeddings with a negative cosine have a sum orthogonal to it: the first decides then
    total = columns.detach().sum(2) + 1e-3 * columns[:, :, 0].detach()
    agreement = (directions.detach() * total).sum(1, keepdim=True)
    return Leading(values, torch.where(agreement < 0, -directions, directions))


register_sufficiency(
    "pmrl",
    Sufficiency(pmrl, pairwise=False, takes_groups=True, takes_positives=True, takes_present=True),
)
