"""Imputing the rows of a modality from reference data."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from mibsk import CanonicalBottleneck, Modalities

N = 48


@pytest.fixture(scope="module")
def fitted(views, quick):
    return quick(max_epochs=10, bottleneck="canonical").fit(views)


def lacking(X, rows):
    X = X.copy()
    X[rows] = np.nan
    return X


@pytest.mark.parametrize("kind", ["aligner", "canonical"])
def test_the_nearest_row_is_taken(kind, views, fitted):
    model = fitted if kind == "aligner" else CanonicalBottleneck().fit(views)
    rows = [3, 20, 47]
    X = {"audio": views["audio"], "image": lacking(views["image"], rows)}
    reference = views[:30]
    found = model.impute(X, "image", reference=reference)
    scores = model.embed(views)["audio"] @ model.embed(reference)["image"].T
    np.testing.assert_array_equal(found.donor[rows], scores[rows].argmax(axis=1))
    np.testing.assert_allclose(found.similarity[rows], scores[rows].max(axis=1), atol=1e-5)
    np.testing.assert_array_equal(found.values[rows], views["image"][found.donor[rows]])
    others = np.setdiff1d(np.arange(N), rows)
    np.testing.assert_array_equal(found.values[others], views["image"][others])
    assert np.isnan(found.similarity[others]).all()
    assert (found.donor[others] == -1).all()


def test_all_rows_or_none(views, fitted):
    found = fitted.impute({"audio": views["audio"]}, "image", reference=views)
    assert (found.donor >= 0).all()
    np.testing.assert_array_equal(found.values, views["image"][found.donor])
    found = fitted.impute(views, "image", reference=views)
    np.testing.assert_array_equal(found.values, views["image"])
    assert (found.donor == -1).all()


def test_rows_that_the_reference_lacks_are_no_donors(views, fitted):
    reference = {"image": lacking(views["image"], slice(0, 40))}
    found = fitted.impute({"audio": views["audio"]}, "image", reference=reference)
    assert (found.donor >= 40).all()
    assert np.isfinite(found.values).all()


def test_containers(views, quick):
    texts = np.array([f"caption {i}" for i in range(N)], dtype=object)
    some = texts.copy()
    some[5] = None
    aligner = quick().fit({"audio": views["audio"], "text": texts})
    found = aligner.impute(
        {"audio": views["audio"], "text": some}, "text", reference={"text": texts}
    )
    assert found.values[5] == texts[found.donor[5]]
    bytes_ = np.arange(N * 4, dtype=np.uint8).reshape(N, 4)
    aligner = quick().fit({"audio": views["audio"], "pixels": bytes_})
    masked = [None if i == 5 else row for i, row in enumerate(bytes_)]
    found = aligner.impute(
        Modalities({"audio": views["audio"], "pixels": masked}),
        "pixels",
        reference={"pixels": bytes_},
    )
    assert found.values.dtype == np.uint8
    counts = sp.csr_array(np.eye(N, 60))
    aligner = quick().fit({"audio": views["audio"], "counts": counts})
    found = aligner.impute({"audio": views["audio"]}, "counts", reference={"counts": counts})
    assert found.values.toarray().argmax(axis=1).tolist() == found.donor.tolist()
    frame = pd.DataFrame(views["image"], columns=list("abcd"), index=[f"r{i}" for i in range(N)])
    aligner = quick().fit({"audio": views["audio"], "image": frame})
    holes = frame.copy()
    holes.loc["r7"] = np.nan
    found = aligner.impute(
        {"audio": views["audio"], "image": holes}, "image", reference={"image": frame}
    )
    assert found.values.index.tolist() == frame.index.tolist()
    assert found.values.drop("r7").equals(frame.drop("r7"))
    assert found.values.loc["r7"].tolist() == frame.iloc[found.donor[7]].tolist()


def test_a_data_frame_has_the_row_names_of_the_other_modality(views, quick):
    names = [f"r{i}" for i in range(N)]
    X = {name: pd.DataFrame(rows, index=names).add_prefix(name) for name, rows in views.items()}
    found = quick().fit(X).impute({"audio": X["audio"]}, "image", reference=X)
    assert found.values.index.tolist() == names


def test_sparse_rows_and_a_dense_reference(views, quick):
    counts = np.eye(N, 60)
    aligner = quick().fit({"audio": views["audio"], "counts": sp.csr_array(counts)})
    X = {"audio": views["audio"], "counts": sp.csr_array(lacking(counts, [4]))}
    for reference in (counts, sp.csr_array(counts)):
        found = aligner.impute(X, "counts", reference={"counts": reference})
        expected = np.eye(N, 60)
        expected[4] = counts[found.donor[4]]
        np.testing.assert_array_equal(found.values.toarray(), expected)


def test_tables(views, table, quick):
    aligner = quick().fit(views["audio"], views["image"])
    X = views["audio"], lacking(views["image"], [4])
    found = aligner.impute(X, "y", reference=(views["audio"], views["image"]))
    assert found.donor[4] >= 0
    assert aligner.impute(views["audio"], "y", reference=X).values.shape == (N, 4)
    cut = {"audio": slice(0, 5), "image": slice(5, 9)}
    some = table.copy()
    some[4, 5:] = np.nan
    found = quick(cut).fit(table).impute(some, "image", reference=table)
    assert found.values.shape == (N, 4)
    assert np.flatnonzero(found.donor >= 0).tolist() == [4]


ERRORS = {
    "an unknown modality": (lambda v: (v, "imgae", v), "Did you mean 'image'"),
    "no other modality": (lambda v: ({"image": v["image"]}, "image", v), "must have another"),
    "no donor": (
        lambda v: ({"audio": v["audio"]}, "image", {"image": v["image"] * np.nan}),
        "no row of reference has modality 'image'",
    ),
    "a reference without it": (
        lambda v: ({"audio": v["audio"]}, "image", {"audio": v["audio"]}),
        "reference must have modality 'image'",
    ),
    "a row without any": (
        lambda v: ({"audio": lacking(v["audio"], [2, 9])}, "image", v),
        r"row 2 lacks every modality.*\(2 row\(s\)",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_what_cannot_be_imputed(case, views, fitted):
    make, message = ERRORS[case]
    X, modality, reference = make(views)
    with pytest.raises(ValueError, match=message):
        fitted.impute(X, modality, reference=reference)
