"""Multiple features: the loader on small files in the true format, and on the real ones."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mibsk.data import Modalities
from mibsk.datasets import _mfeat, fetch_mfeat

WIDTHS = {"fou": 76, "fac": 216, "kar": 64, "pix": 240, "zer": 47, "mor": 6}


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Folder with two views of three rows, whose checksums are the expected ones."""
    (tmp_path / "mfeat").mkdir()
    contents = {"fou": b"0,1,0\n.5,1e-3,7\n-2,3,8\n4,5,9\n", "mor": b"0,0\n1,7\n2,8\n3,9\n"}
    for view, content in contents.items():
        (tmp_path / "mfeat" / f"{view}.csv").write_bytes(content)
        monkeypatch.setitem(_mfeat.CHECKSUMS, view, hashlib.sha256(content).hexdigest())
    return tmp_path


def test_loader_on_tiny_files(tiny):
    digits = fetch_mfeat(tiny, views=["mor", "fou"])
    assert list(digits.data) == ["mor", "fou"]
    np.testing.assert_array_equal(digits.data["mor"], [[1], [2], [3]])
    np.testing.assert_array_equal(
        digits.data["fou"], np.array([[0.5, 1e-3], [-2, 3], [4, 5]], dtype=np.float32)
    )
    for table in digits.labels.values():
        assert table["digit"].tolist() == [7, 8, 9]


def test_other_bytes_are_refused(tiny):
    (tiny / "mfeat" / "mor.csv").write_bytes(b"0,0\n")
    with pytest.raises(OSError, match=r"mor\.csv is damaged.*expected .*Leave path out"):
        fetch_mfeat(tiny, views=["fou", "mor"])


def test_error_names_the_missing_file(tiny):
    with pytest.raises(FileNotFoundError, match=r"a folder that holds mfeat/kar\.csv"):
        fetch_mfeat(tiny, views=["fou", "kar"])


@pytest.mark.parametrize(
    ("views", "error", "message"),
    [
        ("fou", TypeError, r"use \['fou'\]"),
        ([], ValueError, "at least one"),
        (["fuo"], ValueError, "unknown view 'fuo'.*Did you mean 'fou'"),
        (["fou", "mor", "fou"], ValueError, "once"),
    ],
)
def test_bad_views_fail_before_any_file_is_read(views, error, message):
    with pytest.raises(error, match=message):
        fetch_mfeat("nowhere", views=views)


@pytest.fixture(scope="module")
def mfeat(shared_data):
    return fetch_mfeat(shared_data)


def test_fields(mfeat):
    assert set(mfeat) == {"data", "labels", "shared", "nuisances", "DESCR"}
    assert isinstance(mfeat.data, Modalities)
    assert {name: X.shape for name, X in mfeat.data.items()} == {
        name: (2000, width) for name, width in WIDTHS.items()
    }
    assert all(X.dtype == np.float32 and np.isfinite(X).all() for X in mfeat.data.values())
    assert (mfeat.shared, mfeat.nuisances) == (["digit"], [])
    assert "No nuisance is labelled" in mfeat.DESCR


def test_every_digit_has_two_hundred_rows_in_every_view(mfeat):
    for table in mfeat.labels.values():
        np.testing.assert_array_equal(table["digit"], np.repeat(np.arange(10), 200))


def test_repeated_rows_are_those_that_the_description_names(mfeat):
    everything = pd.DataFrame(np.hstack(list(mfeat.data.values())))
    assert everything.duplicated(keep=False).sum() == 2 * 6
    assert pd.DataFrame(mfeat.data["mor"]).duplicated(keep=False).sum() == 222


def test_rows_of_the_views_belong_together(mfeat):
    # fac and pix share more than the digit: among rows of one digit, neighbours in one are
    # neighbours in the other
    rows = slice(0, 200)
    ranks = []
    for view in ("fac", "pix"):
        X = StandardScaler().fit_transform(mfeat.data[view][rows])
        distance = ((X[:, None] - X) ** 2).sum(axis=2)
        ranks.append(distance[np.triu_indices(200, k=1)])
    assert np.corrcoef(ranks)[0, 1] > 0.5


def test_six_and_nine_are_alike_in_rotation_invariant_views(mfeat):
    digit = mfeat.labels["fou"]["digit"].to_numpy()
    rows = np.isin(digit, [6, 9])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    accuracy = {
        view: (cross_val_predict(model, X[rows], digit[rows], cv=4) == digit[rows]).mean()
        for view, X in mfeat.data.items()
    }
    assert min(accuracy[view] for view in ("fac", "kar", "pix")) > 0.98
    assert max(accuracy[view] for view in ("fou", "zer", "mor")) < 0.75
