"""Targets of CanonicalBottleneck in the shapes of scikit-learn, and rows that arrive in parts."""

import numpy as np
import pandas as pd
import pytest
from sklearn.cross_decomposition import CCA
from torch.utils.data import IterableDataset

from mibsk import CanonicalBottleneck, ClassPairs

N = 120


@pytest.fixture(scope="module")
def rows():
    """Wide views of three shared factors, with more columns than rows, and a narrow one."""
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((N, 3))
    return {
        name: shared @ rng.standard_normal((3, p)) + rng.standard_normal((N, p))
        for name, p in (("genes", 400), ("lipids", 300), ("diet", 5))
    }


TARGETS = {
    "numbers": lambda y: y,
    "a list": list,
    "a series": pd.Series,
    "a column": lambda y: y[:, None],
    "a table": lambda y: np.column_stack([y, -y + 1]),
}


@pytest.mark.parametrize("kind", TARGETS)
def test_predictions_have_the_shape_of_the_target(kind, rows, tmp_path):
    X = rows["diet"]
    y = TARGETS[kind](X[:, 0] + 0.1 * np.random.default_rng(0).standard_normal(N))
    model = CanonicalBottleneck(1).fit(X, y)
    predicted = model.predict(X)
    assert predicted.shape == CCA(1).fit(X, y).predict(X).shape
    assert np.corrcoef(predicted.T, np.asarray(y).T)[0, -1] ** 2 > 0.9
    model.save(tmp_path / "model")
    loaded = CanonicalBottleneck.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(X), predicted)
    assert loaded.partial_fit(X, y).predict(X).shape == predicted.shape


class Stream(IterableDataset):
    """Rows one at a time, of unknown number."""

    def __init__(self, rows):
        self.rows = rows

    def __iter__(self):
        for i in range(N):
            yield {name: X[i] for name, X in self.rows.items()}


@pytest.mark.parametrize("how", ["parts", "stream"])
def test_wide_rows_in_parts_give_what_fit_gives(how, rows):
    """`fit` takes coordinates in the space of the rows, the others the columns themselves."""
    whole = CanonicalBottleneck(ridge=0.5).fit(rows)
    if how == "stream":
        other = CanonicalBottleneck(ridge=0.5).fit(Stream(rows))
    else:
        other = CanonicalBottleneck(ridge=0.5)
        for start in range(0, N, 40):
            other.partial_fit({name: X[start : start + 40] for name, X in rows.items()})
    assert other.n_samples_ == N
    pd.testing.assert_frame_equal(other.correlations_, whole.correlations_, rtol=1e-5, atol=1e-5)
    z, w = whole.transform(rows), other.transform(rows)
    np.testing.assert_allclose(w * np.sign((z * w).sum(axis=0)), z, rtol=1e-3, atol=1e-4)
    assert other.shared_variance_ == pytest.approx(whole.shared_variance_)


def test_pairs_by_class_after_fixed_pairs():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 25)
    centres = 2 * rng.standard_normal((4, 6))
    X = {name: centres[labels] + rng.standard_normal((100, 6)) for name in "ab"}
    drawn = ClassPairs({name: (Z, labels) for name, Z in X.items()}, random_state=0)
    model = CanonicalBottleneck().fit(X).partial_fit(drawn)
    assert model.n_samples_ == 200
    assert model.n_components_ == 3
