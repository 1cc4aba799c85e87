"""The paper's experiments, run by DVC in the smoke setting and in a reduced paper setting."""

import json
import re

import matplotlib.image
import pandas as pd
import pytest
import yaml

mlflow = pytest.importorskip("mlflow")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated"),
]

EXPERIMENTS = ["nuisance", "misalignment", "regulariser"]
STAGES = [f"{stage}@smoke-sprites" for stage in ("prepare", *EXPERIMENTS)]
REPRO = ("dvc", "repro", "pipelines/paper/dvc.yaml:report@smoke")


def stages_that_ran(printed):
    return [
        stage.removeprefix("pipelines/paper/dvc.yaml:")
        for stage in re.findall(r"^Running stage '(.+)':$", printed, re.M)
    ]


@pytest.fixture(scope="module")
def checkout(check_out):
    return check_out()


@pytest.fixture(scope="module")
def done(checkout):
    """A copy in which the smoke setting was run."""
    ran = stages_that_ran(checkout.run(*REPRO))
    assert sorted(ran) == sorted([*STAGES, "report@smoke"])
    return checkout


def results(checkout):
    return checkout.path / "pipelines" / "paper" / "results" / "smoke"


def test_second_run_runs_no_stage(done):
    assert stages_that_ran(done.run(*REPRO)) == []


def test_every_run_is_a_row(done):
    rows = {"nuisance": 2 * (2 + 3), "misalignment": 8, "regulariser": 2 * 2 * 3 * 2}
    for experiment, n_rows in rows.items():
        table = pd.read_csv(results(done) / "runs" / f"{experiment}-sprites.csv")
        assert len(table) == n_rows
        assert not table.isna().any().any()


def test_claims_are_in_the_table_and_in_mlflow(done):
    client = mlflow.MlflowClient(f"sqlite:///{done.path / 'mlflow.db'}")
    (experiment,) = client.search_experiments(filter_string="name = 'mibsk-paper'")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {f"{e}-sprites-smoke" for e in EXPERIMENTS}
    table = (results(done) / "claims.md").read_text()
    for run_name, run in runs.items():
        assert run.info.status == "FINISHED"
        assert run.data.params["training.aligner.lr"] == "0.001"
        file = results(done) / "runs" / f"{run_name.removesuffix('-smoke')}.json"
        claims = json.loads(file.read_text())
        assert claims
        for claim in claims:
            assert claim["low"] <= claim["value"] <= claim["high"]
            assert claim["verdict"] in ("holds", "does not hold", "undecided")
            assert run.data.metrics[claim["key"]] == claim["value"]
            assert f"[{claim['low']:.3f}, {claim['high']:.3f}]" in table


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_figures_are_pictures(done, experiment):
    file = results(done) / "figures" / f"paper-{experiment}.png"
    picture = matplotlib.image.imread(file)
    assert picture.shape[1] > 600
    assert picture[..., :3].std() > 0.01
    assert file.stat().st_size < 100_000


def test_paper_setting_runs(checkout):
    """All numbers are reduced; encoders, schedule and probes are unchanged."""
    file = checkout.path / "pipelines" / "paper" / "params.yaml"
    params = yaml.safe_load(file.read_text())
    cut = params["paper"]
    cut["prepare"]["sets"]["sprites"] |= {"n_samples": 600, "image_size": 16}
    cut["training"]["aligner"]["max_epochs"] = 1
    cut["training"]["n_jobs"] = 1
    cut["nuisance"]["seeds"] = cut["regulariser"]["seeds"] = [0, 1]
    cut["nuisance"]["knobs"] = {
        "temperature": {
            "hidden": {"sprites": ["pos_y"]},
            "levels": {"0.1": {"temperature": 0.1}, "learned": {}},
        }
    }
    cut["misalignment"]["n_splits"] = 3
    cut["regulariser"] |= {"betas": [0.0, 1.0], "temperatures": ["learned"]}
    file.write_text(yaml.safe_dump(params))
    for stage in ("prepare", *EXPERIMENTS):
        checkout.run("python", "-m", f"pipelines.paper.{stage}", "paper", "sprites")
    folder = checkout.path / "pipelines" / "paper" / "results" / "paper" / "runs"
    assert {f.name for f in folder.glob("*.csv")} == {f"{e}-sprites.csv" for e in EXPERIMENTS}
