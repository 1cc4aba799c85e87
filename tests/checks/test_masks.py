"""Masked values are never read: rows that are masked in part, labels and weights are refused."""

import numpy as np
import pytest
import torch

from mibsk import CanonicalBottleneck, ClassPairs, IBAligner, Modalities, metrics
from mibsk._checks.masks import check_unmasked
from mibsk.data import InputSpec
from mibsk.reporting import measure

rng = np.random.default_rng(0)
A, B = rng.normal(size=(20, 5)), rng.normal(size=(20, 5))
CLASSES = np.arange(20) % 2


def masked(X):
    """Return `X` with a masked entry, behind which is a number."""
    hidden = np.ma.masked_array(X, copy=True)
    entry = (3, 1) if X.ndim > 1 else 3
    hidden[entry] = np.ma.masked
    hidden.data[entry] = 1
    return hidden


class Items(torch.utils.data.Dataset):
    def __init__(self, B):
        self.items = [{"a": a, "b": b} for a, b in zip(A, B, strict=True)]

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


@pytest.fixture(scope="module")
def aligner():
    pairs = {"a": A, "b": A + 0.1 * B}
    return IBAligner(n_components=2, max_epochs=1, random_state=0).fit(pairs)


@pytest.fixture(scope="module")
def bottleneck():
    return CanonicalBottleneck().fit({"a": A, "b": A + 0.1 * B})


ROWS = {
    "fit": lambda aligner, _, B: aligner.fit({"a": A, "b": B}),
    "fit, list": lambda aligner, _, B: aligner.fit({"a": A, "b": list(B)}),
    "fit, two tables": lambda aligner, _, B: aligner.fit(A, B),
    "fit, Dataset": lambda aligner, _, B: aligner.fit(Items(B)),
    "partial_fit": lambda aligner, _, B: aligner.partial_fit({"a": A, "b": B}),
    "embed": lambda aligner, _, B: aligner.embed({"b": B}),
    "embed, list": lambda aligner, _, B: aligner.embed({"b": list(B)}),
    "embed, Dataset": lambda aligner, _, B: aligner.embed(Items(B)),
    "score": lambda aligner, _, B: aligner.score({"a": A, "b": B}),
    "encoder": lambda aligner, _, B: aligner.encoder("b").transform(B),
    "canonical fit": lambda _, bottleneck, B: bottleneck.fit({"a": A, "b": B}),
    "canonical partial_fit": lambda _, bottleneck, B: bottleneck.partial_fit({"a": A, "b": B}),
    "canonical embed": lambda _, bottleneck, B: bottleneck.embed({"b": B}),
    "canonical predict": lambda _, bottleneck, B: bottleneck.predict({"b": B}),
    "canonical split": lambda _, bottleneck, B: bottleneck.split({"b": B}),
    "Modalities": lambda *_, B: Modalities({"a": A, "b": B}),
    "ClassPairs": lambda *_, B: ClassPairs({"a": (A, CLASSES), "b": (B, CLASSES)}),
}


@pytest.mark.parametrize("entry", ROWS)
def test_rows(entry, aligner, bottleneck):
    before = aligner.embed({"b": B})["b"]
    with pytest.raises(ValueError, match=r"modality '[by]' has masked values"):
        ROWS[entry](aligner, bottleneck, B=masked(B))
    np.testing.assert_array_equal(aligner.embed({"b": B})["b"], before)


LABELS = {
    "fit": lambda y: IBAligner(max_epochs=1).fit(A, y),
    "canonical fit": lambda y: CanonicalBottleneck().fit(A, y),
    "ClassPairs": lambda y: ClassPairs({"a": (A, CLASSES), "b": (B, y)}),
    "leakage": lambda y: metrics.leakage(A, y),
    "leakage, list": lambda y: metrics.leakage(A, list(y)),
    "leakage, factors": lambda y: metrics.leakage(A, {"digit": y}),
    "probe": lambda y: metrics.probe_information(A, CLASSES, Z_test=A, labels_test=y),
    "recall": lambda y: metrics.recall_at_k(A, B, labels=(CLASSES, y)),
    "average precision": lambda y: metrics.mean_average_precision(A, B, labels=(y, CLASSES)),
    "measure": lambda y: measure(A, B, y),
}


@pytest.mark.parametrize("entry", LABELS)
def test_labels(entry):
    with pytest.raises(ValueError, match="has masked values: fill them, or drop those rows"):
        LABELS[entry](masked(CLASSES))


def test_weights(aligner):
    for weighted in (
        lambda w: metrics.recall_at_k(A, B, sample_weight=w),
        lambda w: aligner.score({"a": A, "b": B}, sample_weight=w),
    ):
        with pytest.raises(ValueError, match="sample_weight has masked values"):
            weighted(masked(np.ones(20)))


def test_a_mask_that_hides_nothing_changes_nothing(aligner):
    plain, y, w = np.ma.masked_array(B), np.ma.masked_array(CLASSES), np.ma.arange(1.0, 21)
    np.testing.assert_array_equal(aligner.embed({"b": plain})["b"], aligner.embed({"b": B})["b"])
    assert metrics.leakage(plain, y) == metrics.leakage(B, CLASSES)
    weighted = metrics.recall_at_k(A, B, sample_weight=w)
    assert weighted == metrics.recall_at_k(A, B, sample_weight=np.arange(1.0, 21))
    assert InputSpec.learn("b", plain)[0] == InputSpec.learn("b", B)[0]


def test_other_input_passes():
    for X in (None, 3, [1, "a"], [], A, [A, B], np.ma.masked_array([1, 2]), {"a": A}):
        check_unmasked("X", X)
