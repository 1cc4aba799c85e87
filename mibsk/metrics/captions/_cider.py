"""CIDEr-D: agreement of captions in the n-grams that tell samples apart."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..statistics import Sampled, Values, over_values, with_interval
from ._texts import ORDERS, NGrams, Texts, Tokenizer, caption_tokens, ngrams, tokens_of

_SIGMA = 6.0  # tokens


class _Weighed(NamedTuple):
    """TF-IDF weights of the n-grams of a text, their norms by order, and its number of bigrams."""

    weights: dict[tuple[str, ...], float]
    norms: list[float]
    length: int


@with_interval
def cider_d(captions: Any, references: Any, *, tokenizer: Tokenizer = caption_tokens) -> Sampled:
    r"""CIDEr-D: mean TF-IDF cosine of the n-grams of a caption and of its references, times 10.

    .. math::

        \frac{10}{4} \sum_{k=1}^{4} \frac{1}{|R|} \sum_{r \in R}
        e^{-(\ell_c - \ell_r)^2 / 2\sigma^2}\,
        \frac{\min(g_k(c), g_k(r)) \cdot g_k(r)}{\|g_k(c)\|\, \|g_k(r)\|}

    [1]_, with :math:`g_k` the counts of k-grams times :math:`\log(N/\mathrm{df})`, where
    :math:`\mathrm{df}` is the number of samples that have the k-gram in a reference, of
    :math:`N`; :math:`\ell` the number of bigrams, and :math:`\sigma = 6`. The value is the mean
    over samples. It depends on all references together, and so compares only captions of the same
    samples; resamples of an interval keep the frequencies of all.

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
        In [0, 10].

    Raises
    ------
    TypeError
        If captions or references are not strings.
    ValueError
        If their numbers differ, a sample has no reference, or there is only one sample, of which
        all frequencies are the same.

    References
    ----------
    .. [1] Vedantam, Zitnick and Parikh, "CIDEr: Consensus-based Image Description Evaluation",
       CVPR 2015.

    Examples
    --------
    >>> from mibsk.metrics import cider_d
    >>> references = [["a red cat on a mat", "red cat on the mat"], ["two dogs run on grass"]]
    >>> good = cider_d(["a red cat on the mat", "two dogs run"], references)
    >>> poor = cider_d(["two dogs run", "a red cat on the mat"], references)
    >>> good > 4, poor
    (True, 0.0)
    """
    tokens, references = tokens_of(captions, references, tokenizer)
    (scores,) = cider_scores([tokens], references)
    return lambda ci: over_values(scores, ci, (0, 10))


def cider_scores(systems: Sequence[Texts], references: Sequence[Texts]) -> list[Values]:
    """Return for each system CIDEr-D of each sample, (n_samples,).

    Raises
    ------
    ValueError
        If there is only one sample.
    """
    if len(references) < 2:
        raise ValueError(
            "CIDEr-D weighs n-grams by how few samples have them, and needs at least 2, got 1."
        )
    cooked = [[ngrams(each) for each in texts] for texts in references]
    frequency = Counter(gram for texts in cooked for gram in set().union(*texts))
    log_n = math.log(len(references))
    rarity = {gram: log_n - math.log(count) for gram, count in frequency.items()}

    def weighed(counts: NGrams) -> _Weighed:
        weights, squares, length = {}, [0.0] * ORDERS, 0
        for gram, count in counts.items():
            weight = count * rarity.get(gram, log_n)
            weights[gram] = weight
            squares[len(gram) - 1] += weight * weight
            length += count if len(gram) == 2 else 0
        return _Weighed(weights, [math.sqrt(square) for square in squares], length)

    found: list[list[float]] = [[] for _ in systems]
    for row, texts in enumerate(cooked):
        of_people = [weighed(each) for each in texts]
        for scores, tokens in zip(found, systems, strict=True):
            scores.append(_agreement(weighed(ngrams(tokens[row])), of_people))
    return [np.array(scores) for scores in found]


def _agreement(caption: _Weighed, references: Sequence[_Weighed]) -> float:
    total = 0.0
    for reference in references:
        products = [0.0] * ORDERS
        for gram, weight in caption.weights.items():
            other = reference.weights.get(gram)
            if other is not None:
                products[len(gram) - 1] += min(weight, other) * other
        norms = [a * b for a, b in zip(caption.norms, reference.norms, strict=True)]
        cosines = sum(p / norm for p, norm in zip(products, norms, strict=True) if norm > 0)
        apart = caption.length - reference.length
        total += cosines * math.exp(-(apart**2) / (2 * _SIGMA**2))
    return 10 * total / (ORDERS * len(references))
