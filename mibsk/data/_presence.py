"""Which rows have which modalities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import torch

from .._checks.parameters import suggest
from ._missing import Mask

_LISTED = 5  # rows named in a message


@dataclass(frozen=True)
class Presence:
    """Which rows have each modality, where some rows lack some of them.

    Parameters
    ----------
    masks : dict of str to ndarray of bool (n,)
        Rows that have each modality.
    """

    masks: dict[str, Mask]

    @classmethod
    def of(cls, names: Iterable[str], masks: Mapping[str, Mask]) -> Presence:
        """Return the presence of rows in modalities, of which all have those without a mask."""
        every = np.ones(len(next(iter(masks.values()))), dtype=bool)
        return cls({name: masks.get(name, every) for name in names})

    @cached_property
    def n_modalities(self) -> np.ndarray:
        """Number of modalities of each row (n,)."""
        found: np.ndarray = np.sum(list(self.masks.values()), axis=0)
        return found

    @property
    def pairs(self) -> np.ndarray:
        """Numbers of the rows that have at least two modalities, which a loss can compare."""
        return np.flatnonzero(self.n_modalities > 1)

    @cached_property
    def places(self) -> dict[str, torch.Tensor]:
        """Place of each row among those that have the modality, int64 (n,); -1 without it."""
        return {
            name: torch.from_numpy(np.where(mask, np.cumsum(mask) - 1, -1))
            for name, mask in self.masks.items()
        }

    def check(self, *, of: str = "") -> None:
        """Raise unless encoders of all modalities can be trained on these rows.

        Parameters
        ----------
        of : str, default=""
            What the rows are a sample of, for messages.

        Raises
        ------
        ValueError
            If a row has no modality, a modality has fewer than two rows, or the modalities fall
            into parts of which no two rows have both.
        """
        n = len(self.n_modalities)
        bare = np.flatnonzero(self.n_modalities == 0)
        if len(bare):
            more = ", ..." if len(bare) > _LISTED else ""
            raise ValueError(
                f"{len(bare)} of {n} rows{of} lack every modality: {_listed(bare)}{more}. Drop "
                "these rows."
            )
        for name, mask in self.masks.items():
            if (count := np.count_nonzero(mask)) < 2:
                raise ValueError(
                    f"modality {name!r} is present in {count} of {n} rows{of}, while at least 2 "
                    "are needed: pass rows that have it, or leave it out."
                    + suggest(name, [other for other in self.masks if other != name])
                )
        if len(parts := self._parts()) > 1:
            raise ValueError(
                f"no two rows{of} have both a modality of {parts[0]} and one of {parts[1]}, so "
                "that what these share cannot be learned: pass rows that have both, or fit them "
                "apart."
            )

    def _parts(self) -> list[list[str]]:
        """Return the sets of modalities that rows connect, at least two for each link."""
        parts = [[name] for name in self.masks]
        for a, b in combinations(self.masks, 2):
            if np.count_nonzero(self.masks[a] & self.masks[b]) < 2:
                continue
            one, two = (next(part for part in parts if name in part) for name in (a, b))
            if one is not two:
                one += two
                parts.remove(two)
        return parts


def _listed(rows: Sequence[int] | np.ndarray) -> str:
    return ", ".join(str(int(row)) for row in rows[:_LISTED])
