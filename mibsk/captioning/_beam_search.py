"""Beam search: the likeliest texts, token by token."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ._likeliest_texts import likeliest_texts, likeliest_tokens
from ._qformer import Memory, QFormer


@torch.inference_mode()
def beam_search(
    qformer: QFormer,
    memory: Memory,
    *,
    begin: int,
    end: int,
    n_beams: int = 3,
    max_length: int | None = None,
    length_penalty: float = 1.0,
) -> tuple[Tensor, Tensor]:
    r"""Return the text with the highest score that beam search finds for each picture.

    The score of a text of :math:`L` tokens, its end included, is
    :math:`L^{-\alpha} \sum_i \log p(t_i \mid t_{<i})`, with :math:`\alpha` the length penalty.
    One beam is greedy decoding. Nothing is drawn at random. See :func:`likeliest_texts`.

    Parameters
    ----------
    qformer : QFormer
        In eval mode.
    memory : Memory
        Of n pictures, from `QFormer.look`.
    begin, end : int
        Tokens before the first word and after the last.
    n_beams : int, default=3
        Number of texts that are kept at a time.
    max_length : int, default=None
        Largest number of tokens, `begin` not counted; None: as many as `qformer` has positions for.
    length_penalty : float, default=1.0
        Exponent of the length, >= 0; 0 prefers short texts.

    Returns
    -------
    tokens : Tensor of int64 of shape (n, length)
        Without `begin`, with `end` where it was reached, then 0.
    scores : Tensor of shape (n,)
    """
    device = memory[0][0].device

    def next_tokens(rows: np.ndarray, tokens: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        nonlocal memory
        taken = torch.from_numpy(rows).to(device)
        memory = [(keys[taken], values[taken]) for keys, values in memory]
        last = torch.from_numpy(tokens).to(device)[:, None]
        logits, memory = qformer.write(last, memory)
        log_p, words = likeliest_tokens(logits[:, -1].float(), k)
        return log_p.cpu().numpy(), words.cpu().numpy()

    longest = qformer.max_length - 1
    found, scores = likeliest_texts(
        next_tokens,
        len(memory[0][0]),
        begin=begin,
        end=end,
        n_beams=n_beams,
        longest=longest if max_length is None else min(max_length, longest),
        length_penalty=length_penalty,
    )
    return torch.from_numpy(found).to(device), torch.from_numpy(scores).float().to(device)
