"""Linear probes: converged scikit-learn fits, closed cases, laws, bad input."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from scipy.stats import entropy, ortho_group
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, log_loss, r2_score

from mibsk.metrics import gaussian_mutual_information, probe_information
from mibsk.metrics.probes._damped_whitening import damped_whitening
from mibsk.metrics.probes._multinomial import fit_multinomials

from .draws import seeds

N_TRAIN = 600


def draw(seed=0, n=900, d=12, classes=(2, 3, 7, 12), signal=1.0):
    """Representations in which every factor leaves a trace, correlated and off centre."""
    rng = np.random.default_rng(seed)
    factors = {f"f{c}": rng.integers(0, c, n) for c in classes}
    Z = rng.standard_normal((n, d))
    for codes, c in zip(factors.values(), classes, strict=True):
        Z += signal * rng.standard_normal((c, d))[codes]
    return Z @ rng.standard_normal((d, d)) + 5, pd.DataFrame(factors)


def probe(Z, labels, **options):
    return probe_information(
        Z[:N_TRAIN],
        labels[:N_TRAIN],
        Z_test=Z[N_TRAIN:],
        labels_test=labels[N_TRAIN:],
        **options,
    )


@pytest.mark.parametrize("l2", [1.0, 30.0])
@pytest.mark.parametrize("signal", [0.0, 0.5, 3.0])
def test_equals_converged_scikit_learn(signal, l2):
    Z, labels = draw(signal=signal)
    found = probe(Z, labels, l2=l2)
    mean, components = damped_whitening(Z[:N_TRAIN])
    train, test = (Z[:N_TRAIN] - mean) @ components, (Z[N_TRAIN:] - mean) @ components
    for name, column in labels.items():
        model = LogisticRegression(C=1 / l2, tol=1e-8, max_iter=10_000)
        model.fit(train, column[:N_TRAIN])
        held_out = column[N_TRAIN:]
        loss = log_loss(held_out, model.predict_proba(test), labels=model.classes_)
        assert found.loc[name, "cross_entropy"] == pytest.approx(loss, abs=1e-4)
        accuracy = accuracy_score(held_out, model.predict(test))
        assert found.loc[name, "accuracy"] == pytest.approx(accuracy, abs=1.5 / len(held_out))
        assert found.loc[name, "entropy"] == pytest.approx(entropy(held_out.value_counts()))
        assert found.loc[name, "n_classes"] == column.nunique()


def test_columns_fit_together():
    found = probe(*draw())
    assert list(found.columns) == [
        "entropy",
        "cross_entropy",
        "information",
        "fraction",
        "accuracy",
        "n_classes",
        "l2",
    ]
    assert list(found.index) == ["f2", "f3", "f7", "f12"]
    assert np.allclose(found["information"], found["entropy"] - found["cross_entropy"])
    assert np.allclose(found["fraction"], (found["information"] / found["entropy"]).clip(0, 1))


def test_each_factor_is_fitted_as_if_alone():
    Z, labels = draw(signal=0.5)
    together = probe(Z, labels)
    for name in labels:
        alone = probe(Z, labels[name])
        assert list(alone.index) == [name]
        assert alone.loc[name, "cross_entropy"] == pytest.approx(
            together.loc[name, "cross_entropy"], abs=1e-4
        )


def test_the_gradient_vanishes_at_the_solution():
    rng = np.random.default_rng(0)
    X, codes = rng.standard_normal((300, 5)), rng.integers(0, 4, 300)
    codes[:4] = range(4)
    fit = fit_multinomials(X, [codes], [4], l2=2.0)
    logits = X @ fit.coef.T + fit.intercept
    P = np.exp(logits - logits.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    residual = (P - np.eye(4)[codes]) / 300
    assert np.abs(residual.T @ X + 2.0 / 300 * fit.coef).max() < 1e-5
    assert np.abs(residual.sum(axis=0)).max() < 1e-5


def test_a_solve_cut_short_warns():
    Z, labels = draw()
    with pytest.warns(ConvergenceWarning, match=r"did not converge.*use a larger l2"):
        fit_multinomials(Z, [labels["f3"].to_numpy()], [3], l2=1.0, max_iter=2)


@settings(deadline=None, max_examples=5)
@given(seeds)
def test_invariant_to_linear_maps_labels_and_order(seed):
    Z, labels = draw(seed)
    expected = probe(Z, labels)["cross_entropy"]
    rng = np.random.default_rng(seed)
    moved = 1e3 * Z @ ortho_group.rvs(Z.shape[1], random_state=rng) - 7
    renamed = labels.map(lambda code: f"class {-code}")
    assert np.allclose(probe(moved, renamed)["cross_entropy"], expected, atol=1e-4)
    order = np.r_[rng.permutation(N_TRAIN), N_TRAIN + rng.permutation(len(Z) - N_TRAIN)]
    expected = probe(Z, labels, l2=1.0)["cross_entropy"]  # "auto" draws rows by their places
    found = probe(moved[order], renamed.iloc[order], l2=1.0)["cross_entropy"]
    assert np.allclose(found, expected, atol=1e-4)


def test_whitening_is_white_and_drops_null_directions():
    Z, _ = draw()
    doubled = np.hstack([Z, 2 * Z, np.full((len(Z), 1), 0.1)])
    mean, components = damped_whitening(doubled)
    assert components.shape == (25, 12)
    white = (doubled - mean) @ components
    assert np.allclose(white.T @ white / len(Z), np.eye(12), atol=1e-2)
    few = doubled[:9]  # fewer rows than columns
    mean, components = damped_whitening(few)
    expected = PCA(n_components=8, whiten=True).fit_transform(few) * np.sqrt(9 / 8)
    assert np.allclose(np.abs((few - mean) @ components), np.abs(expected), atol=1e-3)


def test_constant_and_independent_representations_hold_no_information():
    _, labels = draw()
    constant = probe(np.full((900, 4), 0.1), labels)
    assert (constant["fraction"] < 0.01).all()
    noise = probe(np.random.default_rng(1).standard_normal((900, 2)), labels)
    assert (noise["fraction"] < 0.02).all()


def test_a_factor_written_into_the_representation_is_found():
    codes = np.arange(900) % 3
    found = probe(np.eye(3)[codes], codes)
    assert found.loc["label", "fraction"] > 0.95
    assert found.loc["label", "accuracy"] == 1


def test_labels_of_every_kind_give_the_same_result():
    Z, labels = draw()
    codes = labels["f3"].to_numpy()
    expected = probe(Z, codes)["cross_entropy"].iloc[0]
    words = np.array(["a", "b", "c"])[codes]
    for same in (words, words.astype(object), pd.Categorical(words), codes.astype(float)):
        assert probe(Z, same)["cross_entropy"].iloc[0] == pytest.approx(expected, abs=1e-6)
    tensors = probe(torch.tensor(Z), torch.tensor(codes))
    assert tensors["cross_entropy"].iloc[0] == pytest.approx(expected, abs=1e-6)


def test_bad_factors_are_refused():
    Z, _ = draw()
    train, test = {"n": np.arange(20) % 2}, {"n": np.arange(10) % 2}
    with pytest.raises(ValueError, match=r"'n' has 1 held-out class.*such as 5: stratify"):
        probe_information(Z[:20], train, Z_test=Z[:10], labels_test={"n": [5, *test["n"][1:]]})
    with pytest.raises(ValueError, match=r"'n' is constant in the held-out rows \(class 1\)"):
        probe_information(Z[:20], train, Z_test=Z[:10], labels_test={"n": [1] * 10})
    with pytest.raises(ValueError, match="'n' is constant in the training rows"):
        probe_information(Z[:20], {"n": [1] * 20}, Z_test=Z[:10], labels_test={"n": [1] * 10})
    with pytest.raises(ValueError, match=r"same factors, got \['n'\] and \['m'\]"):
        probe_information(Z[:20], train, Z_test=Z[:10], labels_test={"m": test["n"]})
    with pytest.raises(ValueError, match="Z and Z_test must lie in one space"):
        probe_information(Z[:20], train, Z_test=Z[:10, :2], labels_test=test)


@pytest.mark.parametrize(
    ("l2", "error"),
    [(0.0, ValueError), (-1, ValueError), (np.inf, ValueError), ("1", TypeError), ([1], TypeError)],
)
def test_bad_penalties_are_refused(l2, error):
    with pytest.raises(error, match="l2 must be"):
        probe(*draw(), l2=l2)


def numbers(seed=0, n=900):
    """Representations and real factors: linear, nearly so, and independent."""
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, 12)) @ rng.standard_normal((12, 12)) + 5
    factors = {
        "sum": Z.sum(axis=1),
        "noisy": Z[:, 0] + Z[:, 0].std() * rng.standard_normal(n),
        "chance": rng.standard_normal(n),
    }
    return Z, pd.DataFrame(factors)


@pytest.mark.parametrize("l2", [1.0, 300.0])
def test_real_numbers_equal_scikit_learns_ridge(l2):
    Z, labels = numbers()
    found = probe(Z, labels, l2=l2)
    assert list(found.columns) == ["information", "fraction", "r2", "l2"]
    mean, components = damped_whitening(Z[:N_TRAIN])
    train, test = (Z[:N_TRAIN] - mean) @ components, (Z[N_TRAIN:] - mean) @ components
    for name, column in labels.items():
        model = Ridge(alpha=l2).fit(train, column[:N_TRAIN])
        expected = r2_score(column[N_TRAIN:], model.predict(test))
        assert found.loc[name, "r2"] == pytest.approx(expected, abs=1e-9)
        assert found.loc[name, "fraction"] == pytest.approx(max(expected, 0), abs=1e-9)
        assert found.loc[name, "information"] == pytest.approx(
            -0.5 * np.log(1 - expected), abs=1e-6
        )


@settings(deadline=None, max_examples=5)
@given(seeds)
def test_r2_is_invariant_to_linear_maps_of_both(seed):
    Z, labels = numbers(seed)
    expected = probe(Z, labels)["r2"]
    rng = np.random.default_rng(seed)
    moved = 1e3 * Z @ ortho_group.rvs(Z.shape[1], random_state=rng) - 7
    scaled = labels * [1e150, -1e-150, 3.0] + [0, 0, 1e6]
    assert np.allclose(probe(moved, scaled)["r2"], expected, atol=1e-6)


def test_information_of_a_gaussian_factor_is_the_exact_one():
    X, noise = np.random.default_rng(0).standard_normal((2, 40_000, 1))
    y = (X + noise)[:, 0]
    found = probe_information(X[:20_000], y[:20_000], Z_test=X[20_000:], labels_test=y[20_000:])
    exact = gaussian_mutual_information(X[20_000:], y[20_000:, None])
    assert found.loc["label", "information"] == pytest.approx(exact, abs=1e-3)
    assert exact == pytest.approx(0.5 * np.log(2), abs=0.02)


def test_which_labels_are_classes_and_which_are_numbers():
    Z, labels = draw(classes=(3, 7))
    real, _ = numbers()
    mixed = labels.assign(real=real[:, 0], word=labels["f3"].map(str), whole=labels["f3"] * 1.0)
    kinds = probe(Z, mixed)["r2"].notna()
    assert list(kinds.index[kinds]) == ["real"]
    task = {"f7": "regression", "whole": "regression"}
    kinds = probe(Z, mixed, task=task)["r2"].notna()
    assert list(kinds.index[kinds]) == ["f7", "real", "whole"]
    assert "n_classes" not in probe(Z, labels, task="regression")
    held_out = {"Z_test": Z[600:], "labels_test": labels["f3"][600:] + 0.5}
    assert "r2" in probe_information(Z[:600], labels["f3"][:600] * 1.0, **held_out)


def test_bad_numbers_are_refused():
    Z, labels = numbers()
    with pytest.raises(ValueError, match=r"'sum' must be classes, got real numbers.*regression"):
        probe(Z, labels, task="classification")
    with pytest.raises(TypeError, match=r"'word' must be numbers for a regression.*astype"):
        probe(Z, pd.DataFrame({"word": ["a", "b"] * 450}), task="regression")
    with pytest.raises(ValueError, match="task must be one of"):
        probe(Z, labels, task="ranking")
    with pytest.raises(ValueError, match=r"task\['sum'\] must be one of"):
        probe(Z, labels, task={"sum": 1})
    with pytest.raises(ValueError, match=r"task names \['age'\]"):
        probe(Z, labels, task={"age": "regression"})
    with pytest.raises(ValueError, match=r"labels\['sum'\] has 900 infinite"):
        probe_information(Z, {"sum": [np.inf] * 900}, Z_test=Z, labels_test={"sum": [1.5] * 900})
    with pytest.raises(ValueError, match=r"'n' is constant in the held-out rows \(value 0.5\)"):
        probe_information(Z, {"n": Z[:, 0]}, Z_test=Z, labels_test={"n": [0.5] * 900})
    near = 0.5 + 1e-15 * np.arange(900)
    with pytest.raises(ValueError, match="hardly varies in the held-out rows"):
        probe_information(Z, {"n": Z[:, 0]}, Z_test=Z, labels_test={"n": near})
    held_out = {"n": 1e250 * Z[:, 0]}
    with pytest.raises(ValueError, match="far from those of factor 'n'"):
        probe_information(Z, {"n": Z[:, 0]}, Z_test=Z, labels_test=held_out)
