"""The probe with a hidden layer: what it finds, beside the linear one and scikit-learn's."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier, MLPRegressor

from mibsk.metrics import probe_information
from mibsk.metrics.probes import _networks as _mlp


def draw(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, 8))
    factors = {
        "xor": Z[:, 0] * Z[:, 1] > 0,
        "shell": np.digitize(np.linalg.norm(Z[:, :3], axis=1), [1, 1.5, 2, 2.5]),
        "linear": (Z @ rng.standard_normal((8, 5)) + rng.gumbel(size=(n, 5))).argmax(axis=1),
        "chance": rng.integers(0, 6, n),
        "square": Z[:, 0] ** 2 + 0.3 * rng.standard_normal(n),
        "slope": Z[:, 0] + Z[:, 1] + rng.standard_normal(n),
    }
    return Z, pd.DataFrame(factors)


def read(Z, labels, n_train=1500, **options):
    held_out = {"Z_test": Z[n_train:], "labels_test": labels[n_train:]}
    return probe_information(Z[:n_train], labels[:n_train], **held_out, **options)["fraction"]


@pytest.fixture(scope="module")
def found():
    """Return representations, factors, and what an MLP reads of them."""
    Z, labels = draw()
    return Z, labels, read(Z, labels, probe="mlp")


def test_finds_what_no_linear_probe_does_and_all_that_one_does(found):
    Z, labels, mlp = found
    linear = read(Z, labels)
    curved = ["xor", "shell", "square"]
    assert (linear[curved] < 0.03).all()
    assert (mlp[curved] > 0.75).all()
    assert (mlp > linear - 0.01).all()
    assert mlp["chance"] < 0.01


def test_not_worse_than_scikit_learn(found):
    Z, labels, mlp = found
    options = {"hidden_layer_sizes": (64,), "early_stopping": True, "random_state": 0}
    for name, column in labels.items():
        train, test = column[:1500], column[1500:]
        if name in ("square", "slope"):
            model = MLPRegressor(max_iter=500, **options).fit(Z[:1500], train)
            theirs = model.score(Z[1500:], test)
        else:
            model = MLPClassifier(max_iter=500, **options).fit(Z[:1500], train)
            loss = log_loss(test, model.predict_proba(Z[1500:]), labels=model.classes_)
            theirs = 1 - loss / entropy(test.value_counts())
        assert mlp[name] > theirs - 0.02


def test_each_factor_is_fitted_as_if_alone():
    Z, labels = draw(n=600)
    together = read(Z, labels[["xor", "shell", "square"]], 450, probe="mlp")
    for name in together.index:
        alone = read(Z, labels[[name]], 450, probe="mlp")
        assert alone[name] == pytest.approx(together[name], abs=0.02)


def test_the_seed_decides(monkeypatch):
    monkeypatch.setattr(_mlp, "MAX_ROUNDS", 30)
    Z, labels = draw(n=400)
    xor = labels[["xor"]]
    first, again, other = (read(Z, xor, 300, probe="mlp", random_state=s) for s in (0, 0, 1))
    assert first["xor"] == again["xor"] != other["xor"]
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    read(Z, xor, 300, probe="mlp", random_state=None)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_few_rows_many_columns_and_rare_classes():
    Z, _ = draw(n=40)
    rare = np.r_[np.arange(12), np.arange(28) % 2]
    for X in (Z[:, :2], np.tile(Z, 10), np.ones((40, 3))):
        found = probe_information(X, rare, Z_test=X[:20], labels_test=rare[:20], probe="mlp")
        assert np.isfinite(found.to_numpy()).all()
    tiny = probe_information(
        Z[:2], [0, 1], Z_test=Z[:2], labels_test=[0, 1], probe="mlp"
    )  # nothing can be held out
    assert np.isfinite(tiny.to_numpy()).all()
