"""Speed of the generation of captions, with and without a cache of keys and values."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from mibsk.captioning import BEGIN, QFormer


@torch.inference_mode()
def write_greedily(qformer: QFormer, features: Tensor, *, n_tokens: int, cache: bool) -> Tensor:
    """Return the likeliest tokens one after the other (n, n_tokens), whether or not a text ends.

    Parameters
    ----------
    qformer : QFormer
        In eval mode.
    features : Tensor of shape (n, n_patches, d)
        Of n pictures.
    n_tokens : int
        Number of tokens.
    cache : bool
        Whether keys and values of the queries and of earlier tokens are kept.
    """
    tokens = torch.full((len(features), 1), BEGIN, device=features.device)
    _, memory = qformer.look(features)
    for _ in range(n_tokens):
        if cache:
            logits, memory = qformer.write(tokens[:, -1:], memory)
        else:
            logits, _ = qformer.write(tokens, qformer.look(features)[1])
        tokens = torch.cat([tokens, logits[:, -1].argmax(1, keepdim=True)], 1)
    return tokens[:, 1:]


def tokens_per_second(qformer: QFormer, features: Tensor, *, cache: bool) -> float:
    """Return the speed of :func:`write_greedily` for texts of the greatest length."""
    n_tokens = qformer.max_length - 1
    start = time.perf_counter()
    write_greedily(qformer, features, n_tokens=n_tokens, cache=cache)
    return len(features) * n_tokens / (time.perf_counter() - start)
