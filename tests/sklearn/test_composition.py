"""Aligners and encoders as steps: pipelines, column transformers, unions, clones, parameters."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from mibsk import ModalityEncoder
from mibsk.encoders import MLP

FIRST = {"mapping": "audio", "table": "audio", "pair": "x"}  # what the first modality is called


def test_pipeline(data):
    pipeline = make_pipeline(data.aligner(), LogisticRegression()).fit(data.X, data.labels)
    assert pipeline.score(data.X, data.labels) > 0.7
    aligner, classifier = pipeline
    embedded = data.aligner().fit(data.X, data.labels).transform(data.X)
    np.testing.assert_array_equal(aligner.transform(data.X), embedded)
    np.testing.assert_array_equal(pipeline.predict(data.X), classifier.predict(embedded))


def test_pipeline_after_a_scaler(data):
    """No step of scikit-learn takes a mapping but one made of a function."""
    if data.name == "mapping":
        scaler = FunctionTransformer(lambda X: {name: rows / 10 for name, rows in X.items()})
    else:
        scaler = StandardScaler().set_output(transform="pandas")
    pipeline = make_pipeline(scaler, data.aligner(), LogisticRegression())
    assert pipeline.fit(data.X, data.labels).score(data.X, data.labels) > 0.7


def test_pipeline_that_learns_from_all_modalities_and_predicts_from_one(data):
    encoder = ModalityEncoder(data.aligner(), FIRST[data.name])
    pipeline = make_pipeline(encoder, LogisticRegression()).fit(data.X, data.labels)
    if data.name == "table":
        alone = {"audio": data.X[[c for c in data.X if c.startswith("audio")]]}
    else:
        alone = data.X["audio"] if data.name == "mapping" else data.X
    np.testing.assert_array_equal(pipeline.predict(alone), pipeline.predict(data.X))
    assert pipeline.score(alone, data.labels) > 0.7


def test_column_transformer_before(table):
    """A mapping has no columns to select; of two tables, `Y` passes a transformer by."""
    prepare = make_column_transformer(
        (StandardScaler(), table.modalities["audio"]),
        ("passthrough", table.modalities["image"]),
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    pipeline = make_pipeline(prepare, table.aligner(), LogisticRegression())
    assert pipeline.fit(table.X, table.labels).score(table.X, table.labels) > 0.7


@pytest.mark.parametrize("form", ["table", "pair"])
def test_column_transformer_around(form, request):
    """What an aligner makes of some columns, beside another column."""
    data = request.getfixturevalue(form)
    columns = list(range(1, data.X.shape[1])) if form == "pair" else list(data.X.columns)
    around = ColumnTransformer([("shared", data.aligner(), columns), ("rest", "passthrough", [0])])
    found = around.fit_transform(data.X, data.labels)
    selected = data.X[:, 1:] if form == "pair" else data.X
    expected = data.aligner().fit(selected, data.labels).transform(selected)
    np.testing.assert_array_equal(found[:, :-1], expected.astype(found.dtype))
    np.testing.assert_array_equal(found[:, -1], np.asarray(data.X)[:, 0])
    names = around.get_feature_names_out()
    assert names[0] == ("shared__audio_0" if form == "table" else "shared__ibaligner0")


def test_feature_union(data):
    first = FIRST[data.name]
    union = FeatureUnion(
        [("all", data.aligner()), ("one", ModalityEncoder(data.aligner(n_components=3), first))]
    ).fit(data.X, data.labels)
    found = union.transform(data.X)
    np.testing.assert_array_equal(found, union.fit_transform(data.X, data.labels))
    aligner = data.aligner(n_components=3).fit(data.X, data.labels)
    np.testing.assert_array_equal(found[:, -3:], aligner.embed(data.X)[first])
    names = union.get_feature_names_out()
    assert len(set(names)) == found.shape[1]
    assert names[-1] == "one__modalityencoder2"


def test_feature_union_with_another_transformer(pair):
    """Of an aligner that is trained already, beside principal components of the same rows."""
    encoder = pair.aligner().fit(pair.X, pair.Y).encoder("x")
    union = FeatureUnion([("shared", encoder), ("pca", PCA(2))])
    found = make_pipeline(union, LogisticRegression()).fit(pair.X, pair.labels)[0].transform(pair.X)
    np.testing.assert_array_equal(found[:, :4], encoder.transform(pair.X))


def test_fit_transform(pair):
    """A pair of two tables, as for `CCA`; one array where `y` is what a pipeline predicts."""
    aligner = pair.aligner().fit(pair.X, pair.Y)
    expected = aligner.transform(pair.X, pair.Y)
    for z, w in zip(pair.aligner().fit_transform(pair.X, pair.Y), expected, strict=True):
        np.testing.assert_array_equal(z, w)
    for target in (pair.labels, pair.Y[:, 0]):
        alone = pair.aligner().fit(pair.X, target).transform(pair.X)
        np.testing.assert_array_equal(pair.aligner().fit_transform(pair.X, target), alone)


def test_clone(data):
    aligner = data.aligner(beta=0.7, encoders=MLP(hidden=(8,))).fit(data.X, data.Y)
    pipeline = clone(make_pipeline(aligner, LogisticRegression()))
    for cloned in (clone(aligner), pipeline[0]):
        assert not cloned.__sklearn_is_fitted__()
        assert repr(cloned) == repr(aligner)
        assert cloned.encoders is not aligner.encoders
        cloned.fit(data.X, data.Y)
        np.testing.assert_array_equal(cloned.transform(data.X), aligner.transform(data.X))


def test_set_params_of_nested_encoders(data):
    first = FIRST[data.name]
    encoders = {first: (mlp := MLP(hidden=(8,)))}
    encoder = ModalityEncoder(data.aligner(encoders=encoders), first)
    pipeline = make_pipeline(encoder, LogisticRegression())
    path = f"modalityencoder__aligner__encoders__{first}__hidden"
    assert pipeline.get_params()[path] == (8,)
    pipeline.set_params(**{path: (6, 7)}, modalityencoder__aligner__beta=0.5)
    trained = pipeline.fit(data.X, data.labels)[0].aligner_
    widths = [
        m.num_features
        for m in trained.module_.encoder(first).modules()
        if hasattr(m, "num_features")
    ]
    assert widths == [6, 7]
    assert trained.beta == 0.5
    assert (encoders, mlp.hidden) == ({first: mlp}, (8,)), "the user's own was changed"
    with pytest.raises(ValueError, match="hiden"):
        pipeline.set_params(**{path.replace("hidden", "hiden"): (3,)})
