"""Laws of the closed form, and agreement with implementations of others."""

import warnings

import numpy as np
import pytest
from cca_zoo.linear import MCCA
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cross_decomposition import CCA
from sklearn.linear_model import LinearRegression

from mibsk import CanonicalBottleneck
from mibsk.exceptions import NothingSharedWarning

NUMBERS = ["train", "held_out", "low", "high", "information"]

few = settings(max_examples=15, deadline=None)
seeds = st.integers(0, 2**31)


def views(seed, widths=(6, 5), n=300, strengths=(3.0, 1.5, 0.8)):
    """Return views of a few shared factors of different strength, in float32 precision."""
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal((n, len(strengths))) * strengths
    found = []
    for width in widths:
        X = rng.standard_normal((n, width))
        X[:, : len(strengths)] += shared
        X = X @ (np.eye(width) + 0.2 * rng.standard_normal((width, width)))
        found.append(X.astype(np.float32).astype(np.float64))
    return found


def exact(n_components=3, **params):
    """Return an estimator without ridge and weights, that keeps all directions."""
    defaults = {"beta": 0.0, "ridge": 0.0, "weights": None}
    return CanonicalBottleneck(n_components, **{**defaults, **params})


def named(X):
    return dict(zip("abcdef", X, strict=False))


def aligned(Z, W):
    """Return the columns of `W` with the signs of those of `Z`."""
    return W * np.sign((Z * W).sum(axis=0))


def assert_same_variates(Z, W, atol):
    """Fail unless the columns that both have are equal, up to their signs."""
    k = min(Z.shape[1], W.shape[1])
    np.testing.assert_allclose(aligned(Z[:, :k], W[:, :k]), Z[:, :k], atol=atol)


@few
@given(seeds)
def test_two_modalities_agree_with_scikit_learn(seed):
    X, Y = views(seed)
    ours = exact().fit(X, Y)
    k = ours.n_components_
    theirs = CCA(3, tol=1e-14, max_iter=100_000).fit(X, Y)
    u, v = theirs.transform(X, Y)
    expected = [np.corrcoef(u[:, i], v[:, i])[0, 1] for i in range(3)]
    np.testing.assert_allclose(ours.correlations_["train"][:3], expected, atol=1e-6)
    for got, other in zip(ours.transform(X, Y), (u, v), strict=True):
        other = other[:, :k] / other[:, :k].std(axis=0)
        np.testing.assert_allclose(aligned(got, other), got, atol=1e-5)


@few
@given(seeds, st.integers(2, 4))
def test_more_modalities_agree_with_cca_zoo(seed, n_modalities):
    X = views(seed, widths=(6, 5, 7, 5)[:n_modalities])
    X = [(x - x.mean(axis=0)) / x.std(axis=0) for x in X]
    ours = exact().fit(named(X))
    k = ours.n_components_
    theirs = MCCA(3).fit(X).transform(X)
    blocks = np.split(ours.transform(named(X)), n_modalities, axis=1)
    for got, other in zip(blocks, theirs, strict=True):
        other = other[:, :k] / other[:, :k].std(axis=0)
        np.testing.assert_allclose(aligned(got, other), got, atol=1e-6)


@few
@given(seeds)
def test_invariant_to_invertible_maps_and_shifts(seed):
    X, Y = views(seed)
    rng = np.random.default_rng(seed)
    M = np.eye(6) + 0.3 * rng.standard_normal((6, 6))
    if np.linalg.cond(M) > 50:
        return
    one = exact().fit(X, Y)
    other = exact().fit(X @ M + 7, 3 * Y - 2)
    np.testing.assert_allclose(one.correlations_["train"], other.correlations_["train"], atol=1e-9)
    z, w = one.transform(X), other.transform(X @ M + 7)
    np.testing.assert_allclose(aligned(z, w), z, atol=1e-6)
    assert one.information_.value == pytest.approx(other.information_.value, abs=1e-8)


@few
@given(seeds)
def test_invariant_to_the_order_of_rows_and_of_modalities(seed):
    X, Y = views(seed)
    order = np.random.default_rng(seed).permutation(len(X))
    one, moved, swapped = (exact().fit(*pair) for pair in ((X, Y), (X[order], Y[order]), (Y, X)))
    z = one.transform(X)
    assert_same_variates(z, moved.transform(X), atol=1e-8)  # other folds may keep fewer
    assert_same_variates(z, swapped.transform(Y, X)[1], atol=1e-8)


@few
@given(seeds, st.sampled_from(["auto", 0.0, 0.3]))
def test_parts_add_up_and_are_uncorrelated(seed, ridge):
    X = named(views(seed, widths=(6, 5, 4)))
    model = exact(ridge=ridge).fit(X)
    variates = dict(zip(X, np.split(model.transform(X), 3, axis=1), strict=True))
    for name, parts in model.split(X).items():
        centred = X[name] - X[name].mean(axis=0)
        np.testing.assert_allclose(parts.shared + parts.private, centred, atol=1e-10)
        np.testing.assert_allclose(variates[name].T @ parts.private / 300, 0, atol=1e-9)
        variances = [part.var(axis=0).sum() for part in (parts.shared, parts.private, centred)]
        assert variances[0] + variances[1] == pytest.approx(variances[2])
        assert model.shared_variance_[name] == pytest.approx(variances[0] / variances[2])


@pytest.mark.filterwarnings("ignore::mibsk.exceptions.NothingSharedWarning")  # the first chunks
@few
@given(seeds, st.lists(st.integers(1, 299), max_size=6, unique=True), st.booleans())
def test_chunks_give_what_all_rows_give(seed, cuts, with_ridge):
    X, Y = views(seed)
    params = {} if with_ridge else {"ridge": 0.0}
    whole = CanonicalBottleneck(3, **params).fit(X, Y)
    parts = CanonicalBottleneck(3, **params)
    for rows in np.split(np.arange(300), sorted(cuts)):
        if len(rows) == 1 and not hasattr(parts, "n_samples_"):
            return
        parts.partial_fit(X[rows], Y[rows])
    np.testing.assert_allclose(
        whole.correlations_[NUMBERS], parts.correlations_[NUMBERS], atol=1e-9
    )
    z = whole.transform(X)
    np.testing.assert_allclose(aligned(z, parts.transform(X)), z, atol=1e-8)
    assert parts.n_samples_ == 300


@few
@given(seeds)
def test_more_columns_than_rows_give_what_fewer_give(seed):
    """Rows in a rotated space of many columns have the same variates."""
    X, Y = views(seed, n=60)
    rng = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(rng.standard_normal((400, 6)))
    params = {"scale": False, "ridge": 0.1, "n_components": 3, "beta": 0.0}
    few_columns = CanonicalBottleneck(**params).fit(X, Y)
    many = CanonicalBottleneck(**params).fit(X @ Q.T, Y)
    np.testing.assert_allclose(
        few_columns.correlations_[NUMBERS], many.correlations_[NUMBERS], atol=1e-5
    )
    z = few_columns.transform(X)
    np.testing.assert_allclose(aligned(z, many.transform(X @ Q.T)), z, atol=1e-4)


@few
@given(seeds)
def test_float32_gives_what_float64_gives(seed):
    X, Y = views(seed)
    one = CanonicalBottleneck(3).fit(X, Y)
    other = CanonicalBottleneck(3).fit(X.astype(np.float32), Y.astype(np.float32))
    np.testing.assert_allclose(one.correlations_[NUMBERS], other.correlations_[NUMBERS], atol=1e-12)
    np.testing.assert_allclose(one.transform(X), other.transform(X), atol=1e-12)


def test_float64_is_not_rounded():
    """Times in seconds differ by less than float32 resolves."""
    X, Y = views(0)
    late = X.copy()
    late[:, 0] += 1.7e9
    one, other = exact().fit(X, Y), exact().fit(late, Y)
    np.testing.assert_allclose(one.correlations_["train"], other.correlations_["train"], atol=1e-5)


@few
@given(seeds)
def test_all_directions_predict_as_linear_regression(seed):
    X, Y = views(seed, widths=(6, 4), strengths=(3.0, 1.5, 0.8, 0.5))
    model = exact(n_components=4, beta=0.0).fit(X, Y)
    if model.n_components_ < 4:  # the weakest is not significant in this sample
        return
    expected = LinearRegression().fit(X, Y).predict(X)
    np.testing.assert_allclose(model.predict(X), expected, atol=1e-8)


@few
@given(seeds)
def test_prediction_from_several_modalities_is_that_of_their_variates(seed):
    X = named(views(seed, widths=(6, 5, 4)))
    model = exact().fit(X)
    z = model.transform(X)[:, : 2 * model.n_components_]
    expected = LinearRegression().fit(z, X["c"]).predict(z)
    got = model.predict({"a": X["a"], "b": X["b"]})
    np.testing.assert_allclose(got, expected, atol=1e-6)


@few
@given(seeds, st.integers(2, 30))
def test_few_rows_give_finite_results(seed, n):
    X, Y = (x[:n] for x in views(seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NothingSharedWarning)
        model = CanonicalBottleneck(beta=0.0).fit(X, Y)
    assert np.isfinite(model.transform(X)).all()
    assert np.isfinite(model.correlations_[NUMBERS].to_numpy()).all()
