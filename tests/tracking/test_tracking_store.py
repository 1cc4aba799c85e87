"""Stores and their location, and runs that are resumed."""

import sqlite3

import pytest

mlflow = pytest.importorskip("mlflow")

from mibsk.tracking import continue_run, use_store  # noqa: E402


def runs(name: str = "tests"):
    return mlflow.search_runs(experiment_names=[name], output_format="list")


def test_store_is_a_sqlite_file_with_artifacts_beside_it(tmp_path, forget_store):
    folder = tmp_path / "a new folder"
    file = folder / "mlflow.db"
    use_store(file, "first")
    with mlflow.start_run() as run:
        mlflow.log_text("there", "note.txt")
    assert run.info.artifact_uri.startswith((folder / "mlruns").as_uri())
    assert [p.read_text() for p in (folder / "mlruns").rglob("note.txt")] == ["there"]
    with sqlite3.connect(file) as database:
        stored = database.execute("select run_uuid from runs").fetchall()
    database.close()
    assert stored == [(run.info.run_id,)]
    assert sorted(p.name for p in folder.iterdir()) == ["mlflow.db", "mlruns"]
    assert [p.name for p in tmp_path.iterdir()] == ["a new folder"]


def test_a_store_is_created_as_a_whole_or_not_at_all(tmp_path, forget_store, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(client):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, "search_experiments", killed)
        with pytest.raises(Killed):
            use_store(tmp_path / "mlflow.db", "tests")
    assert list(tmp_path.iterdir()) == []
    use_store(tmp_path / "mlflow.db", "tests")
    with mlflow.start_run() as run:
        pass
    assert [r.info.run_id for r in runs()] == [run.info.run_id]


def test_an_experiment_is_created_once(store):
    with mlflow.start_run() as run:
        pass
    use_store(str(store), "another")
    use_store(store, "tests")
    with mlflow.start_run() as second:
        pass
    assert [r.info.run_id for r in runs()] == [second.info.run_id, run.info.run_id]
    assert runs("another") == []


def test_a_finished_run_is_resumed(store):
    with mlflow.start_run(run_name="one") as run:
        mlflow.log_metric("before", 1)
    with continue_run(run.info.run_id, "another name") as again:
        assert mlflow.active_run().info.run_id == run.info.run_id
        mlflow.log_metric("after", 2)
    assert again.info.run_id == run.info.run_id
    (only,) = runs()
    assert only.data.metrics == {"before": 1, "after": 2}
    assert only.info.run_name == "one"
    assert only.info.status == "FINISHED"
    assert mlflow.active_run() is None


def test_an_unknown_run_is_replaced_by_a_new_one(store):
    with continue_run("0" * 32, "one") as run:
        mlflow.log_metric("after", 2)
    (only,) = runs()
    assert only.info.run_id == run.info.run_id != "0" * 32
    assert (only.info.run_name, only.data.metrics) == ("one", {"after": 2})


def test_a_deleted_run_is_replaced_by_a_new_one(store):
    with mlflow.start_run(run_name="one") as run:
        pass
    mlflow.delete_run(run.info.run_id)
    with continue_run(run.info.run_id, "one") as again:
        pass
    assert [r.info.run_id for r in runs()] == [again.info.run_id]
    assert again.info.run_id != run.info.run_id


@pytest.mark.parametrize("known", [True, False])
def test_an_error_inside_marks_the_run_as_failed(store, known):
    with mlflow.start_run() as run:
        pass
    with (
        pytest.raises(KeyError, match="oops"),
        continue_run(run.info.run_id if known else "0" * 32, "one") as continued,
    ):
        raise KeyError("oops")
    assert mlflow.get_run(continued.info.run_id).info.status == "FAILED"
    assert mlflow.active_run() is None
