"""Rows that lack modalities, in closed form."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk import CanonicalBottleneck, Modalities

N = 200
few = settings(max_examples=10, deadline=None)


@pytest.fixture(scope="module")
def three():
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((N, 2))
    return Modalities(
        {
            name: np.hstack([shared, rng.standard_normal((N, width))])
            + 0.3 * rng.standard_normal((N, width + 2))
            for name, width in (("audio", 3), ("image", 2), ("touch", 4))
        }
    )


@pytest.fixture(scope="module")
def present():
    has = np.random.default_rng(1).random((N, 3)) > 0.3
    has[np.arange(N), np.arange(N) % 3] = True
    return dict(zip(("audio", "image", "touch"), has.T, strict=True))


def with_holes(X, present):
    return {name: np.where(present[name][:, None], rows, np.nan) for name, rows in X.items()}


@pytest.fixture(scope="module")
def fitted(three):
    return CanonicalBottleneck().fit(three)


class Records(torch.utils.data.Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def test_every_form_is_the_same_model(three, present):
    X = with_holes(three, present)
    expected = CanonicalBottleneck().fit(X)
    masked = {name: np.ma.MaskedArray(rows, np.isnan(X[name])) for name, rows in three.items()}
    items = [{n: three[n][i] if present[n][i] else None for n in three} for i in range(N)]
    for form in (masked, Modalities(masked), items, Records(items)):
        found = CanonicalBottleneck().fit(form)
        assert found.correlations_.equals(expected.correlations_)
        for name, z in expected.embed(X).items():
            np.testing.assert_array_equal(found.embed(form)[name], z)
    parts = CanonicalBottleneck()
    for rows in np.array_split(np.arange(N), 3):
        parts.partial_fit({name: x[rows] for name, x in X.items()})
    np.testing.assert_allclose(parts.correlations_["train"], expected.correlations_["train"])


def test_what_is_shared_is_found_again(three, present, fitted):
    found = CanonicalBottleneck().fit(with_holes(three, present))
    assert found.n_components_ == fitted.n_components_ == 2
    assert found.permutation_test(with_holes(three, present), n_permutations=19).n_components == 2
    assert found.score(three) == pytest.approx(fitted.score(three), abs=0.1)


@few
@given(seed=st.integers(0, 2**31))
def test_a_row_depends_on_what_it_has(seed, three, fitted):
    rng = np.random.default_rng(seed)
    has = {name: rng.random(N) > 0.4 for name in three}
    X = with_holes(three, has)
    whole, part = fitted.embed(three), fitted.embed(X)
    shared, some = fitted.split(three), fitted.split(X)
    for name, mask in has.items():
        np.testing.assert_allclose(part[name][mask], whole[name][mask], atol=1e-6)
        np.testing.assert_allclose(some[name].shared[mask], shared[name].shared[mask], atol=1e-9)
        assert np.isnan(part[name][~mask]).all()
        assert np.isnan(some[name].private[~mask]).all()
    # a prediction is that from the modalities of the row
    predicted = fitted.predict_modality("touch", X)
    patterns = {
        (True, True): {"audio": three["audio"], "image": three["image"]},
        (True, False): {"audio": three["audio"]},
        (False, True): {"image": three["image"]},
    }
    for (audio, image), given_ones in patterns.items():
        rows = (has["audio"] == audio) & (has["image"] == image)
        expected = fitted.predict_modality("touch", given_ones)
        np.testing.assert_allclose(predicted[rows], expected[rows], atol=1e-9)
    assert np.isnan(predicted[~has["audio"] & ~has["image"]]).all()


def test_classes_of_rows_without_values(three):
    model = CanonicalBottleneck().fit(three["audio"], (three["audio"][:, 0] > 0).astype(int))
    X = three["audio"].copy()
    X[[3, 5]] = np.nan
    with pytest.raises(ValueError, match=r"row 3 lacks all modalities .* \(2 row\(s\)"):
        model.predict(X)


def test_what_cannot_be_fitted(three):
    X = {**three, "touch": np.where(np.arange(N)[:, None] == 7, three["touch"], np.nan)}
    with pytest.raises(ValueError, match="'touch' is present in 1 of 200 rows"):
        CanonicalBottleneck().fit(X)
