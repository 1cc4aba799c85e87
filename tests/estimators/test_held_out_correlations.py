"""Correlations on pairs that the networks have not seen, and the warning if none is real."""

import copy
import warnings

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from mibsk import IBAligner
from mibsk.canonical import Canonical
from mibsk.datasets import load_digits_halves
from mibsk.encoders import MLP
from mibsk.exceptions import NothingSharedWarning
from mibsk.training import _stages

COLUMNS = ["train", "cross_fitted", "held_out", "low", "high", "kept"]


def new(**params):
    return IBAligner(**{"n_components": 8, "max_epochs": 20, "random_state": 0, **params})


def noise(n=200, seed=0):
    rng = np.random.default_rng(seed)
    return {"a": rng.standard_normal((n, 10)), "b": rng.standard_normal((n, 5))}


def halves(n=400):
    return {name: X[:n] for name, X in load_digits_halves().data.items()}


class Copies(Callback):
    """Copies of the networks after each epoch, with the rows of its training batches."""

    def __init__(self):
        self.modules, self.seen = {}, {}

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        if training:
            self.seen.setdefault(len(net.history), []).append(batch["left"])

    def on_epoch_end(self, net, **kwargs):
        self.modules[len(net.history)] = copy.deepcopy(net.module_).eval()


@pytest.fixture(scope="module")
def followed():
    """An aligner, and what its callback saw."""
    copies = Copies()
    return new(callbacks=[copies], bottleneck=Canonical(ridge=0.1)).fit(halves()), copies


def canonical_correlations(Z, W, ridge):
    """Return directions by the textbook: a singular value decomposition of whitened rows."""
    maps = []
    for X in (Z, W):
        values, vectors = np.linalg.eigh(np.cov(X.T, bias=True))
        kept = values > 1e-12 * values[-1]
        values, vectors = values[kept], vectors[:, kept]
        maps.append(vectors / np.sqrt(values + ridge * values.mean()))
    K = maps[0].T @ np.cov(Z.T, W.T, bias=True)[: Z.shape[1], Z.shape[1] :] @ maps[1]
    left, _, right = np.linalg.svd(K)
    return maps[0] @ left, maps[1] @ right.T


def test_are_those_of_the_pairs_held_out_when_the_first_half_ends(followed):
    aligner, copies = followed
    table = aligner.correlations_
    assert list(table.columns) == COLUMNS
    X = {name: torch.as_tensor(rows, dtype=torch.float32) for name, rows in halves().items()}
    trained = {row.numpy().tobytes() for k in range(1, 11) for b in copies.seen[k] for row in b}
    unseen = np.array([row.numpy().tobytes() not in trained for row in X["left"]])
    assert unseen.sum() == 100
    module = copies.modules[10]
    with torch.inference_mode():
        z, w = (module.encoder(name).distribution(X[name])[0].double().numpy() for name in X)
    A, B = canonical_correlations(z[~unseen], w[~unseen], 0.1)
    u, v = z[unseen] @ A, w[unseen] @ B
    expected = [np.corrcoef(u[:, k], v[:, k])[0, 1] for k in range(3)]
    np.testing.assert_allclose(table["held_out"][:3], expected, atol=1e-4)


def test_are_below_those_of_the_training_pairs(followed):
    table = followed[0].correlations_
    assert (table["low"] <= table["held_out"]).all()
    assert (table["held_out"] <= table["high"]).all()
    assert (table["held_out"] < table["cross_fitted"]).mean() > 0.8
    assert table["low"][0] > 0.3


def test_the_embeddings_do_not_depend_on_them(monkeypatch):
    expected = new(max_epochs=4).fit(halves())
    whole = _stages.fit_bottleneck

    def without(settings, module, source, held_out, *rest):
        return whole(settings, module, source, None, *rest)

    monkeypatch.setattr(_stages, "fit_bottleneck", without)
    found = new(max_epochs=4).fit(halves())
    assert "held_out" not in found.correlations_
    np.testing.assert_array_equal(found.transform(halves()), expected.transform(halves()))


def test_noise_is_told():
    data = noise()
    with pytest.warns(
        NothingSharedWarning, match=r"held-out pairs: the first .* \[-0\.\d+, 0\.\d+\]"
    ):
        aligner = new(n_components=64, max_epochs="auto").fit(data)
    table = aligner.correlations_
    assert table["cross_fitted"][0] > 0.8  # the pairs are learned by heart
    assert table["low"][0] < 0 < table["high"][0]
    assert abs(table["held_out"].mean()) < 0.15


def test_noise_is_told_where_the_closed_form_stands_alone():
    told = 0
    for seed in range(6):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            aligner = new(max_epochs=2).fit(noise(60, seed))
        if aligner.closed_form_.is_alone:
            assert list(aligner.correlations_.columns) == [c for c in COLUMNS if c != "held_out"]
            told += aligner.correlations_["low"][0] <= 0
            assert bool(caught) == (aligner.correlations_["low"][0] <= 0)
    assert told


@pytest.mark.parametrize(
    "params", [{"early_stopping": True}, {"bottleneck": Canonical(hold_out=True)}]
)
def test_pairs_held_out_throughout_measure_named_encoders_too(params):
    with pytest.warns(NothingSharedWarning):
        new(encoders=MLP((16,)), validation_fraction=0.25, **params).fit(noise())
    aligner = new(encoders=MLP((16,)), validation_fraction=0.25, **params).fit(halves())
    table = aligner.correlations_
    assert "held_out" in table
    assert table["low"][0] > 0


def test_nothing_is_said_of_what_was_not_measured():
    """Named encoders hold out none, fewer than 20 pairs are too few, a warm start has seen them."""
    assert "held_out" not in new(encoders="network", max_epochs=2).fit(noise()).correlations_
    assert "held_out" not in new(max_epochs=2).fit(noise(16)).correlations_
    with pytest.warns(NothingSharedWarning):
        aligner = new(max_epochs=2, warm_start=True).fit(noise())
    again = aligner.fit(noise())
    if not again.closed_form_.is_alone:
        assert "held_out" not in again.correlations_


def test_a_resumed_training_knows_them(tmp_path):
    class Stop(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 15:
                raise RuntimeError("power failure")

    whole = new().fit(halves())
    with pytest.raises(RuntimeError, match="power failure"):
        new(checkpoint=tmp_path, callbacks=[Stop()]).fit(halves())
    resumed = new(checkpoint=tmp_path).fit(halves())
    np.testing.assert_array_equal(resumed.transform(halves()), whole.transform(halves()))
    assert resumed.correlations_.equals(whole.correlations_)
    whole.save(tmp_path / "model")
    assert IBAligner.load(tmp_path / "model").correlations_.equals(whole.correlations_)
