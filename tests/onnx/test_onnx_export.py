"""Exported files: complete, and written only if they reproduce the encoder."""

import json
import sys

import numpy as np
import onnx
import pytest
import torch
from sklearn.exceptions import NotFittedError
from torch import nn

import mibsk
from mibsk import IBAligner, OnnxEncoder
from mibsk.exceptions import NotInstalledError, ParityError
from mibsk.onnx import _export, export_encoder, export_encoders

KINDS = {
    "audio": ("dense", (6,), "float32"),
    "photo": ("dense", (8, 8), "uint8"),
    "counts": ("sparse", (50,), "float32"),
    "text": ("text", (2**15,), "float32"),
}


class BatchDependent(nn.Module):
    """Computes something else when it is traced."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, x):
        out = self.linear(x)
        if torch.compiler.is_compiling():
            out = out.flip(1)
        return out


@pytest.fixture
def dishonest():
    """An aligner whose encoder of "x" is not exported faithfully."""
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=(20, 3)), "y": rng.normal(size=(20, 2))}
    return IBAligner(
        n_components=2, max_epochs=1, random_state=0, encoders={"x": BatchDependent()}
    ).fit(data)


def props(path):
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def test_one_file_per_modality(exported):
    assert list(exported.files) == list(exported.aligner.modality_names_)
    folders = {path.parent for path in exported.files.values()}
    assert len(folders) == 1
    # the folder holds the encoders alone: no drafts, no separate weights
    assert {p.name for p in folders.pop().iterdir()} == {f"{name}.onnx" for name in KINDS}


@pytest.mark.parametrize("modality", KINDS)
def test_metadata(exported, modality):
    path = exported.files[modality]
    onnx.checker.check_model(onnx.load(path))
    stored = props(path)
    kind, shape, dtype = KINDS[modality]
    assert stored["mibsk.modality"] == modality
    assert json.loads(stored["mibsk.input"]) == {
        "name": modality,
        "kind": kind,
        "shape": list(shape),
        "dtype": dtype,
        "classes": [],
        "columns": [],
        "pixels": "byte" if modality == "photo" else "",
        "tokenizer": "",
    }
    assert stored["mibsk.n_components"] == "5"
    assert stored["mibsk.version"] == mibsk.__version__
    assert 0 <= float(stored["mibsk.parity"]) <= 1e-4
    params = json.loads(stored["mibsk.params"])
    assert set(params) == set(exported.aligner.get_params())
    assert params["beta"] == "0.3"


@pytest.mark.parametrize("modality", KINDS)
def test_signature(exported, modality):
    graph = onnx.load(exported.files[modality]).graph
    kind, shape, dtype = KINDS[modality]
    names = ["x"] if kind == "dense" else ["indices", "values"]
    assert [entry.name for entry in graph.input] == names
    assert [entry.name for entry in graph.output] == ["z"]
    dims = graph.input[0].type.tensor_type.shape.dim
    assert dims[0].dim_param == "batch"
    if kind == "dense":
        assert [d.dim_value for d in dims[1:]] == list(shape)
        expected = onnx.TensorProto.UINT8 if dtype == "uint8" else onnx.TensorProto.FLOAT
        assert graph.input[0].type.tensor_type.elem_type == expected


@pytest.mark.parametrize("modality", KINDS)
@pytest.mark.parametrize("n_rows", [1, 7, 64, 1000])
def test_parity_at_any_batch(exported, modality, n_rows):
    chosen = np.arange(n_rows) % 64
    X = exported.rows[modality][chosen]
    expected = exported.aligner.embed({modality: X})[modality]
    z = OnnxEncoder(exported.files[modality]).transform(X)
    assert z.dtype == np.float32
    np.testing.assert_allclose(z, expected, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, atol=1e-5)


def test_labels_and_variational_mean(rows, tmp_path):
    """Two tables, one a column of labels. The mean is exported, not a sample."""
    quarters = np.quantile(rows["audio"][:, 0], [0.25, 0.5, 0.75])
    labels = np.asarray(["cat", "dog", "emu", "fox"])[np.digitize(rows["audio"][:, 0], quarters)]
    aligner = IBAligner(
        n_components=5, max_epochs=1, minimality="variational", beta=0.01, random_state=0
    ).fit(rows["audio"], labels)
    path = export_encoder(aligner, "y", tmp_path / "labels.onnx")
    assert json.loads(props(path)["mibsk.input"])["classes"] == ["cat", "dog", "emu", "fox"]
    encoder = OnnxEncoder(path)
    z = encoder.transform(labels)
    np.testing.assert_allclose(z, aligner.transform(rows["audio"], labels)[1], atol=1e-4)
    assert len(np.unique(z.round(5), axis=0)) == 4
    with pytest.raises(ValueError, match=r"not seen in fit: \['cow'\]"):
        encoder.transform(["cow"])


def test_names_that_are_not_file_names(small, tmp_path):
    """Similar names must not overwrite each other's files."""
    names = ["my/mod", "my_mod"]
    X, noise = np.random.default_rng(0).normal(size=(2, 20, 3))
    data = dict(zip(names, (X, X + 0.1 * noise), strict=True))
    aligner = IBAligner(n_components=2, max_epochs=1, random_state=0).fit(data)
    files = export_encoders(aligner, tmp_path)
    assert len(set(files.values())) == 2
    assert {path.parent for path in files.values()} == {tmp_path}
    for name, path in files.items():
        assert OnnxEncoder(path).metadata_.input.name == name


@pytest.mark.parametrize("name", ["..", "a\\b", "été", "a b", "C:", "x" * 300, "画" * 60, "%2F"])
def test_file_names(name, tmp_path):
    file = _export._file_name(name)
    (tmp_path / f"{file}.onnx").touch()  # a valid file name, without a folder
    assert [p.name for p in tmp_path.iterdir()] == [f"{file}.onnx"]


def test_aligner_stays_usable(small, tmp_path):
    X = np.eye(3)
    before = small.embed({"x": X})["x"]
    was_training = small.module_.training
    export_encoder(small, "x", tmp_path / "x.onnx")
    np.testing.assert_array_equal(small.embed({"x": X})["x"], before)
    assert small.module_.training == was_training


class TestParityFailure:
    def test_writes_no_file(self, dishonest, tmp_path):
        with pytest.raises(ParityError, match=r"'x' differs from torch by .* no file was written"):
            export_encoder(dishonest, "x", tmp_path / "x.onnx")
        assert list(tmp_path.iterdir()) == []

    def test_keeps_the_earlier_file(self, dishonest, tmp_path):
        path = tmp_path / "x.onnx"
        path.write_bytes(b"earlier")
        with pytest.raises(ParityError):
            export_encoder(dishonest, "x", path)
        assert path.read_bytes() == b"earlier"
        assert list(tmp_path.iterdir()) == [path]

    def test_nan_fails(self, dense_file, exported, monkeypatch):
        from mibsk.onnx._parity import prove_parity

        class NaNSession:
            def get_inputs(self):
                return OnnxEncoder(dense_file)._open().session.get_inputs()

            def run(self, outputs, feed):
                return [np.full((len(feed["x"]), 5), np.nan, np.float32)]

        encoder = exported.aligner.module_.encoder("audio")
        with pytest.raises(ParityError, match="nan"):
            prove_parity(NaNSession(), exported.aligner.inputs_["audio"], encoder)


class TestBadInput:
    def test_unknown_modality(self, small, tmp_path):
        with pytest.raises(ValueError, match="unknown modality 'z'"):
            export_encoder(small, "z", tmp_path / "z.onnx")
        assert list(tmp_path.iterdir()) == []

    def test_unfitted(self, tmp_path):
        with pytest.raises(NotFittedError):
            export_encoders(IBAligner(), tmp_path)
        with pytest.raises(NotFittedError):
            export_encoder(IBAligner(), "x", tmp_path / "x.onnx")

    @pytest.mark.parametrize("package", ["onnx", "onnxscript"])
    def test_missing_exporter(self, dishonest, tmp_path, monkeypatch, package):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(NotInstalledError, match="pip install onnx onnxscript"):
            export_encoder(dishonest, "x", tmp_path / "x.onnx")
        assert list(tmp_path.iterdir()) == []

    def test_layers_of_this_package_need_no_onnxscript(self, small, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "onnxscript", None)
        assert export_encoder(small, "x", tmp_path / "x.onnx").is_file()


def test_other_estimators_and_places_are_refused(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 3))
    aligner = IBAligner(max_epochs=1, random_state=0).fit({"a": X, "b": 2 * X})
    for other in (aligner.encoder("a"), "aligner.safetensors"):
        with pytest.raises(TypeError, match=r"must be a fitted IBAligner.*, got (Modality|str)"):
            export_encoders(other, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is not a folder"):
        export_encoders(aligner, tmp_path / "file")
    with pytest.raises(ValueError, match="is a folder: give the name of a file in it"):
        export_encoder(aligner, "a", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
