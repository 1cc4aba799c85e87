"""Sample weights: past the aligner to the classifier behind it, and to the score of an aligner.

`fit` of an aligner takes groups, and no weights. A weight of two must be worth a row that is there
twice, and in a contrastive loss over random batches it cannot be: the second row would be a
negative of the first.
"""

import numpy as np
import pytest
import sklearn
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline

from mibsk import CanonicalBottleneck, IBAligner, ModalityEncoder

from .conftest import QUICK


@pytest.fixture(autouse=True)
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def weights(data):
    """Those that are up count a hundred times."""
    return np.where(data.labels == "up", 100.0, 1.0)


def weighted(step):
    """A pipeline whose classifier wants the weights, in fit and in score."""
    classifier = LogisticRegression().set_fit_request(sample_weight=True)
    return make_pipeline(step, classifier.set_score_request(sample_weight=True))


@pytest.mark.parametrize("step", ["aligner", "encoder"])
def test_pipeline_gives_the_weights_to_the_classifier(data, weights, step):
    first = "x" if data.name == "pair" else "audio"
    step = data.aligner() if step == "aligner" else ModalityEncoder(data.aligner(), first)
    pipeline = weighted(step).fit(data.X, data.labels, sample_weight=weights)
    Z = pipeline[0].transform(data.X)
    by_hand = LogisticRegression().fit(Z, data.labels, sample_weight=weights)
    np.testing.assert_array_equal(pipeline[-1].coef_, by_hand.coef_)
    assert not np.allclose(by_hand.coef_, LogisticRegression().fit(Z, data.labels).coef_)
    assert pipeline.score(data.X, data.labels, sample_weight=weights) == by_hand.score(
        Z, data.labels, sample_weight=weights
    )


def test_cross_validation_with_weights(data, weights):
    scorer = get_scorer("accuracy").set_score_request(sample_weight=True)
    done = cross_validate(
        weighted(data.aligner()),
        data.X,
        data.labels,
        scoring=scorer,
        cv=3,
        params={"sample_weight": weights},
        return_estimator=True,
        return_indices=True,
        error_score="raise",
    )
    by_hand = []
    for model, test in zip(done["estimator"], done["indices"]["test"], strict=True):
        X = data.X.iloc[test] if data.name == "table" else data.X[test]
        correct = model.predict(X) == data.labels[test]
        by_hand.append((np.average(correct, weights=weights[test]), correct.mean()))
    with_weights, without = np.transpose(by_hand)
    np.testing.assert_allclose(done["test_score"], with_weights)
    assert not np.allclose(with_weights, without)


def test_grid_search_with_weights(data, weights):
    search = GridSearchCV(
        weighted(data.aligner(max_epochs=1)),
        {"ibaligner__beta": [0.0, 1.0]},
        scoring=get_scorer("accuracy").set_score_request(sample_weight=True),
        cv=2,
        error_score="raise",
    ).fit(data.X, data.labels, sample_weight=weights)
    best = data.aligner(max_epochs=1, beta=search.best_params_["ibaligner__beta"])
    best = weighted(best).fit(data.X, data.labels, sample_weight=weights)
    np.testing.assert_array_equal(search.best_estimator_[-1].coef_, best[-1].coef_)


def test_score_of_an_aligner_takes_weights(data, weights):
    aligner = data.aligner().set_score_request(sample_weight=True)
    done = cross_validate(
        aligner,
        data.X,
        data.Y,
        cv=3,
        params={"sample_weight": weights},
        return_estimator=True,
        return_indices=True,
        error_score="raise",
    )
    for fold, test in enumerate(done["indices"]["test"]):
        X = data.X.iloc[test] if data.name == "table" else data.X[test]
        Y = None if data.Y is None else data.Y[test]
        z, w = done["estimator"][fold].embed(X, Y).values()
        found = [(s.argmax(axis=1) == np.arange(len(test))) for s in (z @ w.T, w @ z.T)]
        by_hand = np.average(found, axis=1, weights=weights[test]).mean()
        assert done["test_score"][fold] == pytest.approx(by_hand)
        assert by_hand != pytest.approx(np.mean(found))
    search = GridSearchCV(aligner, {"beta": [0.0, 1.0]}, cv=2, error_score="raise")
    assert 0 <= search.fit(data.X, data.Y, sample_weight=weights).best_score_ <= 1


def test_weights_that_were_not_requested(data, weights):
    """`score` accepts weights, so that scikit-learn wants a request to be set or not."""
    with pytest.raises(UnsetMetadataPassedError, match=r"IBAligner\.score"):
        GridSearchCV(data.aligner(), {"beta": [0.0]}, cv=2).fit(
            data.X, data.Y, sample_weight=weights
        )
    assert data.aligner().get_metadata_routing().fit.requests == {"groups": None}


@pytest.mark.parametrize("step", ["aligner", "encoder", "closed form"])
def test_groups_reach_the_aligner_and_the_splitter(data, step):
    """In a search over a pipeline, each fold holds out whole groups, and so does each `fit`."""
    groups = np.repeat(np.arange(15), 4)
    seen = []

    def recorded(kind):
        class Recorded(kind):
            def fit(self, X, y=None, *, groups=None):
                seen.append(groups)
                return super().fit(X, y, groups=groups)

        return Recorded

    aligner = recorded(IBAligner)(data.modalities, **{**QUICK, "early_stopping": True})
    first = {
        "aligner": aligner.set_fit_request(groups=True),
        "encoder": recorded(ModalityEncoder)(
            data.aligner(), "x" if data.name == "pair" else "audio"
        ).set_fit_request(groups=True),
        "closed form": recorded(CanonicalBottleneck)(modalities=data.modalities).set_fit_request(
            groups=True
        ),
    }[step]
    done = cross_validate(
        make_pipeline(first, LogisticRegression()),
        data.X,
        data.labels,
        cv=GroupKFold(3),
        params={"groups": groups},
        return_indices=True,
        error_score="raise",
    )
    assert len(seen) == 3
    for given, train, test in zip(seen, *done["indices"].values(), strict=True):
        np.testing.assert_array_equal(given, groups[train])
        assert not set(groups[train]) & set(groups[test])


def test_groups_that_were_not_requested(data):
    """As of any estimator of scikit-learn whose `fit` takes groups."""
    groups = np.repeat(np.arange(15), 4)
    search = GridSearchCV(data.aligner(), {"beta": [0.0]}, cv=GroupKFold(2))
    with pytest.raises(UnsetMetadataPassedError, match=r"IBAligner\.fit"):
        search.fit(data.X, data.Y, groups=groups)
