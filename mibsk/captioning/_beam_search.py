"""Beam search: the likeliest texts, token by token."""

from __future__ import annotations

import torch
from torch import Tensor

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
    Texts are extended for all pictures at once; a picture is done when no unfinished text can have
    a higher score than its best finished one. One beam is greedy decoding. Nothing is drawn at
    random.

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
    n = memory[0][0].shape[0]
    device = memory[0][0].device
    longest = (
        qformer.max_length - 1 if max_length is None else min(max_length, qformer.max_length - 1)
    )
    first = n_beams * torch.arange(n, device=device)[:, None]
    memory = _take(memory, first.expand(-1, n_beams).reshape(-1) // n_beams)
    last = torch.full((n * n_beams, 1), begin, device=device)
    texts = torch.zeros(n, n_beams, longest, dtype=torch.int64, device=device)
    sums = torch.full((n, n_beams), -torch.inf, device=device)
    sums[:, 0] = 0.0  # all beams of a picture start alike
    best = torch.zeros(n, longest, dtype=torch.int64, device=device)
    best_scores = torch.full((n,), -torch.inf, device=device)
    for step in range(longest):
        logits, memory = qformer.write(last, memory)
        log_p = logits[:, -1].float().log_softmax(-1)
        log_p[:, 0] = -torch.inf  # padding
        n_tokens = log_p.shape[1]
        candidates = (sums.reshape(-1, 1) + log_p).reshape(n, -1)
        # the end may take one place of each beam
        top, places = candidates.topk(min(2 * n_beams, candidates.shape[1]), dim=1)
        parents, words = places // n_tokens, places % n_tokens
        ends = words == end
        if step == longest - 1:
            ends = torch.ones_like(ends)
        length = float(step + 1) ** length_penalty
        finished = torch.where(ends, top / length, -torch.inf)
        score, place = finished.max(dim=1)
        better = score > best_scores
        parent, word = parents.gather(1, place[:, None]), words.gather(1, place[:, None])
        chosen = texts[torch.arange(n, device=device), parent[:, 0]]
        chosen[:, step] = word[:, 0]
        best = torch.where(better[:, None], chosen, best)
        best_scores = torch.where(better, score, best_scores)
        # those that go on
        top = top.masked_fill(ends, -torch.inf)
        sums, kept = top.topk(n_beams, dim=1)
        attainable = sums[:, 0] / float(longest) ** length_penalty  # log-probabilities are below 0
        if bool((best_scores >= attainable).all()):
            break
        parents, words = parents.gather(1, kept), words.gather(1, kept)
        texts = texts.gather(1, parents[..., None].expand(-1, -1, longest))
        texts[:, :, step] = words
        rows = (first + parents).reshape(-1)
        memory = _take(memory, rows)
        last = words.reshape(-1, 1)
    longest_found = max(1, int((best != 0).sum(dim=1).max()))
    return best[:, :longest_found], best_scores


def _take(memory: Memory, rows: Tensor) -> Memory:
    return [(keys[rows], values[rows]) for keys, values in memory]
