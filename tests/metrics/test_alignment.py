"""Alignment of partners: hand values, an independent implementation, laws, bad input."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group

from mibsk._checks import blocks
from mibsk.metrics import Bootstrap, alignment

from .draws import few, seeds

alphas = st.sampled_from([0.5, 1, 2, 3.0])


def test_hand_values():
    X, Y = [[0.0, 0.0], [1.0, 1.0]], [[3.0, 4.0], [1.0, 1.0]]
    assert alignment(X, Y) == 12.5
    assert alignment(X, Y, alpha=1) == 2.5
    assert alignment(X, X) == 0


@few
@given(seeds, st.integers(2, 30), st.integers(1, 6), alphas)
def test_equals_the_form_of_the_paper(seed, n, d, alpha):
    X, Y = np.random.default_rng(seed).standard_normal((2, n, d))
    x, y = torch.tensor(X), torch.tensor(Y)
    expected = (x - y).norm(p=2, dim=1).pow(alpha).mean()  # Wang and Isola, figure 5
    assert alignment(X, Y, alpha=alpha) == pytest.approx(float(expected))


@few
@given(seeds, st.integers(2, 30), alphas)
def test_laws(seed, n, alpha):
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((2, n, 4))
    value = alignment(X, Y, alpha=alpha)
    assert value >= 0
    assert alignment(Y, X, alpha=alpha) == value
    rotation, shift = ortho_group.rvs(4, random_state=rng), rng.standard_normal(4)
    order = rng.permutation(n)
    moved = (Z[order] @ rotation + shift for Z in (X, Y))
    assert alignment(*moved, alpha=alpha) == pytest.approx(value)
    assert alignment(3 * X, 3 * Y, alpha=alpha) == pytest.approx(3**alpha * value)
    x, y = (Z / np.linalg.norm(Z, axis=1, keepdims=True) for Z in (X, Y))
    assert alignment(x, y, alpha=alpha) <= 2**alpha
    assert alignment(x, y) == pytest.approx(2 - 2 * np.mean(np.sum(x * y, axis=1)))


def test_noise_raises_it():
    X, noise = np.random.default_rng(0).standard_normal((2, 500, 4))
    values = [alignment(X, X + size * noise) for size in (0, 0.1, 0.3, 1, 3)]
    assert values == sorted(values)
    assert values[0] == 0


def test_chunks_float32_and_tensors_on_an_accelerator(monkeypatch, accelerated):
    X, Y = np.random.default_rng(0).standard_normal((2, 50, 4))
    value = alignment(X, Y)
    assert alignment(X.astype("f4"), Y.astype("f4")) == pytest.approx(value, rel=1e-5)
    assert alignment(accelerated(X), accelerated(Y)) == pytest.approx(value, rel=1e-5)
    monkeypatch.setattr(blocks, "CHUNK_SIZE", 28)
    assert alignment(X, Y) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("size", [1e-150, 1e-110, 1e110, 1e150])
def test_very_large_and_very_small_rows(size):
    X, Y = np.random.default_rng(0).standard_normal((2, 20, 4))
    assert alignment(size * X, size * Y) / size**2 == pytest.approx(alignment(X, Y))
    assert alignment(size * X, size * Y, alpha=1) / size == pytest.approx(alignment(X, Y, alpha=1))


def test_interval():
    X, Y = np.random.default_rng(0).standard_normal((2, 300, 4))
    found = alignment(X, Y, ci=0.9)
    assert found.low < found.value == alignment(X, Y) < found.high
    spread = np.sum((X - Y) ** 2, axis=1).std() / np.sqrt(300)
    assert alignment(X, Y, ci=Bootstrap(n_resamples=4000)).replicates.std() == pytest.approx(
        spread, rel=0.1
    )


def test_bad_arguments():
    X = np.eye(3)
    with pytest.raises(ValueError, match="alpha must be a finite number"):
        alignment(X, X, alpha=0)
    with pytest.raises(ValueError, match=r"partner.*\(3, 3\) and \(2, 3\)"):
        alignment(X, X[:2])
    with pytest.raises(ValueError, match="must lie in one space"):
        alignment(X, X[:, :2])
    for large, alpha in ((1e200 * X, 2), (3 * X, 9e11), (1e300 * X, 2)):
        with pytest.raises(ValueError, match="too large for a number: scale the rows"):
            alignment(large, -large, alpha=alpha)
