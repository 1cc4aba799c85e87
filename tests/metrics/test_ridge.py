"""Ridge regressions for many penalties from one factorisation."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mibsk.metrics.probes._ridge import RidgeRegressions

from .draws import few, seeds


@few
@given(seeds, st.integers(3, 40), st.integers(1, 12), st.integers(1, 4))
def test_each_penalty_solves_its_normal_equations(seed, n, d, n_targets):
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((n, d)) + 3, rng.standard_normal((n, n_targets)) - 2
    X_test, penalties = rng.standard_normal((5, d)), 10.0 ** rng.integers(-1, 5, n_targets)
    centred, products = X - X.mean(axis=0), (X - X.mean(axis=0)).T @ (Y - Y.mean(axis=0))
    ridge = RidgeRegressions(X, Y)
    for i, l2 in enumerate(penalties):
        coef = np.linalg.solve(centred.T @ centred + l2 * np.eye(d), products)
        expected = (X_test - X.mean(axis=0)) @ coef + Y.mean(axis=0)
        np.testing.assert_allclose(ridge.predict(X_test, float(l2)), expected, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(
            ridge.predict(X_test, penalties)[:, i], expected[:, i], rtol=1e-9, atol=1e-9
        )
