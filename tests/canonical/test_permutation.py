"""Permutation test of canonical directions."""

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
