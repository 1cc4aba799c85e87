"""Encoders that are built together: shared weights, losses of their own, files."""

import pickle

import numpy as np
import pytest
import torch

from mibsk import IBAligner
from mibsk.encoders import JointEncoders

ROWS = np.random.default_rng(0).normal(size=(120, 6)).astype(np.float32)
X = {"left": ROWS, "right": ROWS[:, ::-1] + np.float32(0.1)}


class OneNetwork(JointEncoders):
    """Both modalities are read by one network; a loss pulls its output to a target."""

    def __init__(self, weight=0.0):
        self.weight = weight

    def __call__(self, input_shapes, n_outputs):
        (shape,) = set(input_shapes.values())
        network = torch.nn.Sequential(torch.nn.Linear(shape[0], 8), torch.nn.Linear(8, n_outputs))
        return dict.fromkeys(input_shapes, network)

    def terms(self):
        return {"size": self.size} if self.weight else {}

    def size(self, modules, rows, embeddings):
        assert embeddings["left"].shape == (len(rows["left"]), 4)
        return self.weight * modules["left"](rows["left"]).square().mean()


def fitted(weight=0.0, **params):
    defaults = {"n_components": 4, "max_epochs": 3, "batch_size": 40, "random_state": 0}
    return IBAligner(encoders=OneNetwork(weight), **defaults | params).fit(X)


def test_weights_are_shared_and_trained_once():
    aligner = fitted(bottleneck=None)
    left, right = (aligner.module_.encoder(name).backbone for name in X)
    assert left is right
    assert len(list(aligner.module_.parameters())) == 4 + 1  # and the temperature
    swapped = aligner.embed({"left": X["right"], "right": X["left"]})
    np.testing.assert_array_equal(swapped["left"], aligner.embed(X)["right"])


def test_losses_of_the_encoders_are_parts_of_the_loss():
    aligner = fitted(0.5)
    assert aligner.loss_terms_ == ["sufficiency", "minimality", "size"]
    for epoch in aligner.history_:
        parts = sum(epoch[f"train_{name}"] for name in aligner.loss_terms_)
        assert epoch["train_loss"] == pytest.approx(parts, rel=1e-6)
    pulled = fitted(50.0, max_epochs=20).history_
    assert pulled[-1]["train_size"] < 0.5 * pulled[0]["train_size"]


def test_a_fit_is_reproducible_and_stored(tmp_path):
    aligner = fitted(0.5)
    Z = aligner.embed(X)
    np.testing.assert_array_equal(fitted(0.5).embed(X)["left"], Z["left"])
    aligner.save(tmp_path / "model")
    loaded = IBAligner.load(tmp_path / "model", encoders=OneNetwork(0.5))
    np.testing.assert_array_equal(loaded.embed(X)["right"], Z["right"])
    left, right = (loaded.module_.encoder(name).backbone for name in X)
    assert left is right
    again = pickle.loads(pickle.dumps(aligner))
    np.testing.assert_array_equal(again.embed(X)["right"], Z["right"])
    left, right = (again.module_.encoder(name).backbone for name in X)
    assert left is right


def test_training_goes_on_after_an_interruption(tmp_path):
    whole = fitted(0.5, max_epochs=4)
    fitted(0.5, max_epochs=2, checkpoint=tmp_path)
    resumed = fitted(0.5, max_epochs=4, checkpoint=tmp_path)
    np.testing.assert_array_equal(resumed.embed(X)["left"], whole.embed(X)["left"])


def test_a_part_can_be_monitored():
    stopped = fitted(0.5, early_stopping=True)
    assert "valid_size" in stopped.history_[0]


class Incomplete(JointEncoders):
    def __call__(self, input_shapes, n_outputs):
        return {"left": torch.nn.Linear(6, n_outputs)}


class Taken(OneNetwork):
    def terms(self):
        return {"sufficiency": self.size}


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"encoders": Incomplete()}, TypeError, r"a module for each of \['left', 'right'\]"),
        ({"encoders": Taken(1)}, ValueError, "a term 'sufficiency': choose another name"),
        ({"encoders": OneNetwork(1), "chunk_size": 10}, ValueError, "set chunk_size=None"),
    ],
)
def test_what_does_not_fit_together_is_refused(params, error, message):
    with pytest.raises(error, match=message):
        IBAligner(**params, max_epochs=1).fit(X)


def test_sparse_rows_are_refused():
    words = {"left": [f"word {i}" for i in range(20)], "right": ROWS[:20]}
    with pytest.raises(ValueError, match="'left' has text rows, which joint encoders do not read"):
        IBAligner(encoders=OneNetwork(), max_epochs=1).fit(words)
