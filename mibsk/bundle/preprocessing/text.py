"""Text as the input of an encoder exported by mibsk: hashed character n-grams.

Each word, in lower case and with a space on both sides, gives its 2-, 3- and 4-grams of characters.
An n-gram is hashed (MurmurHash3, 32 bits, of its UTF-8 bytes) to one of 2^15 columns and to a sign.
The values of a row are the sums of signs by column, scaled to unit norm.

It uses nothing but the standard library.
"""

import math

N_COLUMNS = 2**15
SHORTEST, LONGEST = 2, 4


def hashed_ngrams(text: str) -> tuple[list[int], list[float]]:
    """Return the row of a text: ``indices`` and ``values`` of an encoder, for a batch of one.

    Parameters
    ----------
    text : str
        Any text that is valid Unicode.

    Returns
    -------
    indices, values : list of int, list of float
        Columns in ascending order, and their values, to be rounded to float32. A text without
        words has one column 0 of value 0, because an encoder needs one column.

    Raises
    ------
    UnicodeEncodeError
        If the text has a half of a surrogate pair.

    Examples
    --------
    >>> hashed_ngrams("a")
    ([6977, 9144, 26423], [-0.5773502691896258, -0.5773502691896258, 0.5773502691896258])
    """
    sums: dict[int, int] = {}
    for word in text.lower().split():
        word = f" {word} "
        for n in range(SHORTEST, LONGEST + 1):
            for start in range(len(word) - n + 1):
                hashed = murmur_hash_3(word[start : start + n].encode())
                column = abs(hashed) % N_COLUMNS
                sums[column] = sums.get(column, 0) + (1 if hashed >= 0 else -1)
    columns = sorted(sums) or [0]
    norm = math.sqrt(sum(value * value for value in sums.values())) or 1.0
    return columns, [sums.get(column, 0) / norm for column in columns]


def murmur_hash_3(data: bytes, mask: int = 0xFFFFFFFF) -> int:
    """Return the signed 32-bit MurmurHash3 of bytes, with seed 0."""

    def mixed(k: int) -> int:
        k = k * 0xCC9E2D51 & mask
        return (k << 15 | k >> 17) * 0x1B873593 & mask

    h, rest = 0, len(data) % 4
    for i in range(0, len(data) - rest, 4):
        h ^= mixed(int.from_bytes(data[i : i + 4], "little"))
        h = (h << 13 | h >> 19) * 5 + 0xE6546B64 & mask
    h ^= mixed(int.from_bytes(data[len(data) - rest :], "little"))
    h ^= len(data)
    h = (h ^ h >> 16) * 0x85EBCA6B & mask
    h = (h ^ h >> 13) * 0xC2B2AE35 & mask
    h ^= h >> 16
    return h - 2**32 if h >= 2**31 else h
