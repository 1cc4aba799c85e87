"""SVCCA: independent implementations, a naive form, laws, bad input."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import subspace_angles
from scipy.stats import ortho_group
from sklearn.cross_decomposition import CCA
from sklearn.decomposition import PCA

from mibsk.metrics import svcca

from .draws import draw_pair, few, seeds


@pytest.mark.parametrize("name", ["correlated", "wide", "independent"])
def test_reference_values(reference, name):
    """Of the components that the reference has found, by random projections, it is the value.

    Exact components give another: over seeds the reference scatters about it.
    """
    inputs, values = reference("metrics_inputs.npz"), reference("metrics_values.json")[name]

    def sketch(Z, seed):
        torch.manual_seed(seed)
        return torch.svd_lowrank(torch.tensor(Z), q=5)[0].numpy()

    X, Y = (inputs[f"{name}_{side}"] for side in "xy")
    X, Y = ((Z - Z.mean(axis=0)) / Z.std(axis=0, ddof=1) for Z in (X, Y))
    torch.manual_seed(0)
    components = [torch.svd_lowrank(torch.tensor(Z), q=5)[0].numpy() for Z in (X, Y)]
    assert svcca(*components) == pytest.approx(values["svcca_dim5"], abs=1e-6)
    scatter = [svcca(sketch(X, seed), sketch(Y, seed + 100)) for seed in range(30)]
    exact = svcca(X, Y, n_components=5)
    assert min(scatter) < exact < max(scatter)


@few
@given(seeds, st.integers(1, 4))
def test_equals_the_canonical_correlations_of_scikit_learn(seed, n_components):
    parts = [PCA(n_components).fit_transform(Z) for Z in draw_pair(seed)]
    variates = CCA(n_components, max_iter=5000, tol=1e-12).fit(*parts).transform(*parts)
    expected = [np.corrcoef(a, b)[0, 1] for a, b in zip(*(v.T for v in variates), strict=True)]
    value = svcca(*draw_pair(seed), n_components=n_components)
    assert value == pytest.approx(np.mean(expected), abs=1e-4)


@few
@given(seeds, st.integers(1, 4), st.integers(5, 60))
def test_equals_the_angles_of_the_leading_singular_vectors(seed, n_components, n):
    X, Y = draw_pair(seed, n)
    bases = [np.linalg.svd(Z - Z.mean(axis=0), full_matrices=False)[0] for Z in (X, Y)]
    angles = subspace_angles(*(basis[:, :n_components] for basis in bases))
    value = svcca(X, Y, n_components=n_components)
    assert value == pytest.approx(np.cos(angles).mean(), abs=1e-8)


@few
@given(seeds, st.integers(2, 60), st.integers(1, 80), st.integers(1, 8), st.integers(1, 12))
def test_laws(seed, n, d_x, d_y, n_components):
    X, Y = draw_pair(seed, n, d_x, d_y)
    value = svcca(X, Y, n_components=n_components)
    assert 0 <= value <= 1
    assert svcca(Y, X, n_components=n_components) == pytest.approx(value, abs=1e-7)
    assert svcca(X, X, n_components=n_components) == pytest.approx(1, abs=1e-7)
    rng = np.random.default_rng(seed)
    rotation = ortho_group.rvs(d_x, random_state=rng) if d_x > 1 else -np.eye(1)
    order = rng.permutation(n)
    moved = (1e-3 * X @ rotation + rng.standard_normal(d_x))[order], 1e3 * Y[order]
    assert svcca(*moved, n_components=n_components) == pytest.approx(value, abs=1e-6)


def test_a_share_of_the_variance_keeps_as_many_components_as_hold_it():
    X, Y = draw_pair(0)
    for share in (0.5, 0.9, 0.99):
        kept = [PCA(share).fit_transform(Z) for Z in (X, Y)]
        assert svcca(X, Y, n_components=share) == pytest.approx(svcca(*kept, n_components=9))


def test_noise_lowers_it_and_independent_rows_are_near_chance():
    values = [svcca(*draw_pair(0, 2000, noise=noise)) for noise in (0.1, 0.3, 1, 3, 10)]
    assert values == sorted(values, reverse=True)
    X, Y = np.random.default_rng(0).standard_normal((2, 4000, 5))
    assert svcca(X, Y) < 2 * np.sqrt(5 / 4000)


def test_redundant_columns_do_not_change_it():
    X, Y = draw_pair(0)
    padded = np.hstack([X, X[:, :1] + X[:, 1:2], np.full((len(X), 2), 0.1)])
    expected = svcca(PCA().fit_transform(padded)[:, :6], Y)
    assert svcca(padded, Y) == pytest.approx(expected)
    assert svcca(padded.astype(np.float32), Y.astype(np.float32)) == pytest.approx(
        expected, abs=1e-5
    )


def test_two_rows_and_extreme_scales():
    assert svcca([[0.0, 1.0], [2.0, 5.0]], [[1.0], [7.0]]) == pytest.approx(1)
    X, Y = draw_pair(0)
    assert svcca(1e200 * X, 1e-200 * Y) == pytest.approx(svcca(X, Y))


def test_tensors_on_an_accelerator(accelerated):
    for X, Y in (draw_pair(0), draw_pair(1, 20, 30, 4)):
        assert svcca(accelerated(X), accelerated(Y)) == pytest.approx(svcca(X, Y), abs=1e-5)


def test_interval():
    X, Y = draw_pair(0, 400)
    found = svcca(X, Y, n_components=3, ci=0.9)
    assert found.low < found.value < found.high
    assert found.value == svcca(X, Y, n_components=3)


def test_bad_arguments():
    X, Y = draw_pair(0)
    for bad in (0, -1, 1.0, 2.5, np.nan, np.inf):
        with pytest.raises(
            ValueError,
            match=r"must be (an integer of at least 1, or|a finite number > 0)",
        ):
            svcca(X, Y, n_components=bad)
    for bad in ("3", None, True):
        with pytest.raises(TypeError, match="n_components must be a finite number"):
            svcca(X, Y, n_components=bad)
    with pytest.raises(ValueError, match="SVCCA is undefined: all 200 rows of Y are equal"):
        svcca(X, np.full((200, 2), 0.1))
