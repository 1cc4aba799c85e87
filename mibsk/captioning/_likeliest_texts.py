"""Beam search over any function that scores the next token; needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from .._checks.parameters import check_scalar
from ._tokenizer import PADDING

NextTokens = Callable[[np.ndarray, np.ndarray, int], tuple[np.ndarray, np.ndarray]]
"""From texts to their likeliest next tokens.

The arguments are `rows` (m,), which of the texts of the call before are extended, in the first call
the numbers of the pictures; `tokens` (m,), by which; and a number `k`. The results are the
log-probabilities (m, k) and numbers (m, k) of the next tokens; fewer columns if there are fewer.
"""


def likeliest_texts(
    next_tokens: NextTokens,
    n: int,
    *,
    begin: int,
    end: int,
    n_beams: int,
    longest: int,
    length_penalty: float,
) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the text with the highest score that beam search finds for each picture.

    The score of a text of :math:`L` tokens, its end included, is
    :math:`L^{-\alpha} \sum_i \log p(t_i \mid t_{<i})`, with :math:`\alpha` the length penalty.
    Texts are extended for all pictures at once; a picture is done, and left out, when no unfinished
    text can have a higher score than its best finished one. A text is finished by an end that is
    among the likeliest `n_beams` extensions. Of texts with equal sums, the one of the likelier
    beginning comes first, then that of the smaller token.

    Parameters
    ----------
    next_tokens : callable
        Keeps the texts that it has been given; see :data:`NextTokens`.
    n : int
        Number of pictures.
    begin, end : int
        Tokens before the first word and after the last.
    n_beams : int
        Number of texts that are kept at a time; 1 is greedy decoding.
    longest : int
        Largest number of tokens, `begin` not counted.
    length_penalty : float
        Exponent of the length, >= 0.

    Returns
    -------
    tokens : ndarray of int64 (n, length)
        Without `begin`, with `end` where it was reached, then 0.
    scores : ndarray of float64 (n,)

    Examples
    --------
    A source of texts in which each token is drawn given the one before, 1 begins and 2 ends:

    >>> import numpy as np
    >>> from mibsk.captioning import likeliest_texts
    >>> p = np.array([[0, 0, 0, 0], [0, 0, 0.4, 0.6], [0, 0, 1, 0], [0, 0, 0.5, 0.5]])
    >>> def next_tokens(rows, tokens, k):
    ...     words = np.argsort(-p[tokens], axis=1)[:, :k]
    ...     with np.errstate(divide="ignore"):
    ...         return np.log(np.take_along_axis(p[tokens], words, 1)), words
    >>> settings = {"begin": 1, "end": 2, "longest": 5, "length_penalty": 0.0}
    >>> tokens, scores = likeliest_texts(next_tokens, 1, n_beams=1, **settings)
    >>> tokens, np.exp(scores)
    (array([[3, 2]]), array([0.3]))
    >>> tokens, scores = likeliest_texts(next_tokens, 1, n_beams=2, **settings)
    >>> tokens, np.exp(scores)
    (array([[2]]), array([0.4]))
    """
    best = np.zeros((n, longest), np.int64)
    best_scores = np.full(n, -np.inf)
    going_on = np.arange(n)
    texts, sums = np.zeros((n, 1, longest), np.int64), np.zeros((n, 1))
    rows, tokens = going_on, np.full(n, begin)
    for step in range(longest):
        log_p, words = next_tokens(rows, tokens, 2 * n_beams)  # the end may take one of each beam
        n_now, n_texts = sums.shape
        parents = np.repeat(np.arange(n_texts), log_p.shape[1])
        parents = np.broadcast_to(parents, (n_now, len(parents)))
        sums, words = (
            (sums.reshape(-1, 1) + log_p).reshape(parents.shape),
            words.reshape(parents.shape),
        )
        order = np.lexsort((words, parents, -sums))[:, : 2 * n_beams]
        sums, words, parents = (
            np.take_along_axis(each, order, 1) for each in (sums, words, parents)
        )
        texts = np.take_along_axis(texts, parents[..., None], 1)
        texts[:, :, step] = words
        ends = (words == end) | (step == longest - 1)
        among_first = np.arange(ends.shape[1]) < n_beams
        scores = np.where(ends & among_first, sums / (step + 1) ** length_penalty, -np.inf)
        place = scores.argmax(1)
        score = scores[np.arange(n_now), place]
        better = np.flatnonzero(score > best_scores[going_on])
        best[going_on[better]] = texts[better, place[better]]
        best_scores[going_on[better]] = score[better]
        sums = np.where(ends, -np.inf, sums)
        kept = np.argsort(-sums, axis=1, kind="stable")[:, :n_beams]
        attainable = sums[np.arange(n_now), kept[:, 0]] / longest**length_penalty  # sums decrease
        more = np.flatnonzero(best_scores[going_on] < attainable)
        if not len(more):
            break
        going_on, kept = going_on[more], kept[more]
        sums, words, parents = (
            np.take_along_axis(each[more], kept, 1) for each in (sums, words, parents)
        )
        texts = np.take_along_axis(texts[more], kept[..., None], 1)
        rows, tokens = (n_texts * more[:, None] + parents).ravel(), words.ravel()
    longest_found = max(1, int((best != 0).sum(axis=1).max(initial=0)))
    return best[:, :longest_found], best_scores


def check_search(*, n_beams: int, length_penalty: float, max_length: int) -> None:
    """Raise unless these are settings of beam search, with `max_length` as captioners count.

    Raises
    ------
    TypeError
        If one is not a number, or not an integer where it must be one.
    ValueError
        If one is out of range.
    """
    check_scalar("n_beams", n_beams, low=1, integer=True)
    check_scalar("length_penalty", length_penalty, low=0, high=100)
    check_scalar("max_length", max_length, low=2, integer=True)


def likeliest_tokens(logits: Any, k: int) -> tuple[Any, Any]:
    """Return log-probabilities and numbers of the likeliest tokens, without padding.

    The largest is taken out `k` times, which is faster than sorting for a few of thousands; of
    equal ones, the first.

    Parameters
    ----------
    logits : ndarray or Tensor (n, n_tokens)
    k : int
        Number of tokens.

    Returns
    -------
    log_p, tokens : ndarray or Tensor (n, min(k, n_tokens))
        On the device of `logits`.
    """
    xp = array_namespace(logits)
    log_p = logits - xp.max(logits, axis=1, keepdims=True)
    log_p = log_p - xp.log(xp.sum(xp.exp(log_p), axis=1, keepdims=True))
    log_p[:, PADDING] = -xp.inf
    rows = xp.arange(logits.shape[0], device=device(logits))
    top, tokens = [], []
    for _ in range(min(k, logits.shape[1])):
        tokens.append(xp.argmax(log_p, axis=1))
        top.append(log_p[rows, tokens[-1]])
        log_p[rows, tokens[-1]] = -xp.inf
    return xp.stack(top, axis=1), xp.stack(tokens, axis=1)
