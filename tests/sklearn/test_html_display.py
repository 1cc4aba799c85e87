"""How estimators show themselves in a notebook."""

import re

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_html_repr

from mibsk import ModalityEncoder, OnnxEncoder
from mibsk.encoders import MLP


def text_of(html: str) -> str:
    """Return what a reader sees, with one space between words."""
    body = re.sub(r"<(style|script).*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def nested(aligner, first):
    """Every way in which an aligner stands inside something else."""
    return {
        "alone": aligner,
        "pipeline": make_pipeline(aligner, LogisticRegression()),
        "encoder": ModalityEncoder(aligner, first),
        "pipeline of an encoder": make_pipeline(
            ModalityEncoder(aligner, first), LogisticRegression()
        ),
    }


@pytest.mark.parametrize("fitted", [False, True], ids=["unfitted", "fitted"])
@pytest.mark.parametrize("where", ["alone", "pipeline", "encoder", "pipeline of an encoder"])
def test_parameters_are_shown(data, where, fitted):
    first = "x" if data.name == "pair" else "audio"
    aligner = data.aligner(beta=0.375, encoders={first: MLP(hidden=(17,))})
    estimator = nested(aligner, first)[where]
    if fitted:
        estimator.fit(data.X, data.labels)
    before = repr(data.X)
    shown = text_of(estimator._repr_html_())
    assert "IBAligner" in shown
    assert "beta 0.375" in shown
    assert "MLP(hidden=(17,))" in shown
    assert ("Not fitted" not in shown) == fitted
    assert repr(data.X) == before


def test_learned_attributes_are_shown(data):
    shown = text_of(data.aligner().fit(data.X, data.Y)._repr_html_())
    for name in ("modality_names_", "temperature_", "n_iter_", "net_"):
        assert name in shown
    shown = text_of(
        ModalityEncoder(data.aligner(), "x" if data.name == "pair" else "audio")
        .fit(data.X, data.Y)
        ._repr_html_()
    )
    assert "aligner_ IBAligner" in shown


def test_in_a_column_transformer(table):
    around = ColumnTransformer([("shared", table.aligner(), list(table.X.columns))])
    for estimator in (around, around.fit(table.X)):
        assert "IBAligner" in text_of(estimator_html_repr(estimator))


def test_encoder_of_a_trained_aligner(mapping):
    encoder = mapping.aligner(beta=0.375).fit(mapping.X).encoder("audio")
    shown = text_of(encoder._repr_html_())
    assert "FrozenEstimator" in shown
    assert "Not fitted" not in shown


def test_file_that_is_not_there(tmp_path):
    """A display looks at all attributes, and must not fail for want of a file."""
    encoder = OnnxEncoder(tmp_path / "later.onnx")
    assert "later.onnx" in text_of(encoder._repr_html_())
    assert "later.onnx" in text_of(make_pipeline(encoder, LogisticRegression())._repr_html_())


def test_modalities_show_rows_and_types(mapping):
    assert repr(mapping.X) == "Modalities(60 rows; audio: float64[5], image: float64[4])"
    assert not hasattr(mapping.X, "_repr_html_")
    assert np.isfinite(mapping.X["audio"]).all()
