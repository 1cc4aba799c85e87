"""Curves in MLflow equal the history of the aligner."""

import sys

import pytest

from mibsk import IBAligner
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
    command = r"pip install 'mibsk\[tracking\]'"
    with pytest.raises(NotInstalledError, match=command):
        use_store(tmp_path / "mlflow.db", "tests")
    with pytest.raises(NotInstalledError, match=command):
        IBAligner(callbacks=[MlflowCallback()], **SETTINGS).fit(rows)
