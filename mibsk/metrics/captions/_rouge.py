"""ROUGE-L: the longest common subsequence of a caption and a reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..statistics import Sampled, Values, over_values, with_interval
from ._texts import Texts, Tokenizer, caption_tokens, tokens_of

_BETA = 1.2  # weight of recall


@with_interval
def rouge_l(captions: Any, references: Any, *, tokenizer: Tokenizer = caption_tokens) -> Sampled:
    r"""ROUGE-L: mean F-score of the longest common subsequence of a caption and its references.

    .. math:: \frac{(1 + \beta^2)\, P R}{R + \beta^2 P}, \qquad
        P = \max_r \frac{\mathrm{LCS}(c, r)}{|c|}, \quad R = \max_r \frac{\mathrm{LCS}(c, r)}{|r|}

    [1]_, with :math:`\beta = 1.2`, as captions are evaluated; precision and recall may come from
    different references. 0 for an empty caption.

    Parameters
    ----------
    captions : list of str (n_samples,)
        One caption for each sample.
    references : list of list of str (n_samples,)
        One or more captions of each sample by people; a string is a single one.
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
        If their numbers differ, or a sample has no reference.

    References
    ----------
    .. [1] Lin and Och, "Automatic Evaluation of Machine Translation Quality Using Longest Common
       Subsequence and Skip-Bigram Statistics", ACL 2004.

    Examples
    --------
    >>> from mibsk.metrics import rouge_l
    >>> rouge_l(["a red cat"], [["a red cat"]]), rouge_l(["a dog"], [["a cat"]])
    (1.0, 0.5)
    """
    scores = rouge_scores(*tokens_of(captions, references, tokenizer))
    return lambda ci: over_values(scores, ci, (0, 1))


def rouge_scores(tokens: Texts, references: Sequence[Texts]) -> Values:
    """Return ROUGE-L of each sample, (n_samples,)."""
    return np.array([_score(*each) for each in zip(tokens, references, strict=True)])


def _score(tokens: Sequence[str], references: Texts) -> float:
    common = [(longest_common_subsequence(tokens, each), len(each)) for each in references]
    longest = max(length for length, _ in common)
    if longest == 0:
        return 0.0
    precision = longest / len(tokens)
    recall = max(length / of for length, of in common if of)
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


def longest_common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Return the length of the longest common subsequence, with one bit for each element of `a`.

    Row by row of the usual table, a bit is 0 where the length grows (Hyyrö, "Bit-parallel
    LCS-length computation revisited", 2004).
    """
    places: dict[str, int] = {}
    for i, token in enumerate(a):
        places[token] = places.get(token, 0) | 1 << i
    mask = (1 << len(a)) - 1
    same = mask
    for token in b:
        matches = same & places.get(token, 0)
        same = ((same + matches) | (same - matches)) & mask
    return len(a) - same.bit_count()
