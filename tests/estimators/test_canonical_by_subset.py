"""What the directions of a canonical bottleneck share, and rows that lack modalities."""

import numpy as np
import pytest
from sklearn.base import clone

from mibsk import CanonicalBottleneck, ClassPairs
from mibsk.canonical import FoldedMoments, near_mean
from mibsk.estimators._canonical_state import analyse

NAMES = ["audio", "image", "touch"]
CARRIED = {0: NAMES, 1: NAMES[:2], 2: NAMES[1:]}  # factor -> the modalities that observe it


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((1000, 3))
    found = {}
    for name in NAMES:
        columns = [k for k, members in CARRIED.items() if name in members]
        X = np.hstack([factors[:, columns], rng.standard_normal((1000, 2))])
        found[name] = X + 0.6 * rng.standard_normal(X.shape)
    return found


def same(a, b):
    assert a.information_by_subset_ == b.information_by_subset_
    assert a.variance_by_subset_ == b.variance_by_subset_
    assert a.n_pairs_.equals(b.n_pairs_)
    assert a.correlations_.equals(b.correlations_)
    assert a.information_ == b.information_


def test_sets(rows):
    bottleneck = CanonicalBottleneck().fit(rows)
    found = bottleneck.information_by_subset_
    assert list(found) == [tuple(NAMES), ("audio", "image"), ("image", "touch")]
    total = sum(nats.value for nats in found.values())
    assert total == pytest.approx(bottleneck.information_.value, rel=0.05)
    shares = bottleneck.variance_by_subset_["touch"]
    assert list(shares) == [tuple(NAMES), ("image", "touch"), ("touch",)]
    # two factors of variance 1, of which 1 / 1.36 is shared; four columns of variance 1.36
    assert shares[("touch",)] == pytest.approx(0.5, abs=0.05)
    assert (bottleneck.n_pairs_.to_numpy() == 1000).all()


def test_two_modalities(rows):
    bottleneck = CanonicalBottleneck().fit(rows["audio"], rows["image"])
    [(names, nats)] = bottleneck.information_by_subset_.items()
    assert names == ("x", "y")
    assert nats.value == pytest.approx(bottleneck.correlations_["information"][:2].sum(), rel=0.02)


@pytest.mark.parametrize("groups", [None, np.repeat(np.arange(100), 10)])
def test_files(rows, groups, tmp_path):
    bottleneck = CanonicalBottleneck().fit(rows, groups=groups)
    for number in range(2):  # a file of a model from a file
        bottleneck.save(tmp_path / f"{number}.mibsk")
        loaded = CanonicalBottleneck.load(tmp_path / f"{number}.mibsk")
        same(loaded, bottleneck)
        bottleneck = loaded


def test_rows_of_one_group_count_less(rows):
    speaker = np.repeat(np.arange(50), 20)
    voice = np.random.default_rng(1).standard_normal((50, 1))[speaker]
    X = {name: x + voice for name, x in rows.items()}
    alone = CanonicalBottleneck().fit(X).information_by_subset_
    grouped = CanonicalBottleneck().fit(X, groups=speaker).information_by_subset_
    widths = [found[tuple(NAMES)].high - found[tuple(NAMES)].low for found in (alone, grouped)]
    assert widths[1] > widths[0]


def test_partial_fit(rows):
    parts = CanonicalBottleneck()
    for chunk in np.array_split(np.arange(1000), 3):
        parts.partial_fit({name: x[chunk] for name, x in rows.items()})
    whole = CanonicalBottleneck().fit(rows)
    for names, nats in parts.information_by_subset_.items():
        assert nats.value == pytest.approx(whole.information_by_subset_[names].value, rel=1e-6)


def test_class_pairs_count_their_rows():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 300)
    X, Y = (np.eye(4)[y] + 0.5 * rng.standard_normal((300, 4)) for _ in range(2))
    bottleneck = CanonicalBottleneck().fit(ClassPairs({"a": (X, y), "b": (Y, y)}))
    assert (bottleneck.n_pairs_.to_numpy() == 300).all()


@pytest.fixture(scope="module")
def holed(rows):
    """Return a model of complete rows, one of rows with holes, and which these have."""
    rng = np.random.default_rng(2)
    present = [rng.random(1000) > 0.3 for _ in NAMES]
    model = CanonicalBottleneck().fit(rows)
    state = model._state
    views = [
        np.where(mask[:, None], x, np.nan) for x, mask in zip(rows.values(), present, strict=True)
    ]
    moments = FoldedMoments([x.shape[1] for x in views], near_mean(views, present))
    moments.add(views, present)
    found = analyse(
        state.form,
        state.inputs,
        state.columns,
        state.is_flat,
        state.coordinates,
        moments,
        scaled=True,
        beta="auto",
        ridge="auto",
        n_components=64,
        level=0.95,
    )
    return model, clone(model)._adopt(found), present


def test_holes_counts_and_intervals(holed):
    complete, model, present = holed
    expected = np.array([[(a & b).sum() for a in present] for b in present])
    np.testing.assert_array_equal(model.n_pairs_, expected)
    assert list(model.n_pairs_) == NAMES
    wider = model.correlations_["high"] - model.correlations_["low"]
    narrow = complete.correlations_["high"] - complete.correlations_["low"]
    assert (wider[:3] > narrow[:3]).all()


def test_holes_sets(holed):
    complete, model, _ = holed
    assert model.information_by_subset_.keys() == complete.information_by_subset_.keys()
    for names, nats in complete.information_by_subset_.items():
        other = model.information_by_subset_[names]
        assert other.low < nats.value < other.high
        assert other.high - other.low > nats.high - nats.low


def test_holes_files_and_predictions(holed, rows, tmp_path):
    complete, model, _ = holed
    model.save(tmp_path / "model.mibsk")
    loaded = CanonicalBottleneck.load(tmp_path / "model.mibsk")
    same(loaded, model)
    given = {"audio": rows["audio"], "image": rows["image"]}
    predicted = model.predict(given)
    np.testing.assert_array_equal(loaded.predict(given), predicted)
    np.testing.assert_allclose(predicted, complete.predict(given), atol=0.5)


def test_no_row_has_all_modalities(rows, tmp_path):
    """Images with a recording, and images with a touch; never a recording with a touch."""
    kind = np.random.default_rng(0).integers(0, 2, 1000)
    X = {name: x.copy() for name, x in rows.items()}
    X["audio"][kind == 0] = np.nan
    X["touch"][kind == 1] = np.nan
    model = CanonicalBottleneck().fit(X)
    assert model.n_pairs_.loc["audio", "touch"] == 0
    assert model.n_components_ == 3
    assert list(model.information_by_subset_) == [
        tuple(NAMES),
        ("audio", "image"),
        ("image", "touch"),
    ]
    model.save(tmp_path / "model.mibsk")
    loaded = CanonicalBottleneck.load(tmp_path / "model.mibsk")
    same(loaded, model)
    parts = CanonicalBottleneck()
    for chunk in np.array_split(np.arange(1000), 3):
        parts.partial_fit({name: x[chunk] for name, x in X.items()})
    np.testing.assert_allclose(parts.correlations_["low"], model.correlations_["low"], atol=1e-6)
    # a recording says of a touch what both say of images
    predicted = model.predict_modality("touch", {"audio": rows["audio"]})
    assert np.corrcoef(predicted[:, 0], rows["touch"][:, 0])[0, 1] > 0.5


def test_intervals_are_plain_numbers(rows):
    fitted = CanonicalBottleneck().fit(rows)
    for found in (fitted.information_, *fitted.information_by_subset_.values()):
        assert [type(each) for each in (found.value, found.low, found.high)] == [float] * 3
