"""BLEU: the share of the n-grams of captions that a reference has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ..._checks.parameters import check_scalar
from ..statistics import Sampled, Values, over_sums, with_interval
from ._texts import ORDERS, NGrams, Texts, Tokenizer, caption_tokens, ngrams, tokens_of

_TINY, _SMALL = 1e-15, 1e-9  # as in the published evaluation, for captions without n-grams


@with_interval
def bleu(
    captions: Any, references: Any, *, n: int = 4, tokenizer: Tokenizer = caption_tokens
) -> Sampled:
    r"""BLEU of a set of captions: clipped precision of n-grams with a penalty of short captions.

    .. math:: \mathrm{BLEU@}n = e^{\min(0,\, 1 - r/c)} \prod_{k=1}^{n} p_k^{1/n}

    [1]_, with :math:`p_k` the share of all k-grams of the captions that occur in a reference, at
    most as often as in the reference that has it most, :math:`c` the number of tokens of all
    captions, and :math:`r` that of the references that are closest in length, the shorter one of
    two equally close. Counts are added up over all captions: this is not the mean of a score of
    each.

    Parameters
    ----------
    captions : list of str (n_samples,)
        One caption for each sample.
    references : list of list of str (n_samples,)
        One or more captions of each sample by people; a string is a single one.
    n : int, default=4
        Largest n-gram, 1 to 4.
    tokenizer : callable, default=caption_tokens
        From a string to its tokens; ``str.split`` for captions that were tokenized before.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval over samples.

    Returns
    -------
    float or Estimate
        In [0, 1].

    Raises
    ------
    TypeError
        If captions or references are not strings.
    ValueError
        If their numbers differ, a sample has no reference, or `n` is not 1 to 4.

    References
    ----------
    .. [1] Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine Translation",
       ACL 2002.

    Examples
    --------
    >>> from mibsk.metrics import bleu
    >>> bleu(["a red cat"], [["a red cat", "the cat is red"]], n=2) > 0.999
    True
    >>> round(bleu(["a red dog"], [["a red cat"]], n=1), 3)
    0.667
    """
    check_scalar("n", n, low=1, high=ORDERS + 1, integer=True)
    tokens, references = tokens_of(captions, references, tokenizer)
    (counts,) = bleu_counts([tokens], references)
    return lambda ci: over_sums(counts, partial(bleu_of_sums, n=n), ci, (0, 1))


def bleu_counts(systems: Sequence[Texts], references: Sequence[Texts]) -> list[Values]:
    """Return for each system what BLEU adds up, (n_samples, 2 + 2 ORDERS), see `_counts`."""
    found: list[list[list[int]]] = [[] for _ in systems]
    for row, texts in enumerate(references):
        lengths, most = [len(text) for text in texts], ngrams(texts[0])
        for text in texts[1:]:
            most |= ngrams(text)
        for counts, tokens in zip(found, systems, strict=True):
            counts.append(_counts(tokens[row], lengths, most))
    return [np.array(counts, dtype=np.float64) for counts in found]


def _counts(tokens: Sequence[str], lengths: Sequence[int], most: NGrams) -> list[int]:
    """Return the lengths of caption and reference, and matched and all n-grams of each order.

    `lengths` are those of the references, and `most` how often one of them has each n-gram.
    """
    length = len(tokens)
    closest = min((abs(each - length), each) for each in lengths)[1]
    matched = [0] * ORDERS
    for gram, count in ngrams(tokens).items():
        matched[len(gram) - 1] += min(count, most[gram])
    return [length, closest, *matched, *(max(0, length - k) for k in range(ORDERS))]


def bleu_of_sums(sums: Values, n: int) -> Values:
    """Return BLEU@n (...) of sums (..., 2 + 2 ORDERS) of counts."""
    length, closest = sums[..., 0], sums[..., 1]
    matched, possible = sums[..., 2 : 2 + n], sums[..., 2 + ORDERS : 2 + ORDERS + n]
    precision = np.exp(np.log((matched + _TINY) / (possible + _SMALL)).mean(axis=-1))
    ratio = (length + _TINY) / (closest + _SMALL)
    return precision * np.exp(np.minimum(0.0, 1 - 1 / ratio))
