"""Data larger than what `fit` and `transform` may hold in memory."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from mibsk import CanonicalBottleneck, IBAligner
from mibsk.files import memory_map as _memory_map

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

N, D = 20_000, 1000  # 80 MB of float32
MB = 10**6


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Two memory maps of 80 MB, whose first columns share what they vary by."""
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((N, 20), dtype=np.float32)
    maps = {}
    for name in ("a", "b"):
        X = rng.standard_normal((N, D), dtype=np.float32)
        X[:, :20] += 5 * hidden
        X.tofile(folder / name)
        maps[name] = np.memmap(folder / name, np.float32, "r", shape=(N, D))
    return maps


@pytest.fixture(scope="module")
def aligner(pairs):
    """Fitted on a few rows, so that everything is imported."""
    few = {name: np.array(X[:100]) for name, X in pairs.items()}
    params = {"encoders": "network", "n_components": 8, "max_epochs": 1}
    return IBAligner(**params, random_state=0).fit(few)


def status(entry):
    return 1024 * int(re.search(rf"{entry}:\s+(\d+)", Path("/proc/self/status").read_text())[1])


def growth(do):
    """Return by how many bytes memory has grown at the peak of what is done."""
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = status("VmRSS")
    do()
    return status("VmHWM") - before


FORMS = {"mapping": lambda pairs: (pairs,), "two tables": lambda pairs: tuple(pairs.values())}


@pytest.mark.usefixtures("aligner")
@pytest.mark.parametrize("form", FORMS)
def test_fit_on_memory_maps(pairs, form):
    params = {"max_epochs": 1, "n_components": 8, "batch_size": 400, "random_state": 0}
    new = IBAligner(encoders="network", **params)
    assert growth(lambda: new.fit(*FORMS[form](pairs))) < 60 * MB  # of 160


def test_memory_maps_train_the_same_model(pairs, monkeypatch):
    some = {name: X[:300] for name, X in pairs.items()}
    held = {name: np.array(X) for name, X in some.items()}
    monkeypatch.setattr(_memory_map, "_SMALLEST_FILE", 1)
    params = {"max_epochs": 2, "n_components": 8, "random_state": 0}
    mapped = IBAligner(**params).fit(some).transform(some)
    np.testing.assert_array_equal(mapped, IBAligner(**params).fit(held).transform(held))


@pytest.mark.parametrize("form", FORMS)
def test_transform_of_memory_maps(pairs, aligner, form):
    if form == "two tables":
        few = [np.array(X[:100]) for X in pairs.values()]
        aligner = IBAligner(max_epochs=1, n_components=8, random_state=0).fit(*few)
    assert growth(lambda: aligner.transform(*FORMS[form](pairs))) < 30 * MB


def test_transform_of_what_must_be_converted(aligner):
    X = np.random.default_rng(0).standard_normal((N, D))
    assert growth(lambda: aligner.embed({"a": X})) < 30 * MB  # all of it in float32 has 80


@pytest.mark.usefixtures("aligner")
def test_fit_on_many_classes():
    n, n_classes = 8000, 4000
    X = np.random.default_rng(0).standard_normal((n, 8), dtype=np.float32)
    y = [f"class {i % n_classes}" for i in range(n)]
    params = {"encoders": "network", "n_components": 8, "max_epochs": 1, "random_state": 0}
    new = IBAligner(**params, bottleneck=None)
    new.fit(X[:100], y[:50] * 2)
    assert growth(lambda: new.fit(X, y)) < 64 * MB  # one-hot rows of all have 128, the identity 64
    assert growth(lambda: new.partial_fit(X, y)) < 64 * MB
    assert growth(lambda: new.transform(X, y)) < 96 * MB  # 1024 rows at a time have 16


def test_prediction_of_many_classes():
    n, n_classes = 20_000, 600  # the first 1800 rows have three of each class
    rng = np.random.default_rng(0)
    codes = np.concatenate([rng.permutation(n_classes) for _ in range(n // n_classes + 1)])[:n]
    X = rng.standard_normal((n_classes, 8))[codes] + 0.1 * rng.standard_normal((n, 8))
    y = [f"class {code}" for code in codes[:1800]]
    bottleneck = CanonicalBottleneck(n_components=2).fit(X[:1800], y)
    bottleneck.predict(X[:10])
    assert growth(lambda: bottleneck.predict(X)) < 40 * MB  # predictions of all have 96


def test_a_row_late_in_the_data_is_named_by_its_number(pairs, aligner):
    X = np.array(pairs["a"][:5000], np.float64)
    X[[4321, 4400], 3] = np.nan
    with pytest.raises(ValueError, match=r"'a' contains NaN \(first at row 4321; at least 2 row"):
        aligner.embed({"a": X})


def test_embeddings_that_are_not_finite_raise(pairs, aligner):
    X = np.array(pairs["a"][:3000])
    weight = next(p for p in aligner.module_.encoder("a").parameters() if p.ndim == 2)
    X[2500] = 3e38 * np.sign(weight[0].detach().numpy())  # a sum beyond float32
    with pytest.raises(ValueError, match=r"encoder of modality 'a' gave NaN for row 2500, whose"):
        aligner.encoder("a").transform(X)
