"""Stores and their location, and runs that are resumed."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import nullcontext, suppress

import pytest

mlflow = pytest.importorskip("mlflow")

from mibsk.tracking import continue_run, sqlite_uri, tracked_run, use_store  # noqa: E402


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


@pytest.mark.parametrize("name", ["a?b=c", "50%20x #é"])
def test_a_store_may_have_any_path(tmp_path, forget_store, name):
    file = tmp_path / name / "mlflow.db"
    use_store(file, "first")
    with mlflow.start_run() as run:
        mlflow.log_text("there", "note.txt")
    assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/note.txt") == "there"
    assert file.is_file()
    use_store(file, "first")
    assert [r.info.run_id for r in runs("first")] == [run.info.run_id]
    assert sorted(p.name for p in (tmp_path / name).iterdir()) == ["mlflow.db", "mlruns"]
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_the_store_of_the_environment_is_used(tmp_path, forget_store, monkeypatch):
    uri = sqlite_uri(tmp_path / "elsewhere.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    use_store(None, "first")
    with mlflow.start_run() as run:
        pass
    assert mlflow.MlflowClient(uri).get_run(run.info.run_id).info.status == "FINISHED"


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


@pytest.mark.parametrize(
    ("error", "status"),
    [(None, "FINISHED"), (OSError, "FAILED"), (KeyboardInterrupt, "KILLED")],
)
def test_a_run_says_how_it_ended(store, error, status):
    expected = nullcontext() if error is None else pytest.raises(error)
    with expected, tracked_run("one"):
        if error is not None:
            raise error
    (only,) = runs()
    assert (only.info.run_name, only.info.status) == ("one", status)
    assert mlflow.active_run() is None


@pytest.fixture
def _default_interrupt():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_default_interrupt")
def test_a_run_of_a_training_that_caught_ctrl_c_was_killed(store):
    before = signal.getsignal(signal.SIGINT)
    with tracked_run("one"), suppress(KeyboardInterrupt):  # as skorch does
        signal.raise_signal(signal.SIGINT)
    assert [run.info.status for run in runs()] == ["KILLED"]
    assert signal.getsignal(signal.SIGINT) is before


def test_handlers_of_the_program_are_kept(store):
    def own(number, frame):
        pass

    before = signal.signal(signal.SIGTERM, own)
    try:
        with tracked_run("one"):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert [run.info.status for run in runs()] == ["FINISHED"]


TRAIN = """
import signal, sys, time
import mlflow
from mibsk.tracking import tracked_run, use_store
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it in the background
use_store(sys.argv[1], "tests")
with tracked_run("one"):
    print("started", flush=True)
    time.sleep(100)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_run_whose_process_was_killed_does_not_stay_running(store, number):
    with subprocess.Popen(
        [sys.executable, "-c", TRAIN, str(store)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"started\n"
        use_store(store, "tests")  # the process still runs
        assert [run.info.status for run in runs()] == ["RUNNING"]
        process.send_signal(number)
        process.wait(30)
        assert process.returncode != 0
    if number == signal.SIGKILL:
        assert [run.info.status for run in runs()] == ["RUNNING"]
        use_store(store, "tests")
    assert [run.info.status for run in runs()] == ["KILLED"]


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
