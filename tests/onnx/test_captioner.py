"""Exported captioners: the words and embeddings of torch, without torch."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

from mibsk import IBAligner, QFormerCaptioner
from mibsk.captioning import BEGIN, END, PictureTower, QFormer, beam_search
from mibsk.data import InputSpec
from mibsk.encoders import Encoder
from mibsk.exceptions import ParityError
from mibsk.onnx import OnnxCaptioner, OnnxEncoder, export_captioner
from mibsk.onnx import _captioner_export as exporting
from mibsk.onnx._captioner_export import prove_same_words
from mibsk.onnx._parity import tolerance_of
from mibsk.onnx._qformer_graph import look_graph, write_graph
from mibsk.onnx._session import CPU, open_session

pytest.importorskip("onnxruntime")

pytestmark = [
    pytest.mark.filterwarnings("ignore::mibsk.exceptions.DuplicateRowsWarning"),
    pytest.mark.filterwarnings("ignore::mibsk.exceptions.LargeGroupsWarning"),
]

COLOURS, THINGS = ("red", "green", "blue"), ("cat", "dog", "boat", "tree")
KINDS = np.array([(c, t) for c in range(3) for t in range(4)] * 8)
SMALL = {
    "n_queries": 4,
    "width": 32,
    "n_layers": 3,
    "n_heads": 2,
    "n_components": 8,
    "batch_size": 32,
    "max_epochs": 40,
    "lr": 3e-3,
    "max_length": 10,
    "random_state": 0,
}


def pictures(kinds, seed=0):
    features = np.random.default_rng(seed).normal(scale=0.1, size=(len(kinds), 3, 8))
    rows = np.arange(len(kinds))
    features[rows, 0, kinds[:, 0]] += 1
    features[rows, 1, 3 + kinds[:, 1]] += 1
    return features.astype(np.float32)


X = pictures(KINDS)
Y = [[f"a {COLOURS[c]} {THINGS[t]}", f"one {THINGS[t]} in {COLOURS[c]}"] for c, t in KINDS]
NEW = pictures(KINDS, seed=1)


@pytest.fixture(scope="module")
def trained():
    return QFormerCaptioner(**SMALL).fit(X, Y)


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("captioner") / "new" / "folder"
    files = export_captioner(trained, folder)
    assert {path.name for path in folder.iterdir()} == {path.name for path in files.values()}
    assert {"captioner.json", "look.onnx", "tokenizer.json"} < {p.name for p in files.values()}
    assert all(path.parent == folder and path.is_file() for path in files.values())
    return folder


@pytest.fixture(scope="module")
def onnx(folder):
    return OnnxCaptioner(folder, providers=[CPU], n_threads=1)


@pytest.mark.parametrize(
    "settings",
    [{}, {"n_beams": 1}, {"n_beams": 5, "length_penalty": 0.0}, {"max_length": 4}],
    ids=str,
)
def test_captions_are_those_of_the_captioner(trained, onnx, settings):
    captions, scores = onnx.generate(NEW, return_scores=True, **settings)
    expected, expected_scores = trained.generate(NEW, return_scores=True, **settings)
    assert captions == expected
    assert onnx.generate(NEW, **settings) == captions
    np.testing.assert_allclose(scores, expected_scores, rtol=0, atol=1e-5)


def test_the_model_says_different_things(onnx):
    assert len(set(onnx.generate(NEW))) > 3  # or the comparison above shows little


def test_embeddings_are_those_of_the_captioner(trained, onnx):
    rows = {"picture": NEW, "caption": ["a red cat", "One DOG in blue", "zebra", "a " * 50]}
    found, expected = onnx.embed(rows), trained.embed(rows)
    for name in rows:
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-4)
    assert found["picture"].dtype == np.float32
    assert found["picture"].shape == (96, trained.n_components_)


def test_pooled_features_and_settings_of_the_captioner(tmp_path):
    captioner = QFormerCaptioner(
        n_beams=2, length_penalty=0.5, cross_every=1, **SMALL | {"max_epochs": 3}
    )
    captioner.fit(X.reshape(-1, 24), Y)
    export_captioner(captioner, tmp_path)
    onnx = OnnxCaptioner(tmp_path)
    found = onnx.generate(NEW.reshape(-1, 24), return_scores=True)
    expected = captioner.generate(NEW.reshape(-1, 24), return_scores=True)
    assert found[0] == expected[0]
    np.testing.assert_allclose(found[1], expected[1], rtol=0, atol=1e-5)
    assert onnx.description.n_beams == 2
    assert onnx.description.length_penalty == 0.5
    assert "(24,)" in repr(onnx)
    assert max(onnx.description.parity.values()) <= 1e-4


def test_a_captioner_that_has_hardly_been_trained_is_exported(tmp_path):
    """Its embeddings are nearly alike; the bottleneck multiplies the rounding of float32."""
    short = {"max_epochs": 2, "lr": 1e-3, "n_components": 64, "width": 16, "n_layers": 2}
    captioner = QFormerCaptioner(**SMALL | short).fit(X, Y)
    encoder = captioner.aligner_.as_module("picture")
    gain = float(torch.linalg.matrix_norm(encoder.bottleneck.weight, 2))
    assert tolerance_of(encoder) == pytest.approx(8 * 2**-23 * gain, rel=1e-5)
    assert tolerance_of(encoder) > 1e-4
    export_captioner(captioner, tmp_path)
    onnx = OnnxCaptioner(tmp_path)
    assert onnx.generate(NEW) == captioner.generate(NEW)
    found, expected = (each.embed({"picture": NEW})["picture"] for each in (onnx, captioner))
    assert np.abs(found - expected).max() < tolerance_of(encoder)


def test_features_of_other_types(onnx):
    expected = onnx.generate(NEW[:5].astype(np.float16))
    for features in (NEW[:5].astype(np.float16).astype(np.float64), NEW[:5].astype(np.float16)):
        assert onnx.generate(features) == onnx.generate(list(features)) == expected
    assert onnx.generate(torch.from_numpy(NEW[:5])) == onnx.generate(NEW[:5])


def test_no_pictures(onnx, trained):
    assert onnx.generate(NEW[:0]) == []
    captions, scores = onnx.generate(NEW[:0], return_scores=True)
    assert (captions, scores.shape) == ([], (0,))
    assert onnx.embed({"picture": NEW[:0]})["picture"].shape == (0, trained.n_components_)


def test_more_pictures_than_are_described_together(onnx):
    many = np.concatenate([NEW, NEW[:10]])
    assert onnx.generate(many) == onnx.generate(NEW) + onnx.generate(NEW[:10])


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (NEW[:, :, :5], r"shape \(3, 5\), but \(3, 8\)"),
        (NEW[:0, :, :5], r"shape \(3, 5\), but \(3, 8\)"),
        (NEW[:, :2], r"shape \(2, 8\), but \(3, 8\)"),
        (NEW[:, 0], r"shape \(8,\), but \(3, 8\)"),
        (np.where(NEW > 0.5, np.nan, NEW), "NaN"),
        (np.full(NEW.shape, "a"), "must hold numbers"),
    ],
)
def test_features_unlike_those_of_the_training_are_refused(onnx, features, message):
    with pytest.raises((ValueError, TypeError), match=message):
        onnx.generate(features)


def test_a_wrong_row_is_named_by_its_number(onnx):
    features = np.concatenate([NEW, NEW])
    features[70, 0, 0] = np.inf
    with pytest.raises(ValueError, match="row 70"):
        onnx.generate(features)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_beams": 0}, "n_beams must be an integer >= 1, got 0"),
        ({"n_beams": 2.5}, "n_beams must be an integer"),
        ({"length_penalty": -1}, "length_penalty must be a finite number >= 0"),
        ({"max_length": 1}, "max_length must be an integer >= 2"),
    ],
)
def test_settings_out_of_range_are_refused(onnx, settings, message):
    with pytest.raises((ValueError, TypeError), match=message):
        onnx.generate(NEW, **settings)


def test_captions_and_names_that_are_none_are_refused(onnx):
    with pytest.raises(ValueError, match="caption 1 is empty"):
        onnx.embed({"caption": ["a cat", " "]})
    with pytest.raises(TypeError, match=r"pass a single one as \[caption\]"):
        onnx.embed({"caption": "a cat"})
    with pytest.raises(ValueError, match="expected 'picture' and 'caption', got 'image'"):
        onnx.embed({"image": NEW})


# graphs of random transformers


def random_tower(seed, shape=(5, 6), n_tokens=11, **options):
    torch.manual_seed(seed)
    defaults = {"n_queries": 3, "width": 16, "n_layers": 3, "n_heads": 2, "max_length": 7}
    qformer = QFormer(shape[-1], n_tokens, **defaults | options)
    tower = PictureTower(qformer, shape[-1], 4, keeps_memory=False).eval()
    with torch.no_grad():
        for weight in tower.parameters():  # far from the start, where all is nearly alike
            weight.add_(0.3 * torch.randn_like(weight))
    return tower


def sessions_of(tower, shape, folder):
    for name, model in {
        "look": look_graph(tower, shape),
        "write": write_graph(tower.qformer),
    }.items():
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    return [open_session(folder / f"{name}.onnx", [CPU], 1) for name in ("look", "write")]


def onnx_beam_search(look, write, features, tower, **settings):
    from mibsk.captioning import likeliest_texts
    from mibsk.onnx._captioner import _Writer

    writer = _Writer(write, look.run(None, {"x": features}))
    longest = tower.qformer.max_length - 1
    return likeliest_texts(writer, len(features), begin=BEGIN, end=END, longest=longest, **settings)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((5, 6), {}),
        ((6,), {}),
        ((1, 6), {"n_layers": 1}),
        ((5, 6), {"n_heads": 4, "cross_every": 1}),
        ((5, 6), {"cross_every": 5, "n_queries": 1}),
        ((5, 6), {"max_length": 2}),
        ((5, 6), {"max_length": 3}),
    ],
    ids=str,
)
def test_graphs_of_every_setting(shape, options, tmp_path):
    tower = random_tower(0, shape, **options)
    look, write = sessions_of(tower, shape, tmp_path)
    spec = InputSpec("picture", "dense", shape)
    assert max(prove_same_words(look, write, spec, Encoder(tower, 4))) < 1e-5


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_texts_of_random_transformers_are_those_of_torch(tmp_path, penalty):
    """Also if words are tied: some have the same weights, and so exactly the same scores."""
    features = np.random.default_rng(0).normal(size=(6, 5, 6)).astype(np.float32)
    n_texts = set()
    for seed in range(12):
        tower = random_tower(seed)
        if seed % 2:
            with torch.no_grad():
                tower.qformer.tokens.weight[4:9] = 0
                tower.qformer.word_bias[4:9] = 1
        look, write = sessions_of(tower, (5, 6), tmp_path)
        for n_beams in (1, 2, 4):
            settings = {"n_beams": n_beams, "length_penalty": penalty}
            found, scores = onnx_beam_search(look, write, features, tower, **settings)
            expected, theirs = beam_search(
                tower.qformer,
                tower.memory_of(torch.from_numpy(features)),
                begin=BEGIN,
                end=END,
                **settings,
            )
            np.testing.assert_array_equal(found, expected.numpy())
            np.testing.assert_allclose(scores, theirs.numpy(), rtol=0, atol=1e-4)
            n_texts |= set(map(tuple, found.tolist()))
    assert len(n_texts) > 30


def test_a_text_that_is_too_long_is_an_error_of_the_graph(tmp_path):
    tower = random_tower(0)
    look, write = sessions_of(tower, (5, 6), tmp_path)
    memory = look.run(None, {"x": np.zeros((2, 5, 6), np.float32)})
    names = [each.name for each in write.get_inputs()]
    assert names[:3] == ["tokens", "past_keys.0", "past_values.0"]
    feed = dict(zip(names[1:], memory, strict=True))
    _, *memory = write.run(None, {"tokens": np.ones((2, 6), np.int64), **feed})
    feed = dict(zip(names[1:], memory, strict=True))
    write.run(None, {"tokens": np.ones((2, 1), np.int64), **feed})
    with pytest.raises(Exception, match="out of data bounds"):
        write.run(None, {"tokens": np.ones((2, 2), np.int64), **feed})


# files


def test_a_file_that_differs_from_torch_is_not_written(trained, folder, tmp_path, monkeypatch):
    target = tmp_path / "captioner"
    shutil.copytree(folder, target)
    before = {path.name: path.read_bytes() for path in target.iterdir()}

    def wrong(qformer):
        with torch.no_grad():
            qformer.word_bias[5] += 0.01
            model = write_graph(qformer)
            qformer.word_bias[5] -= 0.01
        return model

    monkeypatch.setattr(exporting, "write_graph", wrong)
    with pytest.raises(ParityError, match=r"write.onnx differs from torch by 0\.0"):
        export_captioner(trained, target)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before


def test_an_earlier_captioner_is_replaced(trained, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "captioner")
    other = QFormerCaptioner(**SMALL | {"max_epochs": 1}).fit(X, Y)
    export_captioner(other, tmp_path / "captioner")
    assert OnnxCaptioner(tmp_path / "captioner").generate(NEW) == other.generate(NEW)


@pytest.mark.parametrize("name", ["look.onnx", "tokenizer.json", "picture.onnx"])
def test_files_of_another_captioner_are_refused(folder, tmp_path, name):
    target = tmp_path / "captioner"
    shutil.copytree(folder, target)
    content = (target / name).read_bytes()
    (target / name).write_bytes(content[:-1] + b"x")
    with pytest.raises(ValueError, match=f"{name} differs from what captioner.json lists"):
        OnnxCaptioner(target)
    (target / name).unlink()
    with pytest.raises(ValueError, match=f"{name} is missing of what captioner.json lists"):
        OnnxCaptioner(target)


def test_other_folders_and_descriptions_are_refused(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no captioner at .*export_captioner"):
        OnnxCaptioner(tmp_path)
    with pytest.raises(FileNotFoundError, match="no captioner at"):
        OnnxCaptioner(tmp_path / "absent.json")
    values = json.loads((folder / "captioner.json").read_text())
    file = values["files"]["look"] | {"file": "../look.onnx"}
    for wrong in (
        {"format": "mibsk-captioner/2"},
        {"n_beams": 0},
        {"files": values["files"] | {"look": file}},
        {"unknown": 1},
    ):
        (tmp_path / "captioner.json").write_text(json.dumps(values | wrong))
        with pytest.raises(ValueError, match="does not describe a captioner"):
            OnnxCaptioner(tmp_path)
    (tmp_path / "captioner.json").write_text("[]")
    with pytest.raises(ValueError, match="does not describe a captioner"):
        OnnxCaptioner(tmp_path)


def test_what_has_no_captions_is_refused(tmp_path):
    silent = QFormerCaptioner(captioning=0.0, **SMALL | {"max_epochs": 1}).fit(X, Y)
    with pytest.raises(ValueError, match=r"captioning=0.*export_encoders"):
        export_captioner(silent, tmp_path)
    with pytest.raises(NotFittedError):
        export_captioner(QFormerCaptioner(), tmp_path)
    with pytest.raises(TypeError, match="must be a fitted QFormerCaptioner, got IBAligner"):
        export_captioner(IBAligner(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_encoders_of_the_aligner_are_exported_without_tracing(trained, folder, tmp_path):
    encoder = OnnxEncoder(folder / "picture.onnx")
    np.testing.assert_allclose(encoder.transform(NEW), trained.transform(NEW), rtol=0, atol=1e-4)
    import onnx

    model = onnx.load(folder / "caption.onnx")
    assert model.producer_name == "mibsk"


GENERATE = """
import json, sys
import numpy as np
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "skorch", "safetensors", "onnx"}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
from mibsk.onnx import OnnxCaptioner
captioner = OnnxCaptioner("captioner")
features = np.load("features.npy")
Z = captioner.embed({"picture": features, "caption": ["a red cat"]})
np.save("z.npy", np.concatenate([Z["picture"], Z["caption"]]))
print(json.dumps(captioner.generate(features)))
"""


def test_captions_without_torch(trained, folder, tmp_path):
    """A user's program: fit, export, and in another process describe pictures without torch."""
    shutil.copytree(folder, tmp_path / "captioner")
    np.save(tmp_path / "features.npy", NEW[:7])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", GENERATE],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == trained.generate(NEW[:7])
    expected = trained.embed({"picture": NEW[:7], "caption": ["a red cat"]})
    expected = np.concatenate([expected["picture"], expected["caption"]])
    np.testing.assert_allclose(np.load(tmp_path / "z.npy"), expected, rtol=0, atol=1e-4)
