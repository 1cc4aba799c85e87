"""Scorers by name: what they measure, in scikit-learn's searches, and what they refuse."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mibsk import ClassPairs, IBAligner, Modalities
from mibsk.encoders import MLP
from mibsk.metrics import (
    cka,
    get_scorer,
    get_scorer_names,
    leakage,
    median_rank,
    modality_gap,
    mutual_knn,
    recall_at_k,
)

from .draws import related

N = 120


def new(**params):
    small = {"n_components": 3, "max_epochs": 1, "encoders": MLP(hidden=(8,)), "random_state": 0}
    return IBAligner(**{**small, **params})


@pytest.fixture(scope="module")
def data():
    X, Y = related(0, n=N)
    return {"a": X, "b": Y}


@pytest.fixture(scope="module")
def fitted(data):
    return new().fit(data)


def test_every_name_gives_a_number(fitted, data):
    y = pd.DataFrame({"sign": data["a"][:, 0] > 0, "size": data["a"][:, 1]})
    assert get_scorer_names() == sorted(get_scorer_names())
    for name in get_scorer_names():
        scorer = get_scorer(name)
        assert np.isfinite(scorer(fitted, data, y)), name
        assert repr(scorer) == f"get_scorer({name!r})"


def test_scores_are_the_metrics(fitted, data):
    z, w = fitted.embed(data).values()
    assert get_scorer("cka")(fitted, data) == cka(z, w)
    assert get_scorer("cka_unbiased")(fitted, data) == cka(z, w, unbiased=True)
    assert get_scorer("neg_modality_gap")(fitted, data) == -modality_gap(z, w)
    assert get_scorer("mutual_knn", k=3)(fitted, data) == mutual_knn(z, w, k=3)
    both = [recall_at_k(z, w, k=5), recall_at_k(w, z, k=5)]
    assert get_scorer("recall_at_5")(fitted, data) == pytest.approx(np.mean(both))
    ranks = [median_rank(z, w), median_rank(w, z)]
    assert get_scorer("neg_median_rank")(fitted, data) == -np.mean(ranks)
    y = data["a"][:, 0] > 0
    expected = np.mean([leakage(z, y), leakage(w, y)])
    assert get_scorer("neg_leakage")(fitted, data, y) == -expected
    assert get_scorer("kept")(fitted, data, y) == expected


def test_the_score_of_the_aligner_is_recall_at_1(fitted, data):
    assert get_scorer("recall_at_1")(fitted, data) == pytest.approx(fitted.score(data))


def test_three_modalities_count_all_pairs():
    X, Y = related(0, n=N)
    data = {"a": X, "b": Y, "c": X + Y}
    aligner = new().fit(data)
    z = aligner.embed(data)
    pairs = [cka(z["a"], z["b"]), cka(z["a"], z["c"]), cka(z["b"], z["c"])]
    assert get_scorer("cka")(aligner, data) == pytest.approx(np.mean(pairs))


def test_a_search_by_several_scores(data):
    names = ["cka", "recall_at_1", "neg_leakage"]
    sent = {name: pickle.loads(pickle.dumps(get_scorer(name))) for name in names}  # as to a process
    search = GridSearchCV(new(), {"beta": [0.0, 1.0]}, scoring=sent, refit="recall_at_1", cv=2).fit(
        Modalities(data), data["a"][:, 0] > 0
    )
    for name in names:
        assert np.isfinite(search.cv_results_[f"mean_test_{name}"]).all()
    assert (search.cv_results_["mean_test_neg_leakage"] <= 0).all()


def test_pipelines_and_two_tables(data):
    table = np.hstack(list(data.values()))
    cut = {"a": slice(0, 6), "b": slice(6, None)}
    pipeline = make_pipeline(StandardScaler(), new(modalities=cut))
    scores = cross_val_score(pipeline, table, scoring=get_scorer("cka"), cv=2)
    assert ((scores > 0) & (scores <= 1)).all()
    scores = cross_val_score(new(), data["a"], data["b"], scoring=get_scorer("cka"), cv=2)
    assert ((scores > 0) & (scores <= 1)).all()


def test_partners_of_a_class_all_count():
    X, Y = related(0, n=N)
    classes = np.arange(N) % 3
    pairs = ClassPairs({"a": (X, classes), "b": (Y, classes)})
    aligner = new().fit(pairs)
    assert get_scorer("recall_at_1")(aligner, pairs) == pytest.approx(aligner.score(pairs))


def test_a_column_called_labels_is_a_column(data):
    table = pd.DataFrame(data["a"]).add_prefix("a").rename(columns={"a0": "labels"})
    aligner = new().fit(table, data["b"])
    score = get_scorer("recall_at_1")(aligner, table, data["b"])
    assert score == pytest.approx(aligner.score(table, data["b"]))


def test_scorers_travel(fitted, data):
    scorer = get_scorer("mutual_knn", k=3)
    again = pickle.loads(pickle.dumps(scorer))
    assert again(fitted, data) == scorer(fitted, data)
    assert repr(scorer) == "get_scorer('mutual_knn', k=3)"


def test_bad_use(fitted, data):
    with pytest.raises(ValueError, match=r"unknown scorer 'recall_at1'.*Did you mean 'recall_at_"):
        get_scorer("recall_at1")
    with pytest.raises(TypeError, match=r"needs an estimator with `embed`.*got PCA"):
        get_scorer("cka")(PCA().fit(data["a"]), data["a"])
    with pytest.raises(ValueError, match="'neg_leakage' reads labels y"):
        get_scorer("neg_leakage")(fitted, data)
    with pytest.raises(ValueError, match="'kept' reads labels y"):
        get_scorer("kept")(new().fit(*data.values()), *data.values())
    with pytest.raises(ValueError, match=r"'cka' compares modalities, got \['a'\] alone"):
        get_scorer("cka")(fitted, {"a": data["a"]})
