"""Names of the output, and data frames of pandas and polars."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline

from mibsk import ModalityEncoder

FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame}
NAMES = {
    "mapping": [f"{modality}_{i}" for modality in ("audio", "image") for i in range(4)],
    "table": [f"{modality}_{i}" for modality in ("audio", "image") for i in range(4)],
    "pair": [f"ibaligner{i}" for i in range(4)],
}


@pytest.mark.parametrize("container", FRAMES)
def test_aligner(data, container):
    aligner = data.aligner().fit(data.X, data.Y)
    plain = aligner.transform(data.X)
    frame = aligner.set_output(transform=container).transform(data.X)
    assert type(frame) is FRAMES[container]
    assert list(frame.columns) == list(aligner.get_feature_names_out()) == NAMES[data.name]
    np.testing.assert_array_equal(frame.to_numpy(), plain)
    assert (
        type(data.aligner().set_output(transform=container).fit_transform(data.X, data.labels))
        is (FRAMES[container])
    )


@pytest.mark.parametrize("container", FRAMES)
def test_one_modality(data, container):
    encoder = ModalityEncoder(data.aligner(), "x" if data.name == "pair" else "audio")
    encoder.set_output(transform=container)
    frame = encoder.fit(data.X, data.Y).transform(data.X)
    assert type(frame) is FRAMES[container]
    assert list(frame.columns) == list(encoder.get_feature_names_out())
    assert list(frame.columns) == [f"modalityencoder{i}" for i in range(4)]
    embedded = encoder.aligner_.embed(data.X)
    np.testing.assert_array_equal(frame.to_numpy(), embedded[encoder.modality])


@pytest.mark.parametrize("container", FRAMES)
def test_through_a_pipeline(data, container):
    """A union of aligners hands a data frame with all names to the classifier."""
    union = FeatureUnion(
        [("few", data.aligner(n_components=2)), ("one", data.aligner(n_components=1))]
    )
    pipeline = make_pipeline(union, LogisticRegression()).set_output(transform=container)
    pipeline.fit(data.X, data.labels)
    names = list(pipeline[-1].feature_names_in_)
    assert names == list(pipeline[:-1].get_feature_names_out())
    assert len(set(names)) == len(names) == pipeline[-1].n_features_in_


def test_by_configuration(data):
    with sklearn.config_context(transform_output="polars"):
        assert isinstance(data.aligner().fit(data.X, data.Y).transform(data.X), pl.DataFrame)


def test_the_index_of_pandas_is_kept(table):
    table.X.index = [f"row {i}" for i in range(len(table.X))]
    aligner = table.aligner().set_output(transform="pandas").fit(table.X)
    assert list(aligner.transform(table.X[10:20]).index) == list(table.X.index[10:20])


def test_a_table_of_polars(table):
    """As input it gives what the same table of pandas gives."""
    frame = pl.from_pandas(table.X)
    aligner = table.aligner().fit(frame)
    np.testing.assert_array_equal(
        aligner.transform(frame), table.aligner().fit(table.X).transform(table.X)
    )
    assert list(aligner.feature_names_in_) == list(table.X.columns)
    encoder = ModalityEncoder(table.aligner(), "image").fit(frame)
    np.testing.assert_array_equal(encoder.transform(frame), aligner.embed(frame)["image"])


@pytest.mark.parametrize("fusion", ["concat", "mean", "audio"])
def test_names_of_fused_modalities(mapping, fusion):
    aligner = mapping.aligner(fusion=fusion).fit(mapping.X)
    names = aligner.get_feature_names_out()
    expected = [f"ibaligner{i}" for i in range(4)]
    assert list(names) == (NAMES["mapping"] if fusion == "concat" else expected)
    assert len(names) == aligner.transform(mapping.X).shape[1]


def test_two_tables_give_a_frame_and_an_array(pair):
    """scikit-learn wraps the first of a pair, as for its own cross-decomposition."""
    aligner = pair.aligner().set_output(transform="pandas").fit(pair.X, pair.Y)
    x, y = aligner.transform(pair.X, pair.Y)
    assert (type(x), type(y)) == (pd.DataFrame, np.ndarray)
