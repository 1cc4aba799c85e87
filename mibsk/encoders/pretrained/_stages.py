"""The stages of a transformer: embedding of its input, layers, pooling."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Pool = Literal["class", "mean", "max", "last", "module"]


class TextEmbedding(nn.Module):
    """Map token ids (n, length), -1 where there is none, to states (n, length, d), 0 there."""

    def __init__(self, embeddings: nn.Module, pad_id: int) -> None:
        super().__init__()
        self.embeddings, self.pad_id = embeddings, pad_id

    def forward(self, x: Tensor) -> Tensor:
        """Return states (n, length, d)."""
        ids = x.long()
        first = torch.arange(ids.shape[1], device=ids.device) == 0  # attention needs one
        present = (ids >= 0) | first
        states = self.embeddings(input_ids=torch.where(ids >= 0, ids, self.pad_id))
        return states * present[..., None]


class PictureEmbedding(nn.Module):
    """Map pictures to states (n, tokens, d)."""

    def __init__(self, pixels: nn.Module, embeddings: nn.Module, norm: nn.Module | None) -> None:
        super().__init__()
        self.pixels, self.embeddings, self.norm = pixels, embeddings, norm

    def forward(self, x: Tensor) -> Tensor:
        """Return states (n, tokens, d)."""
        states = self.embeddings(self.pixels(x))
        return states if self.norm is None else self.norm(states)


class Layers(nn.Module):
    """Layers of a transformer on states (n, tokens, d).

    Parameters
    ----------
    layers : list of nn.Module
        Called as ``layer(states, mask)``.
    is_text : bool
        Whether states of 0 stand for places without a token, which no token attends to.
    is_causal : bool
        Whether tokens attend only to those before them.
    """

    def __init__(self, layers: list[nn.Module], *, is_text: bool, is_causal: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.is_text, self.is_causal = is_text, is_causal

    def split(self, first: int) -> tuple[Layers, Layers]:
        """Return the layers below a number, and those from it on."""
        layers = list(self.layers)
        return tuple(  # type: ignore[return-value]
            Layers(part, is_text=self.is_text, is_causal=self.is_causal)
            for part in (layers[:first], layers[first:])
        )

    def forward(self, states: Tensor) -> Tensor:
        """Return states of the same shape."""
        if not self.is_text:
            for layer in self.layers:
                states = layer(states, None)
            return states
        present, length = has_token(states), states.shape[1]
        if not torch.compiler.is_compiling():  # the places after the longest text are left out
            longest = int(present.sum(1).max())
            states, present = states[:, :longest], present[:, :longest]
        mask = present[:, None, None, :].expand(-1, 1, states.shape[1], -1)
        if self.is_causal:
            mask = mask & torch.ones_like(mask[:1, :1]).tril()
        for layer in self.layers:
            states = layer(states, mask)
        states = states * present[..., None]
        return nn.functional.pad(states, (0, 0, 0, length - states.shape[1]))


class Output(nn.Module):
    """Map the states (n, tokens, d) of the last layer to the features of rows.

    Parameters
    ----------
    norm : nn.Module or None
        Applied to each state.
    pool : {"class", "mean", "max", "last", "module"}, or None
        The first state, the mean or largest value of the states of tokens, the state of the last
        token, or what `project` makes of all states; None returns all states.
    project : nn.Module or None
        Applied to the pooled state.
    normalize : bool, default=False
        Scale pooled features to unit norm.
    """

    def __init__(
        self,
        norm: nn.Module | None,
        pool: Pool | None,
        project: nn.Module | None = None,
        *,
        normalize: bool = False,
    ) -> None:
        super().__init__()
        self.norm, self.pool, self.project, self.normalize = norm, pool, project, normalize

    def forward(self, states: Tensor) -> Tensor:
        """Return features (n, d), or (n, tokens, d) without pooling."""
        present = has_token(states)
        if self.norm is not None:
            states = self.norm(states) * present[..., None]
        if self.pool is None:
            return states
        pooled = states if self.pool == "module" else pooled_states(states, present, self.pool)
        if self.project is not None:
            pooled = self.project(pooled)
        return nn.functional.normalize(pooled) if self.normalize else pooled


def has_token(states: Tensor) -> Tensor:
    """Return which states (n, tokens, d) are those of a token: (n, tokens), not 0."""
    return states.ne(0).any(-1)


def pooled_states(states: Tensor, present: Tensor, pool: Pool) -> Tensor:
    """Return one state (n, d) of those (n, tokens, d) that are present (n, tokens)."""
    if pool == "class":
        return states[:, 0]
    if pool == "last":
        last = present.long().sum(1) - 1
        return states.gather(1, last[:, None, None].expand(-1, 1, states.shape[2]))[:, 0]
    if pool == "max":
        return states.masked_fill(~present[..., None], -torch.inf).amax(1)
    return states.sum(1) / present.sum(1, keepdim=True).clamp_min(1)
