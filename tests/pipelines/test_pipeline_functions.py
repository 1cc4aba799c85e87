"""Functions of the pipeline's scripts."""

import json
import re
import shutil
import subprocess
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.utils import Bunch

pytest.importorskip("mlflow")
pytest.importorskip("tabulate")

from mibsk import ClassPairs, IBAligner
from mibsk.bundle import Display
from mibsk.cli import main
from mibsk.data import InputSpec
from mibsk.datasets import make_sprites, split_bunch
from mibsk.metrics import alignment_report, leakage, mutual_knn
from pipelines import index, prepare, stage, summary, ui
from pipelines.comparison import compare
from pipelines.described import data_source, metrics_of
from pipelines.evaluate import flatten, measure, reduce_entries, shared_classes
from pipelines.intervals import over_seeds

MEASURED = {"cka": 0.25, "recall_at_1": {"a_to_b": 1.0, "b_to_a": 0.5}}


def test_seeds_are_reduced_entry_by_entry():
    other = {"cka": 0.75, "recall_at_1": {"a_to_b": 0.0, "b_to_a": 0.5}}
    mean = reduce_entries([MEASURED, other], np.mean)
    assert mean == {"cka": 0.5, "recall_at_1": {"a_to_b": 0.5, "b_to_a": 0.5}}
    assert reduce_entries([MEASURED, other], max)["recall_at_1"] == {"a_to_b": 1.0, "b_to_a": 0.5}
    assert type(mean["cka"]) is float  # as JSON needs it
    assert reduce_entries([MEASURED], np.mean) == MEASURED


def test_a_model_is_compared_with_each_other_one_seed_by_seed():
    measured = {
        "a": [{"cka": 0.5}, {"cka": 0.75}],
        "b": [{"cka": 1.0}, {"cka": 1.25}],
        "ours": [{"cka": 0.75}, {"cka": 0.75}],
    }
    found = compare(measured, "ours")
    assert list(found) == ["a", "b"]
    assert found["b"]["cka"] == asdict(over_seeds([-0.25, -0.5]))
    assert found["a"]["cka"]["low"] < 0 < found["a"]["cka"]["high"]


def test_one_seed_is_not_compared():
    assert compare({"a": [{"cka": 0.5}], "ours": [{"cka": 1.0}]}, "ours") == {}


def test_flat_keys_are_paths():
    assert flatten(MEASURED) == {
        "cka": 0.25,
        "recall_at_1.a_to_b": 1.0,
        "recall_at_1.b_to_a": 0.5,
    }
    assert flatten({"a": {"b": {"c": 1.0}}}) == {"a.b.c": 1.0}
    assert flatten({}) == {}


def test_rows_have_the_same_class_if_all_shared_factors_agree():
    labels = pd.DataFrame({"x": [0, 0, 1, 1, 0], "y": [0, 1, 0, 1, 0], "z": range(5)})
    test = Bunch(data={"image": None}, labels={"image": labels}, shared=["x", "y"])
    assert shared_classes(test).tolist() == [0, 1, 2, 3, 0]
    assert shared_classes(Bunch(**test | {"shared": ["x"]})).tolist() == [0, 0, 1, 1, 0]


def test_classes_are_those_of_the_anchor():
    pairs = ClassPairs(
        {"image": (np.zeros((4, 1)), [0, 1, 0, 1]), "audio": (np.zeros((2, 1)), [1, 0])},
        anchor="audio",
    )
    labels = {
        "image": pd.DataFrame({"digit": [0, 1, 0, 1]}),
        "audio": pd.DataFrame({"digit": [1, 0]}),
    }
    assert shared_classes(Bunch(data=pairs, labels=labels, shared=["digit"])).tolist() == [1, 0]


@pytest.mark.filterwarnings("ignore::mibsk.exceptions.DuplicateRowsWarning")  # factors repeat
def test_measures_are_of_the_test_rows():
    sprites = make_sprites(800, image_size=8, shared=["scale", "pos_x"], random_state=0)
    train, test = split_bunch(sprites, test_size=0.25, random_state=0)
    aligner = IBAligner(n_components=8, max_epochs=2, random_state=0).fit(train.data)
    Z, Z_test = aligner.embed(train.data), aligner.embed(test.data)

    measured = measure(aligner, train, test, k=4)
    assert measured["mutual_knn"] == mutual_knn(Z_test["image"], Z_test["factors"], k=4)
    classes = test.labels["image"].groupby(["scale", "pos_x"]).ngroup().to_numpy()
    aligned = alignment_report(Z_test, k=4, labels=classes)
    assert {key: measured[key] for key in aligned} == aligned

    found = {
        name: leakage(
            Z[name], train.labels[name], Z_test=Z_test[name], labels_test=test.labels[name]
        )
        for name in ("image", "factors")
    }
    assert measured["leakage"] == {
        name: found["image"][name] for name in ("shape", "orientation", "pos_y")
    }
    for name in ("scale", "pos_x"):
        by_modality = {key: found[key][name] for key in found}
        assert measured["kept_by_modality"][name] == by_modality
        assert measured["kept"][name] == pytest.approx(np.mean(list(by_modality.values())))
    assert measured["temperature"] == aligner.temperature_
    json.dumps(measured)  # plain numbers


@pytest.fixture
def evaluation():
    def entry(shift, n_seeds):
        numbers = {
            "cka": 0.5 + shift,
            "mutual_knn": 0.25,
            "recall_at_1": {"image_to_text": 0.125 + shift, "text_to_image": 0.75},
            "leakage": {"pos_y": 0.0625},
            "leakage_mlp": {"pos_y": 0.125},
            "kept": {"scale": 1.0},
            "temperature": 0.07,
            "modality_gap": 0.9,
            "n_components": 64,
        }
        return numbers | {"n_seeds": n_seeds, "sd": reduce_entries([numbers], lambda v: v[0] / 10)}

    return lambda n_seeds: {"infonce": entry(0, n_seeds), "ib": entry(0.25, n_seeds)}


def test_a_cell_is_mean_and_deviation(evaluation):
    entry = evaluation(3)["ib"]
    assert summary.cell(entry, ("cka",)) == "0.750 ± 0.075"
    assert summary.cell(entry, ("recall_at_1", "image_to_text")) == "0.375 ± 0.037"


def test_a_cell_of_one_seed_has_no_deviation(evaluation):
    assert summary.cell(evaluation(1)["ib"], ("recall_at_1", "image_to_text")) == "0.375"


def test_a_bundle_has_the_measures_with_intervals_over_seeds(evaluation):
    found = metrics_of(evaluation(3)["infonce"])
    half = 4.302653 * 0.05 / 3**0.5  # Student's t with two degrees of freedom
    assert found["cka"]["interval"] == pytest.approx([0.5 - half, 0.5 + half])
    assert found["leakage"]["pos_y"]["value"] == 0.0625
    assert "n_components" not in found
    alone = metrics_of(evaluation(1)["infonce"])
    assert alone["recall_at_1"] == {
        "image_to_text": {"value": 0.125},
        "text_to_image": {"value": 0.75},
    }


def test_a_bundle_has_source_and_licence_of_the_data():
    source = data_source("sprites", make_sprites(4, image_size=8, random_state=0).DESCR)
    assert source.name == "Rendered sprites"
    assert source.licence == "as mibsk; no file of dSprites is used"
    assert source.source.startswith("rendered when called, after")
    assert source.units["image"] == "grey level, 0 to 255"


TITLES = [
    "alignment: CKA",
    "alignment: mutual k-NN",
    "recall@1 image to text",
    "recall@1 text to image",
    "leaked: pos_y",
    "leaked to an MLP: pos_y",
    "kept: scale",
    "temperature",
    "modality gap",
    "dimensions",
]


def cells(table):
    """Return the rows below the headers as lists of cells."""
    _, below = re.split(r"^[- ]+$", table, flags=re.M)
    return [re.split(r"  +", row.strip()) for row in below.strip().splitlines()]


def test_the_table_has_a_row_per_measure_and_a_column_per_model(evaluation):
    table = summary.measured_table(evaluation(1), {"infonce": "alone", "ib": "paper"})
    assert re.match(r"test rows, 1 seed\(s\) +alone +paper", table)
    assert [row[0] for row in cells(table)] == TITLES
    assert cells(table)[0] == ["alignment: CKA", "(higher is better)", "0.500", "0.750"]
    assert cells(table)[4] == ["leaked: pos_y", "(lower is better)", "0.062", "0.062"]


def test_the_table_of_differences_has_a_column_per_model_compared_with(evaluation):
    found = evaluation(2)
    measured = {
        name: [flatten(entry["sd"] | {"cka": cka}) for cka in (entry["cka"], entry["cka"] + 0.1)]
        for name, entry in found.items()
    }
    headers = {"infonce": "alone", "ib": "paper"}
    table = summary.compared_table(found, compare(measured, "ib"), headers, "ib less ...")
    assert re.match(r"ib less ... +alone$", table.splitlines()[0])
    assert [row[0] for row in cells(table)] == TITLES
    assert cells(table)[0][-1] == "+0.250 [+0.250, +0.250]"


def test_error_names_the_unknown_dataset():
    with pytest.raises(ValueError, match=r"must be sprites or spoken_digits, got 'mnist'"):
        prepare.load({"dataset": "mnist", "random_state": 0})


def test_index_lists_the_trained_models(monkeypatch, tmp_path):
    monkeypatch.setattr(stage, "MODELS", tmp_path)
    (tmp_path / "ib").mkdir()
    trained = [stage.TrainedModel("ib", seed, f"run{seed}", f"models:/m-{seed}") for seed in (3, 1)]
    stage.write_index("ib", trained)
    assert stage.trained_models("ib") == trained
    assert trained[0].run_name == "ib-seed3"
    assert trained[0].file == tmp_path / "ib" / "seed3.safetensors"


def test_queued_experiments_use_the_store_of_the_project(monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(stage, "ROOT", tmp_path / "project")
    assert stage.store_file() == tmp_path / "project" / "mlflow.db"
    assert not stage.is_copy()
    monkeypatch.setattr(stage, "ROOT", tmp_path / "project" / ".dvc" / "tmp" / "exps" / "a1")
    assert stage.store_file() == tmp_path / "project" / "mlflow.db"
    assert stage.is_copy()


def test_the_store_of_the_environment_is_used(monkeypatch):
    used = []
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://server:5000")
    monkeypatch.setattr(stage, "use_store", lambda *arguments: used.append(arguments))
    stage.track()
    assert used == [(None, "mibsk")]
    assert stage.store_uri() == "http://server:5000"
    assert "http://server:5000" in summary.runs_line("mibsk")


def test_summary_does_not_name_a_store_that_is_not_there(monkeypatch, tmp_path):
    file = tmp_path / "mlflow.db"
    monkeypatch.setattr(summary, "store_file", lambda: file)
    assert "none here" in summary.runs_line("mibsk")
    file.touch()
    assert "mibsk/mlflow.db" in summary.runs_line("mibsk")


def test_links_lead_to_the_runs_of_each_experiment(monkeypatch):
    found = [Bunch(name="mibsk-paper", experiment_id="2"), Bunch(name="mibsk", experiment_id="1")]
    monkeypatch.setattr(ui.mlflow, "search_experiments", lambda filter_string: found)
    assert ui.links("http://here").splitlines() == [
        "mibsk        http://here/#/experiments/1/runs",
        "mibsk-paper  http://here/#/experiments/2/runs",
    ]


def test_make_serve_runs_a_command_of_mibsk():
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    command = [make, "--dry-run", "serve", "READY=", "PORT=8123"]
    printed = subprocess.run(
        command, cwd=stage.ROOT, capture_output=True, text=True, check=True
    ).stdout
    (arguments,) = re.findall(r"mibsk serve (.*)", printed)
    serve = main.get_command(None, "serve")
    params = serve.make_context("serve", arguments.split()).params  # raises for unknown options
    assert (params["bundle"], params["index"]) == (stage.EXPORTS.name, stage.INDEX.name)
    assert params["port"] == 8123


def test_partners_have_the_same_id_and_other_rows_do_not():
    labels = pd.DataFrame({"digit": range(12)})
    paired = Bunch(data={"a": None, "b": None}, labels={"a": labels, "b": labels})
    assert index.ids_of(paired, "a")[:2] == index.ids_of(paired, "b")[:2] == ["00", "01"]
    pairs = ClassPairs({"a": (np.zeros((2, 1)), [0, 1]), "b": (np.zeros((2, 1)), [1, 0])})
    by_class = Bunch(data=pairs, labels={"a": labels[:2], "b": labels[:2]})
    assert index.ids_of(by_class, "a") == ["a-0", "a-1"]


def test_rows_that_are_not_pictures_are_shown_in_words():
    spec = InputSpec("factors", "dense", (3,))
    files = {"factors": SimpleNamespace(input=spec, display=Display.of(spec))}
    bundle = SimpleNamespace(manifest=SimpleNamespace(encoders=files))
    labels = pd.DataFrame({"scale": [1, 2], "shape": ["heart", "square"]})
    test = Bunch(data={"factors": np.eye(3, dtype=np.float32)[:2]}, labels={"factors": labels})
    contents = index.contents_of(bundle, test, "factors")
    assert [each.data.decode() for each in contents] == [
        "scale 1, shape heart",
        "scale 2, shape square",
    ]
    assert contents[0].media_type.startswith("text/plain")
