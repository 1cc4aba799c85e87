"""Arithmetic with pictures and words: a scene minus "red" plus "blue" is looked for in others."""

from __future__ import annotations

import pandas as pd

from mibsk import QFormerCaptioner
from mibsk.datasets import scene_analogies
from mibsk.metrics import analogy_recall

from .captions_data import Part


def arithmetic(captioner: QFormerCaptioner, test: Part) -> pd.DataFrame:
    """Score all analogies of the test pictures, as :func:`mibsk.metrics.analogy_recall` does.

    The words are embedded as captions of a single word. A picture is right if it shows the same
    scene with the changed size, colour or shape; see :func:`mibsk.datasets.scene_analogies`.

    Returns
    -------
    DataFrame
        One row for each score of ``arithmetic``, of the ``picture`` alone and of the ``word``
        alone.
    """
    analogies = scene_analogies(test.pictures)
    words = sorted({*analogies.minus, *analogies.plus})
    Z, Z_word = captioner.transform(test.features, words)
    minus, plus = (
        Z_word[[words.index(word) for word in of_analogies]]
        for of_analogies in (analogies.minus, analogies.plus)
    )
    return analogy_recall(Z, analogies.query, minus, plus, analogies.is_right)
