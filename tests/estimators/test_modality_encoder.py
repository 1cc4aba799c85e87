"""The encoder of one modality as a transformer of its own."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from mibsk import ModalityEncoder


def test_equals_embed(views, quick):
    aligner = quick().fit(views)
    encoder = aligner.encoder("image")
    np.testing.assert_array_equal(encoder.transform(views["image"]), aligner.embed(views)["image"])
    assert list(encoder.get_feature_names_out()) == [f"modalityencoder{i}" for i in range(4)]


def test_of_columns_of_a_table(table, quick):
    aligner = quick({"audio": slice(0, 5), "image": slice(5, 9)}).fit(table)
    np.testing.assert_array_equal(
        aligner.encoder("image").transform(table[:, 5:]), aligner.embed(table)["image"]
    )


def test_of_two_tables(views, quick):
    X, Y = views["audio"], views["image"]
    aligner = quick().fit(X, Y)
    for name, rows, z in zip("xy", (X, Y), aligner.transform(X, Y), strict=True):
        np.testing.assert_array_equal(aligner.encoder(name).transform(rows), z)


def test_set_output_pandas(views, quick):
    encoder = quick().fit(views).encoder("audio").set_output(transform="pandas")
    assert list(encoder.transform(views["audio"]).columns) == [
        f"modalityencoder{i}" for i in range(4)
    ]


def test_a_clone_is_still_fitted(views, quick):
    """Cross-validation clones its steps; this one has nothing to fit."""
    encoder = quick().fit(views).encoder("audio")
    X, labels = views["audio"], np.arange(48) % 2
    np.testing.assert_array_equal(clone(encoder).transform(X), encoder.transform(X))
    scores = cross_val_score(make_pipeline(encoder, LogisticRegression()), X, labels, cv=3)
    assert np.isfinite(scores).all()


def test_unknown_modality(views, quick):
    aligner = quick().fit(views)
    with pytest.raises(ValueError, match=r"unknown modality 'imge'.*Did you mean 'image'"):
        aligner.encoder("imge")
    with pytest.raises(ValueError, match="unknown modality 'imge'"):
        ModalityEncoder(aligner, "imge").fit(None)
    with pytest.raises(ValueError, match="unknown modality 'imge'"):
        ModalityEncoder(aligner, "imge").transform(views["image"])


def test_unfitted_aligner(views, quick):
    encoder = ModalityEncoder(quick(), "audio")
    with pytest.raises(NotFittedError):
        encoder.transform(views["audio"])
    with pytest.raises(NotFittedError):
        encoder.fit(None)
