"""Tokens of captions: word pieces that are learned from the captions of the training."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np

from .._checks.packages import import_tokenizers
from .._checks.parameters import check_scalar

PADDING, BEGIN, END, UNKNOWN = range(4)
_SPECIAL = ["[PAD]", "[BEGIN]", "[END]", "[UNK]"]
_LONGEST_WORD = 100  # characters; a longer word is unknown


class CaptionTokenizer:
    """Word pieces [1]_ in lower case, learned from captions; nothing is downloaded.

    Text is split at spaces and punctuation, and each word into the longest pieces that are known.
    A caption becomes ``BEGIN``, its pieces, and ``END``; padding is 0.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        As :meth:`learn` and :meth:`from_json` return it.

    References
    ----------
    .. [1] Schuster and Nakajima, "Japanese and Korean Voice Search", ICASSP 2012.

    Examples
    --------
    >>> from mibsk.captioning import CaptionTokenizer
    >>> tokenizer = CaptionTokenizer.learn(["a red cat", "two red cats"], n_tokens=50)
    >>> tokens = tokenizer.encode(["A red cat", "cats"], max_length=8)
    >>> tokens.shape[0], tokenizer.decode(tokens)
    (2, ['a red cat', 'cats'])
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    @classmethod
    def learn(cls, captions: Iterable[str], *, n_tokens: int = 8000, min_count: int = 2) -> Self:
        """Learn the pieces of captions.

        Parameters
        ----------
        captions : iterable of str
            Texts in any order; the pieces do not depend on it.
        n_tokens : int, default=8000
            Largest size of the vocabulary, four special tokens included; all characters are in
            it, even if they are more.
        min_count : int, default=2
            Pairs of pieces that occur less often are not joined.

        Raises
        ------
        ValueError
            If there is no word in the captions.
        NotInstalledError
            If tokenizers is not installed.
        """
        tokenizers = import_tokenizers("for captions")
        check_scalar("n_tokens", n_tokens, low=len(_SPECIAL) + 1, integer=True)
        check_scalar("min_count", min_count, low=1, integer=True)
        captions = sorted(captions)
        draft = _with_pieces({name: i for i, name in enumerate(_SPECIAL)})
        # the trainer numbers continued characters in a random order, unless they are there before
        continued = sorted(
            {f"##{c}" for text in captions for word in _words(draft, text) for c in word}
        )
        trainer = tokenizers.trainers.WordPieceTrainer(
            vocab_size=n_tokens,
            min_frequency=min_count,
            special_tokens=[*_SPECIAL, *continued],
            show_progress=False,
        )
        draft.train_from_iterator(captions, trainer)
        if not continued:
            raise ValueError("the captions have no word to learn from: pass captions with words.")
        return cls(_with_pieces(draft.get_vocab(with_added_tokens=False)))

    @property
    def n_tokens(self) -> int:
        """Size of the vocabulary."""
        return int(self._tokenizer.get_vocab_size())

    def encode(self, captions: Sequence[str], *, max_length: int, pad: bool = False) -> np.ndarray:
        """Return the tokens of captions, of which the first `max_length` - 2 pieces are kept.

        Returns
        -------
        ndarray of int64 (n, length)
            With the length of the longest, at most `max_length`, or with `pad` of that length.
        """
        found = self._tokenizer.encode_batch(list(captions), add_special_tokens=False)
        rows = [[BEGIN, *each.ids[: max_length - 2], END] for each in found]
        length = max_length if pad else max(map(len, rows), default=0)
        tokens = np.zeros((len(rows), length), np.int64)
        for row, ids in zip(tokens, rows, strict=True):
            row[: len(ids)] = ids
        return tokens

    def decode(self, tokens: np.ndarray) -> list[str]:
        """Return the texts of tokens (n, length), up to the first ``END``."""
        rows = []
        for row in np.asarray(tokens):
            ends = np.flatnonzero(row == END)
            rows.append([int(t) for t in row[: ends[0] if len(ends) else None] if t > END])
        texts: list[str] = self._tokenizer.decode_batch(rows, skip_special_tokens=False)
        return texts

    def to_json(self) -> str:
        """Return all that :meth:`from_json` needs."""
        return json.dumps(json.loads(self._tokenizer.to_str()), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the tokenizer that :meth:`to_json` wrote.

        Raises
        ------
        ValueError
            If the text is not one.
        NotInstalledError
            If tokenizers is not installed.
        """
        tokenizers = import_tokenizers("for captions")
        try:
            return cls(tokenizers.Tokenizer.from_str(text))
        except Exception as error:  # of no narrower type
            raise ValueError(f"the text is not that of a tokenizer: {error}.") from error


def _with_pieces(vocabulary: dict[str, int]) -> Any:
    """Return a tokenizer with these pieces."""
    tokenizers = import_tokenizers("for captions")
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordPiece(
            vocabulary, unk_token=_SPECIAL[UNKNOWN], max_input_chars_per_word=_LONGEST_WORD
        )
    )
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(
        lowercase=True, strip_accents=False
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = tokenizers.decoders.WordPiece(cleanup=True)
    return tokenizer


def _words(tokenizer: Any, text: str) -> list[str]:
    normal = tokenizer.normalizer.normalize_str(text)
    return [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal)]
