"""The fixed part of a pretrained tower in an encoder."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .._frozen import FrozenTrunk

_ROWS_AT_A_TIME = 32  # of a tower without gradients; more need memory, and are not faster


class PretrainedTrunk(FrozenTrunk):
    """Run a tower from files in eval mode; its state dict has a digest instead of its weights.

    Parameters
    ----------
    tower : nn.Module
        Kept, not copied.
    digest : str
        Digest of its files, in hexadecimal digits.
    path : str
        Their place, for messages.
    of_pixels : bool
        Whether it reads values of 0 to 255, as uint8.
    """

    digest: Tensor

    def __init__(self, tower: nn.Module, digest: str, path: str, *, of_pixels: bool) -> None:
        super().__init__(tower)
        self.path, self.of_pixels = path, of_pixels
        self.register_buffer("digest", torch.tensor(list(bytes.fromhex(digest)), dtype=torch.uint8))

    def forward(self, x: Tensor) -> Tensor:
        """Map rows to features.

        Raises
        ------
        TypeError
            If pictures are not of uint8.
        """
        if self.of_pixels and x.dtype != torch.uint8:
            dtype = str(x.dtype).removeprefix("torch.")
            raise TypeError(
                f"the tower in {self.path} reads pictures as uint8 of 0 to 255, got {dtype}: pass "
                "raw pixels, which it normalises itself, e.g. (255 * X).astype(np.uint8) for "
                "values of 0 to 1."
            )
        with torch.no_grad():
            if torch.compiler.is_compiling() or len(x) <= _ROWS_AT_A_TIME:
                return self.tower(x)
            if x.ndim > 2:
                return torch.cat([self.tower(part) for part in x.split(_ROWS_AT_A_TIME)])
            # texts of about the same length together, since short ones are filled up
            order = (x >= 0).sum(1).argsort(stable=True)
            parts = [self.tower(x[some]) for some in order.split(_ROWS_AT_A_TIME)]
            return torch.cat(parts)[order.argsort()]

    def state_dict(  # type: ignore[override]
        self,
        *,
        destination: dict[str, Any] | None = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> dict[str, Any]:
        """Return the digest alone."""
        found = {} if destination is None else destination
        found[f"{prefix}digest"] = self.digest
        return found

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        given = state_dict.get(f"{prefix}digest")
        if given is not None and given.cpu().tolist() != self.digest.cpu().tolist():
            raise ValueError(
                f"the files of the tower in {self.path} are not those of the training: restore "
                "them, or pass encoders= with the folder that has them."
            )
        # the weights stay as they were read from the files
        state_dict.update(self.tower.state_dict(prefix=f"{prefix}tower."))
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
