"""Bundles of captioners: words for pictures beside the encoders."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.exceptions import NotFittedError

from mibsk import QFormerCaptioner
from mibsk.bundle import Bundle, Display, write_bundle
from mibsk.cli import main

pytestmark = [
    pytest.mark.filterwarnings("ignore::mibsk.exceptions.DuplicateRowsWarning"),
    pytest.mark.filterwarnings("ignore::mibsk.exceptions.LargeGroupsWarning"),
]

RNG = np.random.default_rng(0)
THING = RNG.integers(3, size=90)
FEATURES = RNG.normal(scale=0.1, size=(90, 2, 6)).astype(np.float32)
FEATURES[np.arange(90), 0, THING] += 1
CAPTIONS = [[f"a {t}", f"there is one {t}"] for t in np.array(["cat", "dog", "boat"])[THING]]
NEW = RNG.normal(size=(20, 2, 6)).astype(np.float32)


def fitted(**params):
    small = {"n_queries": 2, "width": 16, "n_layers": 2, "n_heads": 2, "max_epochs": 2}
    small |= {"bottleneck": None}  # would multiply the rounding of so short a training
    captioner = QFormerCaptioner(batch_size=30, random_state=0, **small | params)
    return captioner.fit(FEATURES, CAPTIONS)


@pytest.fixture(scope="module")
def captioner():
    return fitted()


@pytest.fixture(scope="module")
def folder(captioner, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    write_bundle(captioner, folder, name="things")
    return folder


def test_the_bundle_of_a_captioner_describes_pictures(captioner, folder):
    bundle = Bundle(folder)
    assert bundle.modalities == ["picture", "caption"]
    assert bundle.captioner.generate(NEW) == captioner.generate(NEW)
    expected = captioner.embed({"picture": NEW, "caption": ["a cat"]})
    found = bundle.captioner.embed({"picture": NEW, "caption": ["a cat"]})
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-4)
    np.testing.assert_array_equal(bundle.embed("picture", NEW), found["picture"])


def test_captions_are_strings_or_tokens(captioner, folder):
    bundle = Bundle(folder)
    texts = ["a cat", "one dog"]
    found = bundle.embed("caption", texts)
    np.testing.assert_allclose(found, captioner.embed({"caption": texts})["caption"], atol=1e-4)
    np.testing.assert_array_equal(bundle.embed("caption", bundle.captioner.tokens(texts)), found)


def test_features_are_not_shown_as_pictures(folder, captioner, tmp_path):
    encoders = Bundle(folder).manifest.encoders
    assert [encoders[name].display for name in encoders] == [Display("none")] * 2
    shown = Display("image", "HW", 0.0, 1.0)
    manifest = write_bundle(captioner, tmp_path, displays={"picture": shown})
    assert manifest.encoders["picture"].display == shown


def test_its_card_and_manifest_are_those_of_the_captioner(folder):
    training = Bundle(folder).manifest.training
    assert training["estimator"] == "QFormerCaptioner"
    assert training["params"]["n_queries"] == "2"
    assert {"n_queries", "width"} <= set(training["changed_params"])
    assert "bundle.captioner.generate(rows)" in (folder / "README.md").read_text()


def test_files_are_named_after_their_content_and_no_other_is_left(captioner, folder, tmp_path):
    manifest = write_bundle(fitted(max_epochs=1), tmp_path)
    first = {name for name, _ in manifest.files()}
    manifest = write_bundle(captioner, tmp_path)
    listed = {name for name, _ in manifest.files()} | {"manifest.json", "README.md"}
    assert {path.name for path in tmp_path.iterdir()} == listed
    stems = ["caption", "captioner", "look", "picture", "tokenizer", "write"]
    names = sorted(name.rpartition("-")[0] for name, _ in manifest.files())
    assert names == stems
    assert not {name for name in first if "onnx" in name} & listed
    # the aligner alone has no words
    write_bundle(captioner.aligner_, tmp_path)
    assert Bundle(tmp_path).captioner is None
    assert len(list(tmp_path.iterdir())) == 4


def test_a_damaged_file_is_found(captioner, tmp_path):
    manifest = write_bundle(captioner, tmp_path)
    (name,) = [name for name in manifest.captioner.files if name.startswith("write-")]
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"write-.*\.onnx differs from"):
        Bundle(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ValueError, match=r"write-.*\.onnx is missing"):
        Bundle(tmp_path)


def test_bundles_of_before_there_were_captioners_are_read(captioner, tmp_path):
    write_bundle(captioner.aligner_, tmp_path)
    values = json.loads((tmp_path / "manifest.json").read_text())
    assert values.pop("captioner") is None
    (tmp_path / "manifest.json").write_text(json.dumps(values))
    assert Bundle(tmp_path).captioner is None


@pytest.mark.parametrize(
    "entry",
    [
        {"description": "captioner.json", "files": {}},
        {"description": "../a", "files": {"../a": ""}},
    ],
)
def test_a_manifest_with_other_files_of_a_captioner_is_refused(folder, tmp_path, entry):
    values = json.loads((folder / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(values | {"captioner": entry}))
    with pytest.raises(ValueError, match="is not a manifest that this version of mibsk can read"):
        Bundle(tmp_path)


def test_what_cannot_be_exported_leaves_the_earlier_bundle(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ValueError, match="captioning=0"):
        write_bundle(fitted(captioning=0.0, max_epochs=1), folder)
    with pytest.raises(NotFittedError):
        write_bundle(QFormerCaptioner(), folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_index_is_searched_by_captions(captioner, folder, tmp_path):
    pytest.importorskip("lancedb")
    np.save(tmp_path / "pictures.npy", NEW)
    arguments = [str(folder), "picture", str(tmp_path / "pictures.npy")]
    run = CliRunner().invoke(main, ["index", *arguments, "--out", str(tmp_path / "index"), "-q"])
    assert run.exit_code == 0, run.output
    arguments = [str(tmp_path / "index"), "a cat", "one boat", "--from", "caption"]
    arguments += ["--to", "picture", "--bundle", str(folder), "--format", "json", "-k", "1"]
    run = CliRunner().invoke(main, ["search", *arguments])
    assert run.exit_code == 0, run.output
    Z, W = captioner.transform(NEW, ["a cat", "one boat"])
    found = [int(answer["results"][0]["id"]) for answer in json.loads(run.stdout)]
    assert found == (W @ Z.T).argmax(1).tolist()
