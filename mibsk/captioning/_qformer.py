"""Querying transformer (Q-Former): learned queries between the features of a picture and text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

NORM_EPS = 1e-12  # as in BERT
INIT_STD = 0.02
_BERT_WIDTH = 768  # for which the above was chosen; a narrower layer would hardly pass anything on

Memory = list[tuple[Tensor, Tensor]]
"""Keys and values (n, heads, length, width of a head) that later tokens attend to, by layer."""


class QFormer(nn.Module):
    r"""Querying transformer [1]_: queries read features by cross-attention, and share with text.

    A layer computes, after each of its parts :math:`f` with layer normalisation,
    :math:`x \leftarrow \mathrm{LN}(x + f(x))`: self-attention of queries and text with the same
    weights; cross-attention of the queries to the features, in each `cross_every`-th layer; and a
    feed-forward network, one for queries and one for text. What sees what differs by task:

    =============  =====================================  ===========================
    method         queries see                            text sees
    =============  =====================================  ===========================
    `look`         queries, features
    `read`                                                text
    `write`                                               queries, earlier text
    `match`        queries, features, text                queries, text
    =============  =====================================  ===========================

    Parameters
    ----------
    feature_width : int
        Width of a feature.
    n_tokens : int
        Size of the vocabulary; token 0 is padding.
    n_queries : int, default=16
        Number of queries.
    width : int, default=256
        Width of queries and tokens, a multiple of `n_heads`.
    n_layers : int, default=4
        Number of layers.
    n_heads : int, default=4
        Number of attention heads.
    max_length : int, default=32
        Largest number of tokens of a text.
    cross_every : int, default=2
        Layers 0, `cross_every`, 2 `cross_every`, ... read the features.
    dropout : float, default=0.1
        Share of values that are dropped in training.

    Raises
    ------
    ValueError
        If `width` is not a multiple of `n_heads`.

    References
    ----------
    .. [1] Li et al., "BLIP-2: Bootstrapping Language-Image Pre-training with Frozen Image Encoders
       and Large Language Models", ICML 2023.

    Examples
    --------
    >>> import torch
    >>> from mibsk.captioning import QFormer
    >>> qformer = QFormer(feature_width=64, n_tokens=100, n_queries=8, width=32).eval()
    >>> features, tokens = torch.randn(2, 49, 64), torch.tensor([[1, 5, 7], [1, 9, 0]])
    >>> queries, memory = qformer.look(features)
    >>> queries.shape, qformer.read(tokens, tokens > 0).shape
    (torch.Size([2, 8, 32]), torch.Size([2, 3, 32]))
    >>> logits, memory = qformer.write(tokens, memory)
    >>> logits.shape
    torch.Size([2, 3, 100])
    """

    def __init__(
        self,
        feature_width: int,
        n_tokens: int,
        *,
        n_queries: int = 16,
        width: int = 256,
        n_layers: int = 4,
        n_heads: int = 4,
        max_length: int = 32,
        cross_every: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if width % n_heads:
            raise ValueError(f"width={width} must be a multiple of n_heads={n_heads}.")
        self.n_queries = n_queries
        self.max_length = max_length
        self.queries = nn.Parameter(torch.empty(n_queries, width))
        self.tokens = nn.Embedding(n_tokens, width, padding_idx=0)
        self.positions = nn.Embedding(max_length, width)
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            QFormerLayer(
                width, n_heads, feature_width if i % cross_every == 0 else None, dropout=dropout
            )
            for i in range(n_layers)
        )
        self.to_word = nn.Sequential(
            nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width, eps=NORM_EPS)
        )
        self.word_bias = nn.Parameter(torch.zeros(n_tokens))
        nn.init.normal_(self.queries, std=INIT_STD)
        self.apply(_init_weights)

    def look(self, features: Tensor, present: Tensor | None = None) -> tuple[Tensor, Memory]:
        """Let the queries read features, without text.

        Parameters
        ----------
        features : Tensor of shape (n, n_features, feature_width)
            Features of the patches of a picture, or (n, feature_width) pooled ones.
        present : Tensor of bool of shape (n, n_features), default=None
            False for padding.

        Returns
        -------
        queries : Tensor of shape (n, n_queries, width)
        memory : Memory
            What text sees of the queries.
        """
        features = _as_sequence(features)
        mask = None if present is None else present[:, None, None, :]
        q, memory = self._first_queries(len(features)), Memory()
        for layer in self._layers():
            memory.append(layer.attention.keys_and_values(q))
            q = layer.of_queries(q, *memory[-1], features, feature_mask=mask)
        return q, memory

    def read(self, tokens: Tensor, present: Tensor | None = None) -> Tensor:
        """Embed text alone, each token with all of its text in view.

        Parameters
        ----------
        tokens : Tensor of int64 of shape (n, length)
        present : Tensor of bool of shape (n, length), default=None
            False for padding.

        Returns
        -------
        Tensor of shape (n, length, width)
        """
        mask = None if present is None else present[:, None, None, :]
        t = self._embedded(tokens, 0)
        for layer in self._layers():
            t = layer.of_text(t, *layer.attention.keys_and_values(t), mask=mask)
        return t

    def write(self, tokens: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """Score the token after each given one, which sees the queries and what is before it.

        Padding at the end of a text needs no mask, since no earlier token sees it.

        Parameters
        ----------
        tokens : Tensor of int64 of shape (n, length)
            Further tokens.
        memory : Memory
            Of the queries, from :meth:`look`, and of earlier tokens, from this method.

        Returns
        -------
        logits : Tensor of shape (n, length, n_tokens)
        memory : Memory
            With the given tokens.
        """
        n_before = memory[0][0].shape[2]
        t = self._embedded(tokens, n_before - self.n_queries)
        length = t.shape[1]
        mask = None
        if length > 1:
            mask = torch.ones(length, n_before + length, dtype=torch.bool, device=t.device)
            mask = mask.tril(n_before)
        longer = []
        for layer, (keys, values) in zip(self._layers(), memory, strict=True):
            own = layer.attention.keys_and_values(t)
            longer.append((torch.cat([keys, own[0]], 2), torch.cat([values, own[1]], 2)))
            t = layer.of_text(t, *longer[-1], mask=mask)
        return self.to_word(t) @ self.tokens.weight.T + self.word_bias, longer

    def match(
        self,
        features: Tensor,
        tokens: Tensor,
        present: Tensor | None = None,
        features_present: Tensor | None = None,
    ) -> Tensor:
        """Let queries and text see each other, for a judgement whether they belong together.

        Parameters
        ----------
        features, features_present
            As in :meth:`look`.
        tokens, present
            As in :meth:`read`.

        Returns
        -------
        Tensor of shape (n, n_queries, width)
            The queries.
        """
        features = _as_sequence(features)
        mask = None
        if present is not None:
            mask = torch.cat([present.new_ones(len(present), self.n_queries), present], 1)
            mask = mask[:, None, None, :]
        feature_mask = None if features_present is None else features_present[:, None, None, :]
        q, t = self._first_queries(len(features)), self._embedded(tokens, 0)
        for layer in self._layers():
            seen = layer.attention.keys_and_values(torch.cat([q, t], 1))
            q = layer.of_queries(q, *seen, features, mask=mask, feature_mask=feature_mask)
            t = layer.of_text(t, *seen, mask=mask)
        return q

    def _layers(self) -> Iterator[QFormerLayer]:
        return cast("Iterator[QFormerLayer]", iter(self.layers))

    def _first_queries(self, n: int) -> Tensor:
        return self.dropout(self.norm(self.queries)).expand(n, -1, -1)

    def _embedded(self, tokens: Tensor, start: int) -> Tensor:
        length = tokens.shape[1]
        if start + length > self.max_length:
            raise ValueError(
                f"a text of {start + length} tokens is longer than max_length={self.max_length}."
            )
        positions = self.positions.weight[start : start + length]
        return self.dropout(self.norm(self.tokens(tokens) + positions))


class QFormerLayer(nn.Module):
    """One layer: attention of queries and text, of queries to features, and two networks.

    Parameters
    ----------
    width, n_heads, dropout
        As of :class:`QFormer`.
    feature_width : int or None
        None for a layer that does not read the features.
    """

    def __init__(
        self, width: int, n_heads: int, feature_width: int | None, *, dropout: float
    ) -> None:
        super().__init__()
        self.attention = Attention(width, width, n_heads, dropout=dropout)
        self.to_features = (
            None
            if feature_width is None
            else Attention(width, feature_width, n_heads, dropout=dropout)
        )
        self.query_network = FeedForward(width, dropout=dropout)
        self.text_network = FeedForward(width, dropout=dropout)

    def of_queries(
        self,
        q: Tensor,
        keys: Tensor,
        values: Tensor,
        features: Tensor,
        *,
        mask: Tensor | None = None,
        feature_mask: Tensor | None = None,
    ) -> Tensor:
        """Return the next queries (n, n_queries, width)."""
        q = self.attention(q, keys, values, mask)
        if self.to_features is not None:
            q = self.to_features(q, *self.to_features.keys_and_values(features), feature_mask)
        return self.query_network(q)

    def of_text(self, t: Tensor, keys: Tensor, values: Tensor, *, mask: Tensor | None) -> Tensor:
        """Return the next tokens (n, length, width)."""
        return self.text_network(self.attention(t, keys, values, mask))


class Attention(nn.Module):
    """Multi-head attention with its residual connection and layer normalisation."""

    def __init__(self, width: int, source_width: int, n_heads: int, *, dropout: float) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(source_width, width)
        self.value = nn.Linear(source_width, width)
        self.output = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        self.dropout = nn.Dropout(dropout)

    def keys_and_values(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys and values (n, n_heads, length, width of a head)."""
        return self.by_head(self.key(source)), self.by_head(self.value(source))

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        """Return the states (n, length, width) after they attended where `mask` is True."""
        rate = self.dropout.p if self.training else 0.0
        found = scaled_dot_product_attention(
            self.by_head(self.query(x)), keys, values, attn_mask=mask, dropout_p=rate
        )
        return self.norm(x + self.dropout(self.output(found.transpose(1, 2).flatten(2))))

    def by_head(self, x: Tensor) -> Tensor:
        """Return (n, length, width) as (n, n_heads, length, width of a head)."""
        return x.unflatten(2, (self.n_heads, -1)).transpose(1, 2)


class FeedForward(nn.Module):
    """Network of one hidden layer, four times as wide, with residual connection and norm."""

    def __init__(self, width: int, *, dropout: float) -> None:
        super().__init__()
        self.network = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(dropout)
        )
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        """Return the next states (n, length, width)."""
        return self.norm(x + self.network(x))


def _as_sequence(features: Tensor) -> Tensor:
    return features[:, None] if features.ndim == 2 else features


def _init_weights(module: nn.Module) -> None:
    """Draw weights as BERT does, so that outputs of any width have the spread of its own."""
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=INIT_STD * (_BERT_WIDTH / module.in_features) ** 0.5)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=INIT_STD)
        if module.padding_idx is not None:
            with torch.no_grad():
                module.weight[module.padding_idx] = 0
