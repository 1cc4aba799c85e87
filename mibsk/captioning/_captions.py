"""Captions as users pass them: one text or several for each picture."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._checks.ordered import as_ordered


class Captions(NamedTuple):
    """Texts, and the number of the picture of each.

    Parameters
    ----------
    texts : list of str (m,)
        All captions, those of the first picture first.
    picture : ndarray of int64 (m,)
        Numbers from 0.
    """

    texts: list[str]
    picture: np.ndarray

    @property
    def by_picture(self) -> list[list[str]]:
        """The captions of each picture, as metrics take them."""
        ends = np.cumsum(np.bincount(self.picture))
        return [self.texts[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def read_captions(captions: Any, n_pictures: int) -> Captions:
    """Return the captions of pictures as one list.

    Parameters
    ----------
    captions : sequence of str, or of sequences of str (n_pictures,)
        One caption or several of each picture; of a table, the columns of its row.
    n_pictures : int
        Number of pictures.

    Raises
    ------
    TypeError
        If captions are not strings.
    ValueError
        If their number is not that of the pictures, a picture has none, or a caption is empty.
    """
    if isinstance(captions, str) or not _is_sequence(captions):
        raise TypeError(
            "captions must be a sequence with a string, or a list of strings, for each picture, "
            f"got {type(captions).__name__}."
        )
    captions = as_ordered(captions, "captions")
    if len(captions) != n_pictures:
        raise ValueError(
            f"each picture needs its captions, got {n_pictures} pictures and {len(captions)} "
            "captions: pass the captions of one picture as a list."
        )
    texts: list[str] = []
    picture: list[int] = []
    for i, given in enumerate(captions):
        each = [given] if isinstance(given, str) else given
        if not _is_sequence(each):
            raise TypeError(
                f"captions of picture {i} must be a string or a list of strings, got {given!r}."
            )
        if not len(each):
            raise ValueError(f"picture {i} has no caption: leave it out.")
        each = as_ordered(each, f"captions of picture {i}")
        check_texts(each, f"of picture {i}")
        texts += map(str, each)
        picture += [i] * len(each)
    return Captions(texts, np.array(picture, np.int64))


def check_texts(texts: Any, where: str = "") -> list[str]:
    """Return texts as a list of strings with something to read in each.

    Raises
    ------
    TypeError
        If one is not a string.
    ValueError
        If one is empty or not valid Unicode.
    """
    if isinstance(texts, str) or not _is_sequence(texts):
        raise TypeError(
            f"captions must be a sequence of strings, got {type(texts).__name__}: pass a single "
            "one as [caption]."
        )
    texts = as_ordered(texts, "captions")
    for i, text in enumerate(texts):
        what = f"caption {i} {where}".rstrip()
        if not isinstance(text, str):
            raise TypeError(f"{what} must be a string, got {text!r}.")
        if not text.strip():
            raise ValueError(f"{what} is empty: leave it out.")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"{what} is not valid Unicode, {text[:50]!r}: read it with errors='replace'."
            ) from error
    return [str(text) for text in texts]


def _is_sequence(rows: Any) -> bool:
    return hasattr(rows, "__len__") and not isinstance(rows, bytes)
