"""Searches and cross-validation over aligners, alone and with a classifier behind."""

import numpy as np
import pytest
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import make_pipeline

from mibsk import ModalityEncoder
from mibsk.encoders import MLP

GRID = {"temperature": ["learned", 0.2], "n_components": [1, 4]}
NESTED = {"encoders__audio__hidden": [(1,), (16,)], "encoders__audio__dropout": [0.0, 0.5]}
SEARCHES = {
    "grid": lambda estimator, grid: GridSearchCV(estimator, grid, cv=2, error_score="raise"),
    "randomized": lambda estimator, grid: RandomizedSearchCV(
        estimator, grid, n_iter=2, cv=2, random_state=0, error_score="raise"
    ),
    "halving": lambda estimator, grid: HalvingGridSearchCV(
        estimator, grid, factor=2, min_resources=30, cv=2, random_state=0, error_score="raise"
    ),
}
N_TRIED = {"grid": 4, "randomized": 2, "halving": 4 + 2}


@pytest.mark.parametrize("kind", SEARCHES)
def test_search_over_the_parameters_of_an_aligner(data, kind):
    search = SEARCHES[kind](data.aligner(max_epochs=1), GRID).fit(data.X, data.Y)
    scores = search.cv_results_["mean_test_score"]
    assert len(scores) == N_TRIED[kind]
    assert len(set(scores)) > 1, "the parameters changed nothing"
    again = data.aligner(max_epochs=1, **search.best_params_).fit(data.X, data.Y)
    np.testing.assert_array_equal(search.transform(data.X), again.transform(data.X))


@pytest.mark.parametrize("kind", SEARCHES)
def test_search_over_the_parameters_of_an_encoder(data, kind):
    first = "x" if data.name == "pair" else "audio"
    grid = {key.replace("audio", first): values for key, values in NESTED.items()}
    aligner = data.aligner(max_epochs=1, encoders={first: MLP()})
    search = SEARCHES[kind](aligner, grid).fit(data.X, data.Y)
    trained = search.best_estimator_.module_.encoder(first).modules()
    widths = [layer.num_features for layer in trained if hasattr(layer, "num_features")]
    assert widths == list(search.best_params_[f"encoders__{first}__hidden"])


@pytest.mark.parametrize("kind", SEARCHES)
def test_search_with_a_classifier_behind(data, kind):
    """The labels are the classifier's; only where there is a second table are they a modality."""
    pipeline = make_pipeline(data.aligner(max_epochs=1), LogisticRegression())
    grid = {f"ibaligner__{key}": values for key, values in GRID.items()}
    search = SEARCHES[kind](pipeline, grid).fit(data.X, data.labels)
    assert search.predict(data.X).shape == data.labels.shape
    assert search.score(data.X, data.labels) > 0.5


def test_search_over_all_modalities_predicts_from_one(mapping):
    encoder = ModalityEncoder(mapping.aligner(max_epochs=1), "image")
    search = GridSearchCV(
        make_pipeline(encoder, LogisticRegression()),
        {
            "modalityencoder__aligner__beta": [0.0, 1.0],
            "modalityencoder__modality": list(mapping.X),
        },
        cv=2,
        error_score="raise",
    ).fit(mapping.X, mapping.labels)
    alone = {search.best_params_["modalityencoder__modality"]: None}
    alone = {name: mapping.X[name] for name in alone}
    np.testing.assert_array_equal(search.predict(alone), search.predict(mapping.X))


def test_cross_validation_of_an_aligner_scores_retrieval(data):
    scores = cross_val_score(data.aligner(), data.X, data.Y, cv=3, error_score="raise")
    held_out = np.arange(20)  # the first of three folds
    rest = np.arange(20, 60)
    X, Y = data.X, data.Y
    take = (lambda X, i: X.iloc[i]) if data.name == "table" else (lambda X, i: X[i])
    train, test = ((take(X, i), None if Y is None else Y[i]) for i in (rest, held_out))
    assert scores[0] == data.aligner().fit(*train).score(*test)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_cross_validation_with_a_classifier_behind(data):
    pipeline = make_pipeline(data.aligner(max_epochs=4, lr=5e-3), LogisticRegression())
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    done = cross_validate(
        pipeline,
        data.X,
        data.labels,
        cv=folds,
        scoring=["accuracy", "roc_auc"],
        return_train_score=True,
        return_estimator=True,
        return_indices=True,
        error_score="raise",
    )
    assert done["test_accuracy"].mean() > 0.7
    assert done["test_roc_auc"].mean() > 0.7
    np.testing.assert_array_equal(
        cross_val_score(pipeline, data.X, data.labels, cv=folds), done["test_accuracy"]
    )
    predicted = cross_val_predict(pipeline, data.X, data.labels, cv=folds)
    for test, accuracy in zip(done["indices"]["test"], done["test_accuracy"], strict=True):
        assert (predicted[test] == data.labels[test]).mean() == accuracy


def test_learning_curve(data):
    sizes, _, scores = learning_curve(
        data.aligner(max_epochs=1), data.X, data.Y, train_sizes=[10, 40], cv=3, error_score="raise"
    )
    assert (list(sizes), scores.shape) == ([10, 40], (2, 3))


def test_two_jobs_find_what_one_finds(data):
    """Bit for bit: scores, choice, and the embeddings of the chosen."""
    grid = {"beta": [0.0, 1.0]}
    one, two = (
        GridSearchCV(
            data.aligner(), grid, cv=2, n_jobs=n, return_train_score=True, error_score="raise"
        ).fit(data.X, data.Y)
        for n in (1, 2)
    )
    timings = ("fit_time", "score_time")
    for key, values in one.cv_results_.items():
        if not any(timing in key for timing in timings):
            np.testing.assert_array_equal(values, two.cv_results_[key])
    np.testing.assert_array_equal(one.transform(data.X), two.transform(data.X))


def test_data_are_not_changed(data):
    before = {k: v.copy() for k, v in data.X.items()} if data.name == "mapping" else data.X.copy()
    GridSearchCV(data.aligner(max_epochs=1), {"beta": [0.0, 1.0]}, cv=2).fit(data.X, data.Y)
    if data.name == "mapping":
        assert list(data.X) == list(before)
        assert all(np.array_equal(data.X[name], before[name]) for name in before)
    else:
        np.testing.assert_array_equal(data.X, before)
