"""What a fitted canonical bottleneck says of who shares what, and of how many rows."""

from __future__ import annotations

import pandas as pd

from ..metrics.statistics import Estimate
from ._canonical_state import CanonicalState


class SharingReport:
    """Attributes of the sets of modalities that share directions, and of their rows."""

    _state: CanonicalState

    @property
    def information_by_subset_(self) -> dict[tuple[str, ...], Estimate]:
        """Information of the kept directions in nats, by the modalities that share them."""
        return dict(self._state.by_subset.information)

    @property
    def variance_by_subset_(self) -> dict[str, dict[tuple[str, ...], float]]:
        """Share of the variance of each modality that it shares with each set of others."""
        return {name: dict(shares) for name, shares in self._state.by_subset.variance.items()}

    @property
    def n_pairs_(self) -> pd.DataFrame:
        """Number of rows that have both of two modalities; of one, on the diagonal."""
        state = self._state
        names = list(state.inputs)
        counts = state.moments.total.counts * state.n_rows // state.moments.n
        return pd.DataFrame(counts, index=names, columns=names)
