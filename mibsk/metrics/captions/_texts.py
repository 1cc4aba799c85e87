"""Tokens and n-grams of captions and their references."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..._checks.ordered import as_ordered

Tokenizer = Callable[[str], Sequence[str]]
Texts = Sequence[Sequence[str]]  # the tokens of each
NGrams = Counter[tuple[str, ...]]

ORDERS = 4  # n-grams of 1 to 4 tokens

_WORD = re.compile(r"\w+(?:[-'’]\w+)*")


def caption_tokens(text: str) -> list[str]:
    """Return the words of a caption in lower case, without punctuation.

    Published scores were computed with the Penn Treebank tokenizer, which also splits contractions
    ("don't" into "do" and "n't") and possessives.

    Parameters
    ----------
    text : str
        A caption.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from mibsk.metrics import caption_tokens
    >>> caption_tokens("A well-known man's hat, outdoors.")
    ['a', 'well-known', "man's", 'hat', 'outdoors']
    """
    return _WORD.findall(text.lower())


def tokens_of(
    captions: Any, references: Any, tokenizer: Tokenizer
) -> tuple[list[Sequence[str]], list[list[Sequence[str]]]]:
    """Return the tokens of each caption, and of each of its references.

    Raises
    ------
    TypeError
        If a caption or a reference is not a string.
    ValueError
        If there are no captions, the numbers differ, or a caption has no reference.
    """
    if isinstance(captions, str) or isinstance(references, str):
        raise TypeError("captions and references must be lists of strings, got a single string.")
    captions = list(as_ordered(captions, "captions"))
    references = as_ordered(references, "references")
    references = [_texts(each, i) for i, each in enumerate(references)]
    if len(captions) != len(references) or not captions:
        raise ValueError(
            f"each caption needs its references, got {len(captions)} captions and references of "
            f"{len(references)}."
        )
    for i, text in enumerate(captions):
        if not isinstance(text, str):
            raise TypeError(f"caption {i} must be a string, got {type(text).__name__}.")
    found = [tokenizer(text) for text in captions]
    return found, [[tokenizer(text) for text in texts] for texts in references]


def ngrams(tokens: Sequence[str]) -> NGrams:
    """Return how often each n-gram of 1 to 4 tokens occurs."""
    return Counter(_windows(tuple(tokens)))


def _windows(tokens: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for n in range(1, ORDERS + 1):
        for start in range(len(tokens) - n + 1):
            yield tokens[start : start + n]


def _texts(references: Any, row: int) -> list[str]:
    """Return the references of one caption: a string, or several."""
    texts = (
        [references]
        if isinstance(references, str)
        else as_ordered(references, f"references of caption {row}")
    )
    texts = list(texts)
    if not texts:
        raise ValueError(f"caption {row} has no reference: leave the row out of both lists.")
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(
                f"references of caption {row} must be strings, got {type(text).__name__}."
            )
    return texts
