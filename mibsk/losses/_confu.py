"""Contrastive fusion: pairs of modalities, and fused pairs against a third."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import torch
import torch.nn.functional as F
from torch import nn

from .._checks.parameters import check_scalar
from ._anchors import check_aligned
from ._holes import Masks, complete_rows, groups_of, mean_by_rows, no_loss
from ._infonce import infonce
from ._terms import LossModule, Sufficiency, register_sufficiency


class ConFu(LossModule):
    r"""InfoNCE of all pairs of modalities, and of fused pairs with a third, as in ConFu [1]_.

    .. math:: (1 - \alpha)\, \overline{\mathrm{InfoNCE}(z_a, z_b)}
        + \alpha\, \overline{\mathrm{InfoNCE}\big(f_{ab}(z_a, z_b),\, z_c\big)}

    with the mean over all pairs :math:`a < b`, and over all pairs and each other modality
    :math:`c`, :math:`M(M-1)(M-2)/2` terms. :func:`infonce` is symmetric. The fusion heads
    :math:`f_{ab}` are networks with one hidden layer on both embeddings, and outputs of unit norm;
    they are trained with the encoders. A fused pair predicts a third modality also where neither of
    its parts does: of three bits, each the XOR of the others, any two are independent. For two
    modalities, it is :func:`infonce`. Memory grows with the number of rows, as that of
    :func:`infonce`.

    Parameters
    ----------
    fused_weight : float, default=0.5
        :math:`\alpha`, at least 0 and less than 1.

    References
    ----------
    .. [1] Koutoupis et al. *The More, the Merrier: Contrastive Fusion for Higher-Order Multimodal
       Alignment*. CVPR 2026, arXiv 2511.21331.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import ConFu
    >>> loss = ConFu()
    >>> loss.build(n_modalities=3, n_components=4)
    >>> loss([torch.eye(4)] * 3, temperature=0.1).shape
    torch.Size([])
    """

    def __init__(self, fused_weight: float = 0.5) -> None:
        super().__init__()
        check_scalar("fused_weight", fused_weight, low=0, high=1)
        self.fused_weight = fused_weight
        self.heads = nn.ModuleDict()

    def build(self, n_modalities: int, n_components: int) -> None:
        """Make the fusion head of each pair of modalities.

        Parameters
        ----------
        n_modalities : int
            Number of modalities M.
        n_components : int
            Dimension of the embeddings.
        """
        pairs = combinations(range(n_modalities), 2) if n_modalities > 2 else ()
        width = 8 * n_components
        for a, b in pairs:
            self.heads[f"{a}+{b}"] = nn.Sequential(
                nn.Linear(2 * n_components, width), nn.ReLU(), nn.Linear(width, n_components)
            )

    def extra_repr(self) -> str:
        """Return the weight, by which the same training is recognized."""
        return f"fused_weight={self.fused_weight!r}"

    def forward(
        self,
        embeddings: Sequence[torch.Tensor],
        temperature: torch.Tensor | float,
        groups: torch.Tensor | None = None,
        positives: bool = False,
        present: Masks = None,
    ) -> torch.Tensor:
        r"""Return the loss of a batch.

        Parameters
        ----------
        embeddings : sequence of Tensor (n, d)
            Embeddings of M >= 2 modalities with unit norm; row `i` of all belongs together.
        temperature : Tensor () or float
            :math:`\tau > 0`.
        groups : Tensor of int64 (n,), default=None
            Group of each row: other rows of the same group are not negatives. None: groups of one
            row.
        positives : bool, default=False
            Whether rows of the same group are partners, see :func:`partner_cross_entropy`.
        present : sequence of Tensor of bool (n,), default=None
            Which rows have each modality. Each InfoNCE is computed on the rows that have its two
            or three modalities, and weighted by their number. None: all.

        Returns
        -------
        Tensor ()
            In nats.

        Raises
        ------
        ValueError
            If there are fewer than two modalities, their shapes differ, or their number is not
            that of :meth:`build`.
        """
        check_aligned(embeddings)
        names = list(range(len(embeddings)))
        pairs = list(combinations(names, 2))
        if len(names) > 2 and len(pairs) != len(self.heads):
            raise ValueError(
                f"the fusion heads are those of another number of modalities than {len(names)}: "
                "call build(n_modalities, n_components) first."
            )

        def of_sets(sets: Sequence[tuple[int, ...]]) -> torch.Tensor:
            values, weights = [], []
            for chosen in sets:
                items, within = [embeddings[m] for m in chosen], groups
                if present is not None:
                    rows = complete_rows([present[m] for m in chosen])
                    items = [z[rows] for z in items]
                    within = groups_of(groups, rows)
                if len(items[0]) < 2:
                    continue
                z = (
                    items[0]
                    if len(items) == 2
                    else self.fuse(chosen[0], chosen[1], items[0], items[1])
                )
                values.append(infonce(z, items[-1], temperature, within, positives))
                weights.append(len(z))
            return mean_by_rows(values, weights) if values else no_loss(embeddings)

        fused = [(*pair, c) for pair in pairs for c in names if c not in pair]
        if not fused:
            return of_sets(pairs)
        return torch.lerp(of_sets(pairs), of_sets(fused), self.fused_weight)

    def fuse(self, a: int, b: int, z: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """Return the fused embeddings of modalities number `a` < `b`, a Tensor (n, d)."""
        head = self.heads[f"{a}+{b}"]
        # coordinates of about 1: in small ones the head is nearly linear, and slow to see synergy
        both = torch.cat([z, w], 1) * z.shape[1] ** 0.5
        return F.normalize(head(both), dim=1)


register_sufficiency(
    "confu",
    Sufficiency(ConFu, pairwise=False, takes_groups=True, takes_positives=True, takes_present=True),
)
