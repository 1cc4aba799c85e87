"""The pipeline, run by DVC: its outputs, and the stages that a change of parameters reruns."""

import json
import os
import re
import signal
import urllib.request
from itertools import product

import matplotlib.image
import numpy as np
import pytest

from mibsk import IBAligner
from mibsk.bundle import Bundle
from mibsk.datasets import load_bunch

mlflow = pytest.importorskip("mlflow")

from mibsk.tracking import fetch_bundle, load_model  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated"),
]

MODELS = ["infonce", "ib", "canonical"]
SEEDS = [0, 1]
TRAININGS = [f"train@{model}" for model in MODELS]
STAGES = ["prepare", *TRAININGS, "evaluate", "export", "index", "register", "report"]
FIGURES = [
    "curves.png",
    "directions_canonical.png",
    "information.png",
    "similarity.png",
    "spaces.png",
]
SHARED, NUISANCES = {"scale", "pos_x"}, {"shape", "orientation", "pos_y"}


@pytest.fixture(scope="module")
def done(check_out):
    """A copy in which the whole pipeline was run."""
    checkout = check_out()
    ran = checkout.repro()
    assert sorted(ran) == sorted(STAGES)
    return checkout


@pytest.fixture(scope="module")
def client(done):
    return mlflow.MlflowClient(f"sqlite:///{done.path / 'mlflow.db'}")


@pytest.fixture(scope="module")
def runs(client):
    """Runs in MLflow, by name."""
    (experiment,) = client.search_experiments(filter_string="name = 'mibsk'")
    found = client.search_runs([experiment.experiment_id])
    assert len(found) == len({run.info.run_name for run in found})
    return {run.info.run_name: run for run in found}


@pytest.fixture(scope="module")
def evaluation(done):
    return json.loads((done.path / "metrics" / "evaluate.json").read_text())


def test_models_are_measured(evaluation):
    assert list(evaluation) == MODELS
    for entry in evaluation.values():
        assert entry["n_seeds"] == len(SEEDS)
        for measured in (entry, entry["sd"]):
            assert set(measured["recall_at_1"]) == {"image_to_factors", "factors_to_image"}
            assert set(measured["leakage"]) == set(measured["leakage_mlp"]) == NUISANCES
            assert set(measured["kept"]) == SHARED
            fractions = [measured["cka"], measured["mutual_knn"]]
            for key in ("recall_at_1", "leakage", "leakage_mlp", "kept"):
                fractions += measured[key].values()
            assert all(0 <= value <= 1 for value in fractions)
        assert entry["temperature"] > 0
        assert entry["modality_gap"] >= 0
    assert len({entry["modality_gap"] for entry in evaluation.values()}) == len(MODELS)
    assert evaluation["ib"]["n_components"] == 64 > evaluation["canonical"]["n_components"]


def test_the_closed_form_is_compared_with_the_others(done, evaluation):
    comparison = json.loads((done.path / "metrics" / "comparison.json").read_text())
    assert list(comparison) == ["infonce", "ib"]
    for name, found in comparison.items():
        difference = (
            evaluation["canonical"]["leakage"]["pos_y"] - evaluation[name]["leakage"]["pos_y"]
        )
        assert found["leakage.pos_y"]["value"] == pytest.approx(difference)
        assert {entry["n"] for entry in found.values()} == {len(SEEDS)}
        assert all(entry["low"] <= entry["value"] <= entry["high"] for entry in found.values())


def test_onnx_files_agree_with_the_model(done):
    data = load_bunch(done.path / "data" / "test").data
    aligner = IBAligner.load(done.path / "models" / "canonical" / "seed0.safetensors")
    bundle = Bundle(done.path / "exports")
    assert bundle.modalities == ["image", "factors"]
    for name, expected in aligner.embed(data).items():
        np.testing.assert_allclose(bundle.embed(name, data[name]), expected, rtol=0, atol=1e-5)


def test_the_bundle_describes_the_run(done, runs, evaluation):
    manifest = Bundle(done.path / "exports").manifest
    assert manifest.name == "mibsk"
    assert manifest.data.name == "Rendered sprites"
    assert manifest.data.licence.startswith("as mibsk")
    assert set(manifest.data.units) == set(manifest.encoders)
    run = runs["canonical-seed0"]
    assert manifest.training["run_id"] == run.info.run_id
    recall = manifest.metrics["recall_at_1"]["image_to_factors"]
    assert recall["value"] == evaluation["canonical"]["recall_at_1"]["image_to_factors"]
    low, high = recall["interval"]
    assert low < recall["value"] < high
    assert set(manifest.metrics["leakage"]) == NUISANCES


def test_the_test_rows_are_searched_as_make_serve_does(done):
    options = ["--index", "index", "--port", "0", "--no-access-log"]
    process = done.start("python", "-m", "mibsk", "serve", "exports", *options)
    try:
        (address,) = next(
            found for line in process.stdout if (found := re.findall("is served at (.*)", line))
        )

        def get(path, question=None):
            body = None if question is None else json.dumps(question).encode()
            kind = {"Content-Type": "application/json"}
            return urllib.request.urlopen(urllib.request.Request(f"{address}{path}", body, kind))

        assert "<html" in get("/").read().decode()
        summary = json.load(get("/index"))["modalities"]
        assert {name: each["n_rows"] for name, each in summary.items()} == {
            "image": 150,
            "factors": 150,
        }
        assert {"scale", "pos_x", "shape"} <= set(summary["image"]["columns"])
        query = {"modality": "image", "id": "007"}
        where = {"scale": [0, 1, 2]}
        question = {"query": query, "modality": "factors", "k": 5, "where": where}
        results = json.load(get("/search", question))["results"]
        assert len(results) == 5
        assert all(each["metadata"]["scale"] <= 2 for each in results)
        assert get("/index/image/rows/007/content").headers["Content-Type"] == "image/png"
        assert get("/index/factors/rows/007/content").read().decode().startswith("scale ")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_pictures(done, name):
    picture = matplotlib.image.imread(done.path / "reports" / name)
    height, width, _ = picture.shape
    assert width > 600
    assert height > 200
    assert picture[..., :3].std() > 0.01


def test_plots_of_dvc_are_the_figures(done, tmp_path):
    done.run("dvc", "plots", "show", "--out", str(tmp_path))
    shown = {file.name for file in (tmp_path / "static").iterdir()}
    assert shown == {f"workspace_reports_{name}" for name in FIGURES if "directions" not in name}


def test_every_model_and_seed_has_a_run(runs):
    assert sorted(runs) == sorted(f"{model}-seed{seed}" for model, seed in product(MODELS, SEEDS))
    for name, run in runs.items():
        model, seed = name.split("-seed")
        assert run.info.status == "FINISHED"
        assert run.data.tags["model"] == model
        assert run.data.params["random_state"] == seed
        betas = {"infonce": 0.0, "ib": 3.0, "canonical": 1.0}
        assert float(run.data.params["beta"]) == betas[model]
        assert run.data.params["max_epochs"] == "2"


def test_runs_have_the_curves_of_training(done, client, runs):
    for name, run in runs.items():
        model, seed = name.split("-seed")
        aligner = IBAligner.load(done.path / "models" / model / f"seed{seed}.safetensors")
        for key in ("train_loss", "train_sufficiency", "train_minimality", "temperature"):
            curve = client.get_metric_history(run.info.run_id, key)
            assert [(m.step, m.value) for m in curve] == [
                (epoch["epoch"], epoch[key]) for epoch in aligner.history_
            ]
            assert len(curve) == 2


def test_runs_have_the_measures(runs, evaluation):
    for model in MODELS:
        measured = [runs[f"{model}-seed{seed}"].data.metrics for seed in SEEDS]
        entry = evaluation[model]
        for key, value in (
            ("test.cka", entry["cka"]),
            ("test.leakage.shape", entry["leakage"]["shape"]),
            ("test.recall_at_1.image_to_factors", entry["recall_at_1"]["image_to_factors"]),
        ):
            assert np.mean([metrics[key] for metrics in measured]) == value
        sd = np.std([metrics["test.cka"] for metrics in measured], ddof=1)
        assert entry["sd"]["cka"] == sd


def test_runs_have_figures_and_a_model(done, client, runs):
    models = {
        model.source_run_id: model
        for model in client.search_logged_models([next(iter(runs.values())).info.experiment_id])
        if model.name == "model"
    }
    for name, run in runs.items():
        figures = {file.path for file in client.list_artifacts(run.info.run_id, "figures")}
        assert {f"figures/{figure}" for figure in FIGURES} < figures
        assert run.info.artifact_uri.startswith((done.path / "mlruns").as_uri())
        model, seed = name.split("-seed")
        logged = load_model(models[run.info.run_id].artifact_location)
        kept = IBAligner.load(done.path / "models" / model / f"seed{seed}.safetensors")
        assert logged.history_ == kept.history_
        assert logged.callbacks is None
        root = {file.path for file in client.list_artifacts(run.info.run_id)}
        assert ("seed0.correlations.csv" in root) == (name == "canonical-seed0")


def test_the_registered_alias_loads(done, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{done.path / 'mlflow.db'}")
    data = load_bunch(done.path / "data" / "test").data
    kept = IBAligner.load(done.path / "models" / "canonical" / "seed0.safetensors")
    registered = load_model("models:/mibsk@champion")
    assert np.array_equal(registered.transform(data), kept.transform(data))
    fetched = Bundle(fetch_bundle("models:/mibsk@champion"))
    assert fetched.digest == Bundle(done.path / "exports").digest


def test_the_alias_follows_the_exports(done, tmp_path, monkeypatch):
    data = load_bunch(done.path / "data" / "test").data
    with done.copy(tmp_path) as changed:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{changed.path / 'mlflow.db'}")
        for model, ran in [
            ("ib", ["export", "register"]),
            ("infonce", ["export", "register"]),
            ("ib", ["register"]),  # the exports are in the cache
        ]:
            changed.set_params(**{"export.model": model})
            assert changed.repro("register") == ran
            kept = IBAligner.load(changed.path / "models" / model / "seed0.safetensors")
            registered = load_model("models:/mibsk@champion")
            assert np.array_equal(registered.transform(data), kept.transform(data))
        versions = mlflow.MlflowClient().search_model_versions("name = 'mibsk'")
        assert len(versions) == 3  # with that of `done`


def test_a_clone_pulls_the_results(done, tmp_path):
    with done.copy(tmp_path) as pushed:
        pushed.run("dvc", "remote", "add", "--default", "here", str(tmp_path / "remote"))
        pushed.run("git", "add", "--all")
        pushed.run("git", "commit", "--quiet", "--message", "results")
        pushed.run("dvc", "push")
        clone = type(done)(tmp_path / "clone")
        pushed.run("git", "clone", "--quiet", str(pushed.path), str(clone.path))
        clone.run("dvc", "remote", "modify", "here", "url", str(tmp_path / "remote"))
        clone.run("dvc", "pull")
        clone.run("dvc", "checkout")
        assert clone.status() == {}
        assert "MLflow runs:   none here" in clone.run("python", "-m", "pipelines.summary")
        assert not (clone.path / "mlflow.db").exists()
        assert clone.repro() == ["register"]
        assert "the model is models:/mibsk" in clone.run("python", "-m", "pipelines.summary")


def test_a_queued_experiment_is_tracked_in_the_project(done, tmp_path):
    with done.copy(tmp_path) as project:
        project.run("git", "add", "--all")
        project.run("git", "commit", "--quiet", "--message", "results")
        queued = ["--queue", "--name", "queued", "--set-param", "train.models.ib.beta=2.0"]
        project.run("dvc", "exp", "run", *queued)
        assert "WARNING" not in project.run("dvc", "exp", "run", "--run-all")
        client = mlflow.MlflowClient(f"sqlite:///{project.path / 'mlflow.db'}")
        (experiment,) = client.search_experiments(filter_string="name = 'mibsk'")
        runs = client.search_runs([experiment.experiment_id], "params.beta = '2.0'")
        assert sorted(run.info.run_name for run in runs) == [f"ib-seed{seed}" for seed in SEEDS]
        assert all("test.cka" in run.data.metrics for run in runs)
        project.run("dvc", "exp", "apply", "queued")
        assert project.status() == {}


def test_all_stages_are_up_to_date(done):
    assert done.status() == {}
    assert done.repro() == ["register"]  # which sees that there is nothing to do


def test_git_sees_only_the_lock_and_the_metrics(done):
    changed = done.run("git", "status", "--porcelain").split()[1::2]
    assert set(changed) == {"dvc.lock", "metrics/evaluate.json", "metrics/comparison.json"}


def test_summary_has_numbers_and_paths(done, evaluation):
    printed = done.run("python", "-m", "pipelines.summary")
    for text in ("infonce, beta=0.0", "ib, beta=3.0", "canonical, beta=1.0", "contrastive alone"):
        assert text in printed
    line, differences = re.findall(r"^alignment: CKA.*$", printed, re.M)
    assert differences.count("[") == 2
    assert [f"{evaluation[model]['cka']:.3f}" in line for model in MODELS] == [True] * 3
    for place in ("mibsk/reports/", *FIGURES, "mibsk/exports/", "make serve", "mibsk/mlflow.db"):
        assert place in printed
    assert "models:/mibsk@champion" in printed


def test_another_k_reruns_only_the_evaluation(done, evaluation, tmp_path):
    with done.copy(tmp_path) as changed:
        changed.set_params(**{"evaluate.k": 3})
        assert list(changed.status()) == ["evaluate"]
        assert changed.repro("evaluate") == ["evaluate"]
        # whose bundle has the measures
        assert changed.repro("register") == ["export", "register"]
        again = json.loads((changed.path / "metrics" / "evaluate.json").read_text())
        assert set(changed.status()) == {"index", "report"}
    for model in MODELS:
        assert again[model]["mutual_knn"] != evaluation[model]["mutual_knn"]
        assert again[model]["cka"] == evaluation[model]["cka"]


@pytest.mark.parametrize(
    ("parameter", "value", "stage"),
    [
        ("train.models.ib.beta", 1.0, ["train@ib"]),
        ("train.models.infonce.beta", 0.1, ["train@infonce"]),
        ("train.seeds", [0, 1, 2], sorted(TRAININGS)),
        ("train.encoders.spoken_digits.audio", "mlp", []),
        ("prepare.test_size", 0.5, ["prepare"]),
        ("prepare.spoken_digits.n_mels", 20, []),
        ("export.model", "ib", ["export"]),
        ("evaluate.compared", "ib", ["evaluate"]),
        ("names.ib", "the paper", ["report"]),
    ],
)
def test_a_changed_parameter_reruns_only_its_stage(done, tmp_path, parameter, value, stage):
    with done.copy(tmp_path) as changed:
        changed.set_params(**{parameter: value})
        assert sorted(changed.status()) == stage
