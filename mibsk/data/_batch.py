"""A batch of paired rows."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ._rows import EncoderInput


class Batch(dict[str, EncoderInput]):
    """Rows of each modality by name, row `i` of all modalities belonging together.

    Parameters
    ----------
    rows : mapping of str to EncoderInput
        Rows on the device, n for each modality.
    present : mapping of str to Tensor of bool (n,), default=None
        For each modality, which of the rows it has. None: all.
    groups : Tensor of int64 (n,), default=None
        Group of each row; rows of one group are not negatives of each other. None: each row is a
        group of its own.
    """

    def __init__(
        self,
        rows: Mapping[str, EncoderInput],
        present: Mapping[str, torch.Tensor] | None = None,
        groups: torch.Tensor | None = None,
    ) -> None:
        super().__init__(rows)
        self.present, self.groups = present, groups
