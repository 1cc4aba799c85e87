"""Permutation test of canonical directions."""

from itertools import combinations

import numpy as np
import pytest
from sklearn.cross_decomposition import CCA

from mibsk.canonical import _permutation as module
from mibsk.canonical import permutation_test


def views(n=300, widths=(5, 4), n_shared=3, seed=0):
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal((n, n_shared))
    return [
        np.hstack([shared, np.zeros((n, width - n_shared))]) + rng.standard_normal((n, width))
        for width in widths
    ]


def run(rows, **params):
    defaults = {"n_components": 4, "n_permutations": 99, "level": 0.05}
    return permutation_test(rows, rng=np.random.default_rng(0), **{**defaults, **params})


def test_statistics_are_those_of_wilks():
    rows = views()
    found = run(rows, level=0.999)
    u, v = CCA(4, tol=1e-12, max_iter=10_000).fit(*rows).transform(*rows)
    rho = np.array([np.corrcoef(u[:, k], v[:, k])[0, 1] for k in range(4)])
    of_each = -0.5 * np.log1p(-(rho**2))
    np.testing.assert_allclose(found.statistics, of_each[::-1].cumsum()[::-1], rtol=1e-5)


@pytest.mark.parametrize("widths", [(5, 4), (5, 4, 6), (3, 3)])
def test_shared_directions_are_found(widths):
    found = run(views(widths=widths))
    assert found.n_components == 3
    assert (found.p_values[:3] == 0.01).all()  # the smallest of 99 permutations
    assert len(found.p_values) == len(found.statistics) == min(4, min(widths))


def test_p_values_never_decrease_and_do_not_depend_on_blocks(monkeypatch):
    rows = views(n=60, n_shared=1, widths=(6, 6))
    whole = run(rows, level=0.999, n_components=6)
    assert len(whole.p_values) == 6
    assert (np.diff(whole.p_values) >= 0).all()
    monkeypatch.setattr(module, "DIRECTIONS_AT_A_TIME", 2)
    parts = run(rows, level=0.999, n_components=6)
    np.testing.assert_allclose(parts.statistics, whole.statistics)
    np.testing.assert_allclose(parts.p_values, whole.p_values, atol=0.2)
    assert run(rows, n_components=6).n_components == 1


def test_with_more_columns_than_rows_copies_are_found_and_noise_is_not():
    noise = np.random.default_rng(0).standard_normal((2, 30, 80))
    assert run(list(noise)).n_components == 0
    assert run([noise[0], noise[0] + 0.1 * noise[1]]).n_components > 0


@pytest.mark.parametrize("widths", [(6, 5), (5, 4, 6)])
@pytest.mark.parametrize("lacking", [False, True])
def test_informations_are_those_of_the_complements_of_the_directions(widths, lacking):
    rng = np.random.default_rng(0)
    white = [0.1 * rng.standard_normal((80, width)) for width in widths]
    scale = np.ones((len(widths), len(widths)))
    if lacking:
        scale += 0.1 * (1 - np.eye(len(widths)))
    for tested in (range(3), range(2, 4)):
        expected = []
        for k in tested:
            parts = [X[:, k:] for X in white]
            ends = np.cumsum([0, *(X.shape[1] for X in parts)])
            R = np.eye(ends[-1])
            for m, k_ in combinations(range(len(parts)), 2):
                block = parts[m].T @ parts[k_] * scale[m, k_]
                R[ends[m] : ends[m + 1], ends[k_] : ends[k_ + 1]] = block
                R[ends[k_] : ends[k_ + 1], ends[m] : ends[m + 1]] = block.T
            expected.append(-0.5 * np.linalg.slogdet(R)[1])
        np.testing.assert_allclose(module._informations(white, tested, scale), expected)


def test_modalities_that_determine_each_other():
    X = views(n=30, widths=(4, 4))[0]
    found = run([X, X], n_permutations=19)
    assert (found.p_values == 0.05).all()
