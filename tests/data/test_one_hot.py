"""Labels kept as codes are the one-hot rows that they stand for, bit for bit."""

import numpy as np
import pytest
import torch

from mibsk import CanonicalBottleneck, IBAligner
from mibsk.data import InputSpec, digest
from mibsk.data._one_hot import OneHot
from mibsk.data._rows import make_rows
from mibsk.encoders import learn_scaling
from mibsk.exceptions import DuplicateRowsWarning

rng = np.random.default_rng(0)
LABELS = [f"class {i}" for i in rng.integers(0, 7, 60)]
CLASSES = sorted(set(LABELS))
ROWS = np.array([[label == known for known in CLASSES] for label in LABELS], np.float32)
SPEC, HELD = InputSpec.learn("y", LABELS, labels=True)


def test_it_reads_like_the_array():
    assert isinstance(HELD, OneHot)
    assert HELD.shape == ROWS.shape
    assert (HELD.ndim, HELD.size, HELD.dtype) == (ROWS.ndim, ROWS.size, ROWS.dtype)
    assert len(HELD) == len(ROWS)
    for rows in (slice(None), slice(3, 9), slice(0, 0), np.array([5, 5, 2]), ROWS[:, 0] > 0):
        found = HELD[rows]
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, ROWS[rows])
    np.testing.assert_array_equal(SPEC.prepare(LABELS), ROWS)


def test_batches_scaling_and_digest_are_those_of_the_array(monkeypatch):
    indices = torch.tensor([4, 0, 4, 59])
    cpu = torch.device("cpu")
    batch = make_rows(HELD, cpu).take(indices)
    assert batch.dtype == torch.float32
    assert torch.equal(batch, make_rows(ROWS, cpu).take(indices))
    assert digest({"y": HELD}) == digest({"y": ROWS})
    for values in (2**18, 64):  # one chunk, and several
        monkeypatch.setattr("mibsk.encoders._scaling.CHUNK_VALUES", values)
        for how in ("auto", "columns", "modality"):
            one, other = learn_scaling(HELD, how), learn_scaling(ROWS, how)
            assert torch.equal(one.mean, other.mean)
            assert torch.equal(one.scale, other.scale)


@pytest.mark.filterwarnings("ignore", category=DuplicateRowsWarning)
@pytest.mark.parametrize("encoders", ["network", "auto"])
def test_the_same_model_as_of_one_hot_rows(encoders):
    X = ROWS @ rng.normal(size=(7, 5)) + 0.1 * rng.normal(size=(60, 5))
    aligner = IBAligner(encoders=encoders, n_components=4, max_epochs=2, random_state=0)
    expected = aligner.fit({"x": X, "y": ROWS}).embed({"x": X, "y": ROWS})
    found = aligner.fit(X, LABELS).embed(X, LABELS)
    for name, z in expected.items():
        np.testing.assert_array_equal(found[name], z)
    further = aligner.partial_fit(X, LABELS).embed(X, LABELS)
    assert not np.array_equal(further["y"], found["y"])


def test_predicted_labels_are_those_of_the_whole_prediction(monkeypatch):
    X = ROWS @ rng.normal(size=(7, 5)) + 0.1 * rng.normal(size=(60, 5))
    bottleneck = CanonicalBottleneck().fit(X, LABELS)
    codes = bottleneck.predict_modality("y", X).argmax(axis=1)
    monkeypatch.setattr("mibsk._checks.blocks.TILE_SIZE", 100)
    np.testing.assert_array_equal(bottleneck.predict(X), np.array(CLASSES)[codes])
    assert bottleneck.predict(X[:0]).shape == (0,)
