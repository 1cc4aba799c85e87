"""Rows that occur more than once are negatives of each other: a warning says so."""

import warnings

import numpy as np
import pytest

from mibsk import ClassPairs, Modalities
from mibsk.exceptions import DuplicateRowsWarning

from .common import CUT


@pytest.fixture
def doubled(views):
    """Rows 3 and 40 of one modality are the same."""
    image = views["image"].copy()
    image[40] = image[3]
    return Modalities({"audio": views["audio"], "image": image})


@pytest.mark.parametrize("form", ["mapping", "table", "pair"])
def test_warns_once_and_trains(doubled, quick, form):
    table = np.hstack([doubled["audio"], doubled["image"]])
    args, name = {
        "mapping": ((doubled,), "image"),
        "table": ((table,), "image"),
        "pair": ((doubled["audio"], doubled["image"]), "y"),
    }[form]
    message = f"modality '{name}': 2 of 48 rows occur more than once .first: rows 3 and 40."
    with pytest.warns(DuplicateRowsWarning, match=message) as caught:
        aligner = quick(CUT if form == "table" else None).fit(*args)
    assert len(caught) == 1
    assert aligner.n_iter_ == 2


def test_counts_false_negatives_per_batch(doubled, quick):
    """One pair of 48 * 47 / 2 is equal, and each of 16 rows meets 15 others."""
    with pytest.warns(DuplicateRowsWarning, match="0.013 false negatives per pair and batch"):
        quick(batch_size=16).fit(doubled)
    with pytest.warns(DuplicateRowsWarning, match="0.042 false negatives"):
        quick(batch_size=-1).fit(doubled)


def test_can_be_silenced(doubled, quick):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DuplicateRowsWarning)
        quick().fit(doubled)


def test_classes_are_meant_to_repeat(doubled, quick):
    labels = np.arange(48) % 3
    quick().fit(doubled["audio"], labels)
    quick().fit(ClassPairs({name: (X, labels) for name, X in doubled.items()}, random_state=0))


def test_once_is_enough(doubled, quick):
    with pytest.warns(DuplicateRowsWarning):
        aligner = quick(warm_start=True).fit(doubled)
    aligner.fit(doubled).partial_fit(doubled)
