"""Curves in MLflow equal the history of the aligner."""

import pickle
import sys

import pytest
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

from mibsk import IBAligner, IBAlignerCV, Modalities
from mibsk.exceptions import NotInstalledError

mlflow = pytest.importorskip("mlflow")

from mibsk.tracking import MlflowCallback, use_store  # noqa: E402

SETTINGS = {"n_components": 4, "batch_size": 20, "max_epochs": 3, "random_state": 0}
UNNUMBERED = {"epoch", "batches", "train_batch_count", "valid_batch_count"}


@pytest.mark.parametrize("early_stopping", [False, True])
def test_curves_equal_the_history(store, rows, early_stopping):
    aligner = IBAligner(callbacks=[MlflowCallback()], early_stopping=early_stopping, **SETTINGS)
    with mlflow.start_run() as run:
        aligner.fit(rows)
    client = mlflow.MlflowClient()
    logged = mlflow.get_run(run.info.run_id).data.metrics
    assert set(logged) == set(aligner.history_[0]) - UNNUMBERED
    assert {"train_loss", "train_sufficiency", "train_minimality", "temperature", "dur"} <= set(
        logged
    )
    assert ("valid_loss" in logged) == early_stopping
    for key in logged:
        curve = client.get_metric_history(run.info.run_id, key)
        assert [(m.step, m.value) for m in curve] == [
            (epoch["epoch"], float(epoch[key])) for epoch in aligner.history_
        ]


def children(run) -> list:
    """Nested runs of a run, in the order of their start."""
    found = mlflow.search_runs(
        filter_string=f"tags.mlflow.parentRunId = '{run.info.run_id}'",
        order_by=["attributes.start_time ASC"],
        output_format="list",
    )
    assert len({each.info.run_id for each in found}) == len(found)
    return found


def steps(run, key="train_loss") -> list[int]:
    client = mlflow.MlflowClient()
    return [point.step for point in client.get_metric_history(run.info.run_id, key)]


IN_PROCESSES = [1, pytest.param(2, marks=pytest.mark.slow)]


@pytest.mark.parametrize("n_jobs", IN_PROCESSES)
def test_each_fit_of_a_search_has_a_nested_run(store, rows, n_jobs):
    search = GridSearchCV(
        IBAligner(callbacks=[MlflowCallback()], encoders="network", **SETTINGS),
        {"beta": [0.0, 0.5]},
        cv=2,
        n_jobs=n_jobs,
    )
    with mlflow.start_run() as run:
        search.fit(Modalities(rows))
    fits = children(run)
    assert sorted(float(fit.data.params["beta"]) for fit in fits[:4]) == [0.0, 0.0, 0.5, 0.5]
    assert float(fits[4].data.params["beta"]) == search.best_params_["beta"]
    assert len(fits) == 5
    assert [steps(fit) for fit in fits] == [[1, 2, 3]] * 5
    assert {fit.info.status for fit in fits} == {"FINISHED"}
    best = search.best_estimator_.history_
    assert fits[4].data.metrics["train_loss"] == best[-1]["train_loss"]
    assert mlflow.get_run(run.info.run_id).data.metrics == {}


@pytest.mark.parametrize("n_jobs", IN_PROCESSES)
def test_each_fit_of_a_path_has_a_nested_run(store, rows, n_jobs):
    aligner = IBAligner(callbacks=[MlflowCallback()], encoders="network", **SETTINGS)
    search = IBAlignerCV(aligner, betas=[0.0, 0.5], cv=2, rule="best", path_epochs=1, n_jobs=n_jobs)
    with mlflow.start_run() as run:
        search.fit(rows)
    fits = children(run)
    paths = [(float(fit.data.params["beta"]), steps(fit)) for fit in fits]
    assert sorted(paths[:4]) == [(0.0, [1, 2, 3])] * 2 + [(0.5, [4])] * 2
    last = [(0.0, [1, 2, 3]), (0.5, [4])]
    assert paths[4:] == last[: 1 + (search.best_beta_ == 0.5)]


def test_a_second_fit_in_a_run_has_a_nested_run(store, rows):
    first, second = (
        IBAligner(callbacks=[MlflowCallback()], beta=beta, **SETTINGS) for beta in (0.0, 0.5)
    )
    with mlflow.start_run() as run:
        first.fit(rows)
        second.fit(rows)
        second.fit(rows)
    assert steps(run) == [1, 2, 3]
    assert [fit.data.params["beta"] for fit in children(run)] == ["0.5", "0.5"]
    with mlflow.start_run() as another:
        second.fit(rows)
    assert steps(another) == [1, 2, 3]
    assert children(another) == []


def test_a_warm_start_continues_the_curves(store, rows):
    aligner = IBAligner(callbacks=[MlflowCallback()], warm_start=True, **SETTINGS)
    with mlflow.start_run() as run:
        aligner.fit(rows).fit(rows)
    assert steps(run) == [1, 2, 3, 4, 5, 6]
    assert children(run) == []


def test_a_training_is_resumed_in_its_run(store, rows, tmp_path):
    settings = SETTINGS | {"checkpoint": tmp_path / "checkpoints"}
    callbacks = [StopAfter(2), MlflowCallback()]
    with pytest.raises(OSError, match="no more"), mlflow.start_run() as run:
        IBAligner(callbacks=callbacks, **settings).fit(rows)
    assert steps(run) == [1]
    callbacks = [StopAfter(9), MlflowCallback()]
    with mlflow.start_run(run_id=run.info.run_id):
        IBAligner(callbacks=callbacks, **settings).fit(rows)
    assert steps(run)[-1] == 3
    assert children(run) == []


class StopAfter(Callback):
    """Raise an error, or what is given, at the end of an epoch."""

    def __init__(self, n_epochs: int, error: type[BaseException] = OSError) -> None:
        self.n_epochs_, self.error_ = n_epochs, error

    def on_epoch_end(self, net, **kwargs):
        if net.history[-1]["epoch"] >= self.n_epochs_:
            raise self.error_("no more")

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


@pytest.mark.parametrize(("error", "status"), [(OSError, "FAILED"), (SystemExit, "KILLED")])
def test_a_nested_run_says_how_its_training_ended(store, rows, error, status):
    aligner = IBAligner(callbacks=[MlflowCallback(), StopAfter(2, error)], **SETTINGS)
    with mlflow.start_run() as run:
        mlflow.log_metric("train_loss", 0.0, step=9)  # of another fit
        with pytest.raises(error):
            aligner.fit(rows)
    assert [nested.info.status for nested in children(run)] == [status]


def test_a_saved_callback_needs_an_active_run_again(store, rows):
    with mlflow.start_run():
        saved = pickle.dumps(MlflowCallback())
    with pytest.raises(RuntimeError, match="needs an active run"):
        IBAligner(callbacks=[pickle.loads(saved)], **SETTINGS).fit(rows)


def test_tracking_does_not_change_the_model(store, rows):
    untracked = IBAligner(**SETTINGS).fit(rows)
    with mlflow.start_run():
        tracked = IBAligner(callbacks=[MlflowCallback()], **SETTINGS).fit(rows)
    assert (tracked.transform(rows) == untracked.transform(rows)).all()


def test_active_run_is_required_before_training(store, rows):
    aligner = IBAligner(callbacks=[MlflowCallback()], **SETTINGS)
    with pytest.raises(RuntimeError, match=r"needs an active run: .*mlflow.start_run"):
        aligner.fit(rows)
    assert not hasattr(aligner, "net_")
    assert mlflow.search_runs(output_format="list") == []


def test_error_without_mlflow_names_the_install_command(monkeypatch, tmp_path, rows):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    command = "pip install mlflow"
    with pytest.raises(NotInstalledError, match=command):
        use_store(tmp_path / "mlflow.db", "tests")
    with pytest.raises(NotInstalledError, match=command):
        IBAligner(callbacks=[MlflowCallback()], **SETTINGS).fit(rows)
