"""Bundles that are logged with a model, and fetched without torch."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mibsk
from mibsk import IBAligner
from mibsk.bundle import Bundle, write_bundle

mlflow = pytest.importorskip("mlflow")

from mibsk.tracking import fetch_bundle, load_model, log_model, save_model  # noqa: E402


@pytest.fixture(scope="module")
def bundle(aligner, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "any name"
    write_bundle(aligner, folder)
    return folder


@pytest.fixture
def logged(store, aligner, bundle):
    """Model `spaces` with versions 1, which has a bundle and the alias champion, and 2."""
    with mlflow.start_run():
        info = log_model(aligner, registered_model_name="spaces", alias="champion", bundle=bundle)
        log_model(aligner, "bare", registered_model_name="spaces", alias="bare")
    return info


def test_the_bundle_of_a_registered_model_embeds_as_it(logged, aligner, rows, bundle, tmp_path):
    by_run = f"runs:/{logged.run_id}/model"
    for uri in ("models:/spaces@champion", "models:/spaces/1", logged.model_uri, by_run):
        for folder in (None, tmp_path / "here"):
            found = fetch_bundle(uri, folder)
            assert folder is None or found.is_relative_to(folder)
            fetched = Bundle(found)
            assert fetched.digest == Bundle(bundle).digest
            expected = aligner.embed(rows)["audio"]
            np.testing.assert_allclose(fetched.embed("audio", rows["audio"]), expected, atol=1e-5)
    assert load_model("models:/spaces@champion").n_components_ == 4


def test_the_bundle_of_a_run(store, bundle, tmp_path):
    with mlflow.start_run() as run:
        mlflow.log_artifacts(str(bundle), "bundle")
    for uri in (f"runs:/{run.info.run_id}/bundle", f"runs:/{run.info.run_id}"):
        assert Bundle(fetch_bundle(uri, tmp_path / "here")).digest == Bundle(bundle).digest


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("models:/space@champion", r"no model 'space' is registered, only \[spaces\].*'spaces'\?"),
        ("models:/spaces@winner", r"no alias 'winner', only \[bare, champion\]"),
        ("models:/spaces/7", r"no version 7, only \[1, 2\]"),
        ("models:/spaces@bare", r"spaces@bare has no bundle, only \[.*MLmodel.*log_model\("),
        ("models:/spaces/2", r"spaces/2 has no bundle, only \[.*MLmodel.*log_model\("),
        ("models:/m-0123456789abcdef0123456789abcdef", "cannot be fetched: "),
        ("runs:/0123456789abcdef0123456789abcdef/model", "cannot be fetched: .*not found"),
        ("spaces@champion", "such as models:/mibsk@champion, got 'spaces@champion'"),
    ],
)
def test_what_cannot_be_fetched_is_said(logged, uri, message):
    with pytest.raises(ValueError, match=message):
        fetch_bundle(uri)


def test_an_empty_registry_is_said(store):
    with pytest.raises(ValueError, match=r"no model 'a' is registered, nor any other\."):
        fetch_bundle("models:/a@b")


def test_a_missing_store_is_named_and_not_created(forget_store, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"mlflow\.db, which does not exist.*TRACKING_URI"):
        fetch_bundle("models:/mibsk@champion")
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_of_another_model_is_refused(aligner, rows, bundle, tmp_path):
    other = IBAligner(n_components=3, max_epochs=1, random_state=1).fit(rows)
    with pytest.raises(ValueError, match=r"another model: it has the modalities .* 4 components"):
        save_model(other, tmp_path / "model", bundle=bundle)
    with pytest.raises(FileNotFoundError, match="no bundle at"):
        save_model(aligner, tmp_path / "model", bundle=tmp_path)
    assert not (tmp_path / "model").exists()


def test_a_bundle_is_fetched_without_torch(logged, store, bundle):
    """A server has MLflow, but no torch."""
    check = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in ("torch", "skorch", "safetensors"):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
from mibsk.bundle import Bundle
from mibsk.tracking import fetch_bundle
print(Bundle(fetch_bundle("models:/spaces@champion")).digest)
"""
    paths = [str(Path(mibsk.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-c", check],
        env=os.environ
        | {"MLFLOW_TRACKING_URI": f"sqlite:///{store}", "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == Bundle(bundle).digest


def test_a_served_model_may_have_a_bundle(aligner, bundle, rows, tmp_path):
    save_model(aligner, tmp_path / "model", bundle=bundle)
    predicted = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(rows)
    np.testing.assert_array_equal(predicted["image"], aligner.embed(rows)["image"])
    shutil.rmtree(tmp_path / "model" / "bundle")
    assert load_model(str(tmp_path / "model")).n_components_ == 4
