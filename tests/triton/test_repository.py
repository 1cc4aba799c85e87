"""A model repository is what Triton's schema says, and its models are those of the bundle."""

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from mibsk import IBAligner
from mibsk.bundle import Bundle, write_bundle
from mibsk.cli import main
from mibsk.triton import _repository, write_model_repository

ort = pytest.importorskip("onnxruntime")
text_format = pytest.importorskip("google.protobuf.text_format")
pb2 = pytest.importorskip("tritonclient.grpc.model_config_pb2")

# classes repeat
pytestmark = pytest.mark.filterwarnings("ignore::mibsk.exceptions.DuplicateRowsWarning")
# how Triton writes the types of an ONNX model
TYPES = {"tensor(float)": pb2.TYPE_FP32, "tensor(uint8)": pb2.TYPE_UINT8}
TYPES |= {"tensor(int64)": pb2.TYPE_INT64, "tensor(string)": pb2.TYPE_STRING}


def fit(seed=0, n_components=4):
    rng = np.random.default_rng(seed)
    hidden = rng.integers(0, 4, size=80)
    rows = {
        "pixels": (60 * hidden[:, None, None] + rng.integers(0, 9, (80, 6, 5))).astype(np.uint8),
        'a "name", öd': hidden[:, None] + rng.normal(size=(80, 7)).astype(np.float32),
        "words": [f"word{code} {'a' * i}" for i, code in enumerate(hidden)],
        "classes": pd.Series(hidden).map({0: "p", 1: "q", 2: "r", 3: "s"}).to_numpy(),
    }
    params = {"encoders": "network", "bottleneck": None, "max_epochs": 1}
    return IBAligner(n_components=n_components, **params, random_state=seed).fit(rows), rows


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """Two bundles of the same modalities, the second one of another dimension."""
    folder = tmp_path_factory.mktemp("bundles")
    for seed, n_components in ((0, 4), (1, 3)):
        write_bundle(fit(seed, n_components)[0], folder / str(seed), name="sights")
    return Bundle(folder / "0"), Bundle(folder / "1")


def read_config(model: Path):
    config = text_format.Parse((model / "config.pbtxt").read_text("utf-8"), pb2.ModelConfig())
    assert config.name == model.name
    assert config.platform == "onnxruntime_onnx"
    assert config.HasField("dynamic_batching")
    return config


def check_as_triton(model: Path):
    """Compare the configuration with the newest version, as Triton's backend does on loading."""
    config = read_config(model)
    newest = max((path for path in model.iterdir() if path.name.isdecimal()), key=_number)
    session = ort.InferenceSession(str(newest / "model.onnx"))
    for listed, arguments in (
        (config.input, session.get_inputs()),
        (config.output, session.get_outputs()),
    ):
        assert [each.name for each in listed] == [argument.name for argument in arguments]
        for each, argument in zip(listed, arguments, strict=True):
            first, *row = argument.shape
            assert not isinstance(first, int), "the axis of the batch is not dynamic"
            assert list(each.dims) == ([n if isinstance(n, int) else -1 for n in row] or [1])
            # a scalar for each row: Triton has no tensors of no axes, but gives the model one
            assert each.HasField("reshape") == (not row)
            assert list(each.reshape.shape) == []
            assert each.data_type == TYPES[argument.type]
    return config, session


def _number(path: Path) -> int:
    return int(path.name)


def test_each_modality_is_a_model_of_the_schema(bundles, tmp_path):
    bundle, _ = bundles
    written = write_model_repository(bundle, tmp_path / "repository", max_batch_size=32)
    assert list(written) == bundle.modalities
    assert len({version.parent for version in written.values()}) == 4
    for modality, version in written.items():
        assert version.name == "1"
        config, session = check_as_triton(version.parent)
        assert config.max_batch_size == 32
        assert config.parameters["mibsk_digest"].string_value == bundle.digest
        assert config.parameters["mibsk_modality"].string_value == modality
        assert session.get_outputs()[0].name == "z"
    pixels = read_config(written["pixels"].parent)
    assert pixels.name == "sights-pixels"
    (x,), (z,) = pixels.input, pixels.output
    assert (x.name, x.data_type, list(x.dims)) == ("x", pb2.TYPE_UINT8, [6, 5])
    assert (z.name, z.data_type, list(z.dims)) == ("z", pb2.TYPE_FP32, [4])


def test_a_model_of_the_repository_embeds_as_the_bundle(bundles, tmp_path):
    written = write_model_repository(bundles[0], tmp_path)
    _, session = check_as_triton(written["pixels"].parent)
    rows = fit()[1]["pixels"][:5]
    (z,) = session.run(None, {"x": rows})
    np.testing.assert_array_equal(z, bundles[0].embed("pixels", rows))


def test_a_model_of_text_takes_strings(bundles, tmp_path):
    written = write_model_repository(bundles[0], tmp_path)
    config, session = check_as_triton(written["words"].parent)
    (x,) = config.input
    assert (x.name, x.data_type, list(x.dims)) == ("x", pb2.TYPE_STRING, [1])
    words = fit()[1]["words"][:5]
    (z,) = session.run(None, {"x": np.asarray(words, dtype=object)})
    np.testing.assert_allclose(z, bundles[0].embed("words", words), atol=1e-5)


def test_a_variant_is_a_model_of_its_own(tmp_path):
    rows = fit()[1]
    places = {"pixels": rows["pixels"], "words": rows["words"]}
    model = IBAligner(n_components=4, encoders="network", bottleneck=None, max_epochs=1)
    write_bundle(model.fit(places), tmp_path / "b", name="s", variants=["int8"], rows=places)
    plain, small = Bundle(tmp_path / "b"), Bundle(tmp_path / "b", variant="int8")
    written = write_model_repository(plain, tmp_path / "repository")
    written_small = write_model_repository(small, tmp_path / "repository")
    names = [each["pixels"].parent.name for each in (written, written_small)]
    assert names == ["s-pixels", "s-pixels-int8"]
    config, session = check_as_triton(written_small["pixels"].parent)
    assert config.parameters["mibsk_digest"].string_value == small.digest != plain.digest
    (z,) = session.run(None, {"x": places["pixels"][:5]})
    np.testing.assert_allclose(z, small.embed("pixels", places["pixels"][:5]), atol=1e-5)
    command = ["triton", str(tmp_path / "b"), str(tmp_path / "again"), "--variant", "int8"]
    assert "s-words-int8" in CliRunner().invoke(main, command).output


def test_models_whose_joined_names_are_the_same_do_not_replace_each_other(tmp_path):
    X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    for name, modality in (("a", "b-c"), ("a-b", "c")):
        model = IBAligner(n_components=2, encoders="network", bottleneck=None, max_epochs=1)
        write_bundle(model.fit({modality: X, "other": X + 1}), tmp_path / name, name=name)
    write_model_repository(Bundle(tmp_path / "a"), tmp_path / "repository")
    with pytest.raises(ValueError, match="a-b-c is the model of another bundle than 'a-b'"):
        write_model_repository(Bundle(tmp_path / "a-b"), tmp_path / "repository")
    assert sorted(os.listdir(tmp_path / "repository" / "a-b-c")) == ["1", "config.pbtxt"]


def test_a_new_bundle_is_the_next_version(bundles, tmp_path):
    first, second = bundles
    versions = [
        write_model_repository(bundle, tmp_path)["pixels"]
        for bundle in (first, first, second, second, first)
    ]
    assert [version.name for version in versions] == ["1", "1", "2", "2", "3"]
    config, _ = check_as_triton(versions[0].parent)
    assert config.parameters["mibsk_digest"].string_value == first.digest
    assert config.version_policy.latest.num_versions == 1
    assert list(config.output[0].dims) == [4]
    assert sorted(os.listdir(versions[0].parent)) == ["1", "2", "3", "config.pbtxt"]


def test_versions_are_numbers(bundles, tmp_path):
    first, second = bundles
    for number in range(1, 11):
        version = write_model_repository((first, second)[number % 2], tmp_path)["pixels"]
        assert version.name == str(number)
    assert write_model_repository(second, tmp_path)["pixels"].name == "11"


def test_other_settings_of_the_same_bundle_are_no_new_version(bundles, tmp_path):
    write_model_repository(bundles[0], tmp_path)
    version = write_model_repository(bundles[0], tmp_path, max_batch_size=8)["pixels"]
    assert version.name == "1"
    assert read_config(version.parent).max_batch_size == 8


def test_a_version_is_whole_or_not_there(bundles, tmp_path, monkeypatch):
    first, second = bundles
    model = write_model_repository(first, tmp_path)["pixels"].parent
    whole = _repository.replace_file

    def no_space(path, chunks):
        if path.name == "model.onnx":
            path.parent.mkdir()
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device", str(path))
        whole(path, chunks)

    monkeypatch.setattr(_repository, "replace_file", no_space)
    with pytest.raises(OSError, match="No space left"):
        write_model_repository(second, tmp_path)
    assert sorted(os.listdir(model)) == ["1", "config.pbtxt"]
    monkeypatch.undo()
    write_model_repository(second, tmp_path)
    check_as_triton(model)


def test_a_version_that_was_damaged_is_written_again(bundles, tmp_path):
    version = write_model_repository(bundles[0], tmp_path)["pixels"]
    (version / "model.onnx").write_bytes(b"half")
    assert write_model_repository(bundles[0], tmp_path)["pixels"].name == "2"


@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_has_rows(bundles, tmp_path, size):
    with pytest.raises(ValueError, match=f"max_batch_size must be a positive.*got {size}"):
        write_model_repository(bundles[0], tmp_path / "none", max_batch_size=size)
    assert not (tmp_path / "none").exists()


def test_the_command(bundles, tmp_path):
    place = tmp_path / "repository"
    run = CliRunner().invoke(main, ["triton", str(bundles[0].path), str(place)])
    assert run.exit_code == 0, run.output
    assert f"pixels: model sights-pixels, {place / 'sights-pixels' / '1'}" in run.output
    missing = CliRunner().invoke(main, ["triton", str(tmp_path / "none"), str(place)])
    assert missing.exit_code == 2
    assert missing.output.startswith("mibsk: no bundle at")


def test_long_names_are_cut(bundles, tmp_path, monkeypatch):
    monkeypatch.setattr(_repository, "_LONGEST_NAME", 12)
    written = write_model_repository(bundles[0], tmp_path)
    names = {version.parent.name for version in written.values()}
    assert len(names) == 4
    assert all(name.startswith("sights-") and len(name) <= 12 + 17 for name in names)
    check_as_triton(written["pixels"].parent)


def test_names_of_models_are_plain_and_different(bundles, tmp_path):
    names = {_repository._model_name(*each) for each in (("a b", "x"), ("a_b", "x"), ("a/b", "x"))}
    assert len(names) == 3
    assert "a_b-x" in names
    names |= {path.parent.name for path in write_model_repository(bundles[0], tmp_path).values()}
    assert all(re.fullmatch("[A-Za-z0-9_.-]+", name) for name in names)
