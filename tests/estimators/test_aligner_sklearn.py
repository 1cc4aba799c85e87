"""Copies of an aligner, and what scikit-learn's tools make of real data (more in tests/sklearn)."""

import copy
import pickle

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mibsk import ClassPairs, IBAligner, Modalities

CUT = {"left": slice(0, 32), "right": slice(32, 64)}


def by_joblib(aligner, folder):
    joblib.dump(aligner, folder / "aligner.joblib")
    return joblib.load(folder / "aligner.joblib")


COPIES = {
    "pickle": lambda aligner, folder: pickle.loads(pickle.dumps(aligner)),
    "joblib": by_joblib,
    "deepcopy": lambda aligner, folder: copy.deepcopy(aligner),
}


@pytest.mark.parametrize("kind", COPIES)
@pytest.mark.parametrize("form", ["mapping", "table", "pair"])
def test_copies_embed_alike(views, table, quick, tmp_path, kind, form):
    args = {"mapping": (views,), "table": (table,), "pair": (views["audio"], views["image"])}[form]
    cut = {"audio": [0, 1, 2, 3, 4], "image": slice(5, 9)} if form == "table" else None
    aligner = quick(cut, early_stopping=True, validation_fraction=0.2).fit(*args)
    copied = COPIES[kind](aligner, tmp_path)
    for name, z in aligner.embed(*args).items():
        np.testing.assert_array_equal(copied.embed(*args)[name], z)
    assert copied.history_ == aligner.history_
    assert copied.temperature_ == aligner.temperature_


def test_a_copy_is_of_one_piece(views, quick):
    """Its optimizer and objective hold the parameters of its own module."""
    aligner = quick(warm_start=True).fit(views)
    for copied in (pickle.loads(pickle.dumps(aligner)), copy.deepcopy(aligner)):
        net = copied.net_
        own = {id(p) for p in net.module_.parameters()}
        assert {id(p) for group in net.optimizer_.param_groups for p in group["params"]} == own
        assert net.criterion_ is net.module_.objective
        assert net.module is net.module_
        assert not own & {id(p) for p in aligner.module_.parameters()}


def test_no_data_in_a_pickle(quick):
    rng = np.random.default_rng(0)
    sizes = []
    for n_rows in (60, 6000):
        data = {"a": rng.normal(size=(n_rows, 5)), "b": rng.normal(size=(n_rows, 4))}
        aligner = quick(
            max_epochs=1, batch_size=-1, early_stopping=True, validation_fraction=0.5
        ).fit(data)
        sizes.append(len(pickle.dumps(aligner)))
    assert abs(sizes[1] - sizes[0]) < 200


def test_weights_are_stored_once(views, quick):
    aligner = quick(optimizer="SGD").fit(views)
    n_bytes = sum(value.nbytes for value in aligner.module_.state_dict().values())
    assert len(pickle.dumps(aligner)) < n_bytes + 50_000


def test_cross_validation_of_class_pairs(quick):
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    pairs = ClassPairs(
        {name: (labels[:, None] + rng.normal(size=(60, 3)), labels) for name in "ab"},
        random_state=0,
    )
    scores = cross_val_score(quick(), pairs, pairs.labels, cv=3, error_score="raise")
    assert scores.shape == (3,)


def test_train_test_split(views):
    train, test = train_test_split(views, test_size=0.25, random_state=0)
    assert (type(train), len(train), len(test)) == (Modalities, 36, 12)


def test_pipeline_of_scaler_aligner_classifier(halves, quick):
    """The labels reach the classifier, and pass the aligner by."""
    n = 400
    table = np.hstack([half[:n].reshape(n, -1) for half in halves.data.values()])
    digits = halves.labels["left"]["digit"].to_numpy()[:n]
    aligner = quick(CUT, n_components=16, max_epochs=5, batch_size=64)
    pipeline = make_pipeline(StandardScaler(), aligner, LogisticRegression(max_iter=500))
    scores = cross_val_score(pipeline, table, digits, cv=2, error_score="raise")
    assert scores.mean() > 0.7
    search = GridSearchCV(pipeline, {"ibaligner__beta": [0.1, 1.0]}, cv=2, error_score="raise")
    assert search.set_params(estimator__ibaligner__max_epochs=1).fit(table, digits).best_params_


def test_shown_without_defaults():
    assert repr(IBAligner(beta=2.0)) == "IBAligner(beta=2.0)"
