"""Strings as rows of token ids."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks.packages import import_tokenizers

NO_TOKEN = -1
"""Id in the places after the last token of a text."""


def token_ids(texts: Sequence[str], tokenizer: str) -> NDArray[np.float32]:
    """Return strings as rows of token ids, which float32 holds exactly up to 16,777,216.

    Parameters
    ----------
    texts : sequence of str
        n strings.
    tokenizer : str
        A tokenizer of the package tokenizers as JSON, with the length at which it truncates.

    Returns
    -------
    ndarray of float32 (n, length)
        Ids, -1 after the last token of a text.

    Raises
    ------
    UnicodeEncodeError
        If a string is not valid Unicode.
    NotInstalledError
        If tokenizers is not installed.
    """
    encode = _tokenizer(tokenizer)
    rows = np.full((len(texts), tokenizer_length(tokenizer)), NO_TOKEN, np.float32)
    for text in texts:
        text.encode()  # the tokenizer gives no clear error
    for row, encoding in zip(rows, encode.encode_batch_fast(list(texts)), strict=True):
        row[: len(encoding.ids)] = encoding.ids
    return rows


def tokenizer_length(tokenizer: str) -> int:
    """Return the number of tokens at which a tokenizer (JSON) truncates."""
    length: int = _tokenizer(tokenizer).truncation["max_length"]
    return length


def vocabulary_size(tokenizer: str) -> int:
    """Return the number of different tokens of a tokenizer (JSON)."""
    size: int = _tokenizer(tokenizer).get_vocab_size()
    return size


@lru_cache(maxsize=8)
def _tokenizer(tokenizer: str) -> Any:
    tokenizers = import_tokenizers("to read text for a pretrained tower")
    return tokenizers.Tokenizer.from_str(tokenizer)
