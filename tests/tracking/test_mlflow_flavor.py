"""Aligners as MLflow models: they load bit for bit, by folder, by run and by alias."""

import json
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from sklearn.exceptions import NotFittedError

import mibsk
from mibsk import IBAligner, IBAlignerCV, __version__

mlflow = pytest.importorskip("mlflow")

from mibsk.tracking import load_model, log_model, save_model  # noqa: E402


def assert_same(a: IBAligner, b: IBAligner, rows) -> None:
    assert b.get_params() == a.get_params()
    for name, z in a.embed(rows).items():
        assert np.array_equal(z, b.embed(rows)[name])


def assert_equal(a, b) -> None:
    assert list(a) == list(b)
    for name, z in b.items():
        assert np.array_equal(a[name], z)


def test_a_saved_model_loads_bit_for_bit(aligner, rows, tmp_path):
    save_model(aligner, tmp_path / "model")
    for where in (tmp_path / "model", (tmp_path / "model").as_uri()):
        assert_same(aligner, load_model(str(where)), rows)


def test_folder_describes_the_model(aligner, rows, tmp_path):
    save_model(aligner, tmp_path / "model")
    about = yaml.safe_load((tmp_path / "model" / "MLmodel").read_text())
    flavour = about["flavors"]["mibsk"]
    assert flavour["version"] == __version__
    assert flavour["inputs"] == {
        "audio": {"kind": "dense", "dtype": "float32", "shape": [-1, 5]},
        "image": {"kind": "dense", "dtype": "float32", "shape": [-1, 3, 4]},
    }
    assert_same(aligner, IBAligner.load(tmp_path / "model" / flavour["data"]), rows)
    outputs = json.loads(about["signature"]["outputs"])
    tensor = {"dtype": "float32", "shape": [-1, 4]}
    assert {each["name"]: each["tensor-spec"] for each in outputs} == {
        "audio": tensor,
        "image": tensor,
    }


def test_folder_has_the_package_and_what_it_needs(aligner, tmp_path):
    folder = tmp_path / "model"
    save_model(aligner, folder)
    package = Path(mibsk.__file__).parent
    assert files_of(folder / "code" / "mibsk") == files_of(package)
    requirements = (folder / "requirements.txt").read_text().splitlines()
    assert f"numpy=={np.__version__}" in requirements
    assert f"torch=={torch.__version__.partition('+')[0]}" in requirements
    project = tomllib.loads((package.parent / "pyproject.toml").read_text())["project"]
    listed = [*project["dependencies"], *project["optional-dependencies"]["train"]]
    needed = {re.match(r"[\w-]+", each).group() for each in listed}
    # the others are for reports, the command and downloads
    needed -= {"click", "jinja2", "pooch", "rich"}
    assert {each.partition("==")[0] for each in requirements} == needed | {"mlflow"}
    assert yaml.safe_load((folder / "python_env.yaml").read_text())["dependencies"] == [
        "-r requirements.txt"
    ]


def files_of(package: Path) -> dict[str, bytes]:
    files = [file for file in package.rglob("*.*") if file.suffix != ".pyc"]
    return {str(file.relative_to(package)): file.read_bytes() for file in files}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("names", [["audio"], ["image"], ["audio", "image"]])
def test_pyfunc_embeds_the_given_modalities(aligner, rows, tmp_path, dtype, names):
    given = {name: rows[name].astype(dtype) for name in names}
    save_model(aligner, tmp_path / "model")
    predicted = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(given)
    assert_equal(predicted, aligner.embed(given))
    assert {name: z.shape for name, z in predicted.items()} == dict.fromkeys(names, (60, 4))


def test_pyfunc_of_missing_rows(aligner, rows, tmp_path):
    save_model(aligner, tmp_path / "model")
    given = {"audio": [None, *rows["audio"][1:]]}
    predicted = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(given)["audio"]
    assert np.isnan(predicted[0]).all()
    np.testing.assert_allclose(predicted[1:], aligner.embed(rows)["audio"][1:], atol=1e-6)


def test_pyfunc_needs_at_least_one_modality(aligner, tmp_path):
    save_model(aligner, tmp_path / "model")
    with pytest.raises(ValueError, match="got an empty mapping; expected modalities among"):
        mlflow.pyfunc.load_model(str(tmp_path / "model")).predict({})


def test_pyfunc_of_a_table(tmp_path, rows):
    table = pd.DataFrame(rows["audio"], columns=list("abcde"))
    aligner = IBAligner({"one": ["a", "b"], "two": ["c", "d", "e"]}, n_components=3, max_epochs=1)
    aligner.fit(table)
    save_model(aligner, tmp_path / "model")
    model = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    assert_equal(model.predict(table), aligner.embed(table))
    one = {"two": table[["c", "d", "e"]].to_numpy()}
    assert_equal(model.predict(one), {"two": aligner.embed(table)["two"]})


def test_pyfunc_of_two_tables(tmp_path, rows):
    X, Y = rows["audio"], rows["audio"][:, ::-1].copy()
    aligner = IBAligner(n_components=3, max_epochs=1, random_state=0).fit(X, Y)
    save_model(aligner, tmp_path / "model")
    model = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    assert_equal(model.predict({"y": Y}), {"y": aligner.embed(X, Y)["y"]})
    assert_equal(model.predict(X), aligner.embed(X))


def test_pyfunc_refuses_pixels_of_another_scale(tmp_path, rows):
    photos = np.clip(128 + 40 * rows["image"].reshape(60, 4, 3), 0, 255).astype(np.uint8)
    pairs = {"audio": rows["audio"], "photo": photos}
    save_model(IBAligner(n_components=3, max_epochs=1).fit(pairs), tmp_path / "model")
    model = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    assert model.predict(pairs)["photo"].shape[0] == 60
    with pytest.raises(ValueError, match=r"'photo' takes uint8 rows.*Pass the raw pixels"):
        model.predict({**pairs, "photo": pairs["photo"] / 255})


def test_pyfunc_of_text(tmp_path, rows):
    highs = np.clip(np.round(4 + 2 * rows["audio"][:, 0]), 0, 8).astype(int)
    texts = np.asarray([f"{'high ' * k}{'low ' * (8 - k)}{i}" for i, k in enumerate(highs)])
    pairs = {"audio": rows["audio"], "text": texts}
    aligner = IBAligner(n_components=3, max_epochs=1, random_state=0).fit(pairs)
    save_model(aligner, tmp_path / "model")
    predicted = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(pairs)
    assert_equal(predicted, aligner.embed(pairs))


def test_own_modules_are_passed_when_the_model_is_loaded(rows, tmp_path):
    def encoders():
        return {"audio": torch.nn.Linear(5, 4)}

    aligner = IBAligner(encoders=encoders(), n_components=4, max_epochs=1).fit(rows)
    save_model(aligner, tmp_path / "model")
    uri = str(tmp_path / "model")
    with pytest.raises(ValueError, match=r"Pass them: .*encoders=\{'audio': "):
        load_model(uri)
    loaded = load_model(uri, encoders=encoders())
    assert np.array_equal(loaded.transform(rows), aligner.transform(rows))
    predicted = mlflow.pyfunc.load_model(uri, model_config={"encoders": encoders()}).predict(rows)
    assert_equal(predicted, aligner.embed(rows))


def test_pickles_of_earlier_versions_are_refused(tmp_path):
    (tmp_path / "aligner.joblib").write_bytes(b"not read")
    model = mlflow.models.Model()
    model.add_flavor("mibsk", data="aligner.joblib", version=__version__, inputs={})
    mlflow.pyfunc.add_to_model(
        model,
        loader_module="mibsk.tracking.flavor",
        data="aligner.joblib",
        pip_requirements=[f"mibsk=={__version__}"],
    )
    model.save(tmp_path / "MLmodel")
    for load in (load_model, mlflow.pyfunc.load_model):
        with pytest.raises(ValueError, match=r"aligner\.joblib is a pickle.*log it again"):
            load(str(tmp_path))


def test_no_model_of_another_flavour_is_loaded(tmp_path):
    model = mlflow.models.Model()
    model.add_flavor("sklearn", pickled_model="model.pkl")
    model.save(tmp_path / "MLmodel")
    with pytest.raises(ValueError, match=r"flavour 'mibsk', got \['sklearn'\]"):
        load_model(str(tmp_path))


@pytest.mark.parametrize("uri", ["models:/mibsk@champion", "models:/mibsk/1", "runs:/0123/model"])
def test_a_missing_store_is_named_and_not_created(forget_store, tmp_path, monkeypatch, uri):
    default = re.escape(str(tmp_path / "mlflow.db"))
    with pytest.raises(FileNotFoundError, match=f"{default}, which does not exist.*TRACKING_URI"):
        load_model(uri)
    for elsewhere in ("sqlite:///not/here.db", (tmp_path / "not%20here").as_uri()):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", elsewhere)
        with pytest.raises(FileNotFoundError, match=r"not.*here.*, which does not exist"):
            load_model(uri)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(aligner, tmp_path):
    save_model(aligner, tmp_path / "model")
    with pytest.raises(FileExistsError):
        save_model(aligner, tmp_path / "model")


def test_only_fitted_aligners_are_saved(tmp_path):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        save_model(IBAligner(), tmp_path / "model")
    with pytest.raises(TypeError, match=r"IBAlignerCV, pass its aligner_"):
        save_model(IBAlignerCV(), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_logged_model_belongs_to_its_run(store, aligner, rows):
    with mlflow.start_run() as run:
        info = log_model(aligner)
    assert info.run_id == run.info.run_id
    assert_same(aligner, load_model(info.model_uri), rows)
    assert_same(aligner, load_model(f"runs:/{run.info.run_id}/model"), rows)
    predicted = mlflow.pyfunc.load_model(info.model_uri).predict(rows)
    assert_equal(predicted, aligner.embed(rows))
    assert list(mlflow.MlflowClient().search_registered_models()) == []


def test_an_alias_moves_to_the_version_registered_last(store, aligner, rows):
    other = IBAligner(n_components=4, max_epochs=1, random_state=1).fit(rows)
    register = {"registered_model_name": "spaces", "alias": "champion"}
    with mlflow.start_run():
        first = log_model(aligner, **register)
        assert_same(aligner, load_model("models:/spaces@champion"), rows)
        second = log_model(other, **register)
    assert_same(other, load_model("models:/spaces@champion"), rows)
    assert_same(aligner, load_model("models:/spaces/1"), rows)
    versions = [str(info.registered_model_version) for info in (first, second)]
    assert versions == ["1", "2"]
    predicted = mlflow.pyfunc.load_model("models:/spaces@champion").predict(rows)
    assert_equal(predicted, other.embed(rows))


def test_registering_without_an_alias_moves_none(store, aligner, rows):
    with mlflow.start_run():
        log_model(aligner, registered_model_name="spaces", alias="champion")
        log_model(aligner, "again", registered_model_name="spaces")
    pointed = mlflow.MlflowClient().get_model_version_by_alias("spaces", "champion")
    assert str(pointed.version) == "1"


def test_an_alias_needs_a_name(store):
    unused = SimpleNamespace()
    with pytest.raises(ValueError, match="pass registered_model_name"):
        log_model(unused, alias="champion")
    assert mlflow.active_run() is None
    assert mlflow.search_runs(output_format="list") == []
