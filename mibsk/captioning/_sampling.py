"""Texts that are drawn at random from what a querying transformer expects."""

from __future__ import annotations

import torch
from torch import Tensor

from ._qformer import Memory, QFormer


@torch.inference_mode()
def sample_texts(
    qformer: QFormer,
    memory: Memory,
    *,
    begin: int,
    end: int,
    temperature: float = 1.0,
    max_length: int | None = None,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    r"""Draw a text for each picture, each token from :math:`p(t \mid t_{<i})^{1/T}`, normalised.

    Parameters
    ----------
    qformer : QFormer
        In eval mode.
    memory : Memory
        Of n pictures, from `QFormer.look`.
    begin, end : int
        Tokens before the first word and after the last.
    temperature : float, default=1.0
        :math:`T > 0`; towards 0, the likeliest token is drawn.
    max_length : int, default=None
        Largest number of tokens, `begin` not counted; None: as many as `qformer` has positions for.
    generator : torch.Generator, default=None
        On the CPU, where the tokens are drawn; None is torch's own.

    Returns
    -------
    tokens : Tensor of int64 of shape (n, length)
        Without `begin`, with `end` where it was drawn, then 0.
    scores : Tensor of shape (n,)
        Mean log-probability of the tokens, at temperature 1.
    """
    n, device = memory[0][0].shape[0], memory[0][0].device
    longest = qformer.max_length - 1
    if max_length is not None:
        longest = min(longest, max_length)
    last = torch.full((n, 1), begin, device=device)
    going_on = torch.ones(n, dtype=torch.bool, device=device)
    sums, lengths, words = torch.zeros(n, device=device), torch.zeros(n, device=device), []
    for _ in range(longest):
        logits, memory = qformer.write(last, memory)
        log_p = logits[:, -1].float().log_softmax(-1)
        log_p[:, 0] = -torch.inf  # padding
        p = (log_p / temperature).softmax(-1).cpu()
        word = p.multinomial(1, generator=generator).to(device)
        sums += torch.where(going_on, log_p.gather(1, word)[:, 0], 0)
        lengths += going_on
        words.append(torch.where(going_on, word[:, 0], 0))
        going_on &= word[:, 0] != end
        last = word
        if not bool(going_on.any()):
            break
    return torch.stack(words, 1), sums / lengths
