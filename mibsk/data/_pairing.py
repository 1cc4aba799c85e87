"""Pairing of the rows of the modalities, by epoch."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

import numpy as np


class Pairing(Protocol):
    """Assignment of one row of each modality to each of ``n_rows`` pairs."""

    rows: np.ndarray
    """Row index of each pair in the first modality, or the anchor, int64 (n_rows,)."""
    is_random: ClassVar[bool]
    """Whether each draw has other partners."""
    groups: np.ndarray | None
    """Group of each pair, int64 (n_rows,), or None: pairs of one group are not negatives."""
    apart: np.ndarray | None
    """Group of each pair, int64 (n_rows,), or None: batches keep pairs of one group apart."""

    @property
    def n_rows(self) -> int:
        """Number of pairs."""

    def draw(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Return the row index of every pair for each modality, an int64 array (n_rows,)."""

    def subset(self, positions: np.ndarray) -> Pairing:
        """Return the pairing of the pairs at `positions`."""

    def with_groups(self, groups: np.ndarray | None, apart: np.ndarray | None) -> Self:
        """Return the same pairs with these groups."""


class GroupedPairs:
    """Groups of pairs, int64 (n_rows,) or None; see :class:`Pairing`."""

    groups: np.ndarray | None = None
    apart: np.ndarray | None = None

    def with_groups(self, groups: np.ndarray | None, apart: np.ndarray | None) -> Self:
        """Return the same pairs with these groups."""
        grouped = copy.copy(self)
        grouped.groups, grouped.apart = groups, apart
        return grouped

    def groups_at(self, positions: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Return `groups` and `apart` of the pairs at `positions`."""
        groups, apart = self.groups, self.apart
        return (
            None if groups is None else groups[positions],
            None if apart is None else apart[positions],
        )


@dataclass
class FixedPairing(GroupedPairs):
    """Pairs of the same row of every modality, in every epoch.

    Parameters
    ----------
    names : list of str
        Names of the modalities.
    rows : ndarray of int64 (n,)
        Row index of each pair, the same in all modalities.
    groups : ndarray of int64 (n,), default=None
        Group of each pair: pairs of one group are not negatives of each other.
    apart : ndarray of int64 (n,), default=None
        Group of each pair: pairs of one group are in different batches, where possible.
    """

    names: list[str]
    rows: np.ndarray
    groups: np.ndarray | None = None
    apart: np.ndarray | None = None
    is_random: ClassVar[bool] = False

    @property
    def n_rows(self) -> int:
        """Number of pairs."""
        return len(self.rows)

    def draw(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Return the same rows for every modality; `rng` is not used."""
        return dict.fromkeys(self.names, self.rows)

    def subset(self, positions: np.ndarray) -> FixedPairing:
        """Return the pairing of the pairs at `positions`."""
        return FixedPairing(self.names, self.rows[positions], *self.groups_at(positions))


class ClassPairing(GroupedPairs):
    """Pairs of anchor rows with partner rows of their class, redrawn at random in each draw.

    Every partner row is assigned to one anchor row of its class (round-robin), and a subset of
    anchors draws only from the partners assigned to it: disjoint subsets never share a partner, so
    that splitting the anchors also splits the partners.

    Parameters
    ----------
    anchor : str
        Name of the anchor modality.
    rows : ndarray of int64 (n,)
        Row indices in the anchor modality.
    codes : ndarray of int64 (n,)
        Class of each anchor row, 0..n_classes-1.
    owners : dict of str to ndarray of int64 (m,)
        Anchor row of each row of a partner modality, by modality.
    partner_codes : dict of str to ndarray of int64 (m,)
        Class of each row of a partner modality, by modality.
    groups, apart : ndarray of int64 (n,), default=None
        Groups of the pairs, as in :class:`FixedPairing`.
    """

    is_random: ClassVar[bool] = True

    def __init__(
        self,
        anchor: str,
        rows: np.ndarray,
        codes: np.ndarray,
        owners: dict[str, np.ndarray],
        partner_codes: dict[str, np.ndarray],
        groups: np.ndarray | None = None,
        apart: np.ndarray | None = None,
    ) -> None:
        self.groups, self.apart = groups, apart
        self.anchor, self.rows, self.codes = anchor, rows, codes
        self.owners, self.partner_codes = owners, partner_codes
        self.n_rows = len(rows)
        self._pools = {name: self._pool(name) for name in owners}

    def _pool(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the assigned partner rows sorted by class, and start and count of each class."""
        owned = np.flatnonzero(np.isin(self.owners[name], self.rows))
        codes = self.partner_codes[name][owned]
        n_classes = int(max(self.codes.max(initial=-1), codes.max(initial=-1))) + 1
        counts = np.bincount(codes, minlength=n_classes)
        if missing := np.setdiff1d(self.codes, codes).tolist():
            raise ValueError(
                f"{len(missing)} class(es) of modality {self.anchor!r} have no partner rows in "
                f"modality {name!r} among these {self.n_rows} rows. Give more rows, split "
                "stratified by class, or drop those classes."
            )
        pool = owned[np.argsort(codes, kind="stable")]
        return pool, np.cumsum(counts) - counts, counts

    def draw(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Return the anchor rows, and random rows of every partner modality."""
        drawn = {self.anchor: self.rows}
        for name, (pool, starts, counts) in self._pools.items():
            which = rng.integers(counts[self.codes])
            drawn[name] = pool[starts[self.codes] + which]
        return drawn

    def subset(self, positions: np.ndarray) -> ClassPairing:
        """Return the pairing of the anchors at `positions` and the partners assigned to them."""
        return ClassPairing(
            self.anchor,
            self.rows[positions],
            self.codes[positions],
            self.owners,
            self.partner_codes,
            *self.groups_at(positions),
        )
