"""Encoders of text that take strings prepare them as Python does."""

import hashlib
import unicodedata

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk import OnnxEncoder
from mibsk.data import InputSpec
from mibsk.exceptions import ParityError
from mibsk.onnx import export_text_encoder, open_session
from mibsk.onnx._text_graph import _LETTERS, _OPSETS, OPSET, _marks, _TextGraph

SPEC = InputSpec("text", "text", (2**15,))
CPU = ["CPUExecutionProvider"]
SPECIAL = "ΣσςİIı\u0345.\xad'\ufeff\x85\x1c\x1f\xa0\u200b\u180e\u0301\0\n\u3000 \U00010400ẞßÀ😀"


@pytest.fixture(scope="module")
def ngrams(tmp_path_factory):
    """The part of the graph before the encoder."""
    graph = _TextGraph(onnx)
    columns, values = graph.hashed_ngrams("x")
    helper = onnx.helper
    shape = ("batch", "length")
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "ngrams",
            [helper.make_tensor_value_info("x", onnx.TensorProto.STRING, ("batch",))],
            [
                helper.make_tensor_value_info(columns, onnx.TensorProto.INT64, shape),
                helper.make_tensor_value_info(values, onnx.TensorProto.FLOAT, shape),
            ],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid(*each) for each in _OPSETS],
        ir_version=10,
    )
    path = tmp_path_factory.mktemp("graph") / "ngrams.onnx"
    onnx.save(model, path)
    return open_session(path, CPU, 1)


def assert_prepared(session, texts):
    """Check that columns and values are the same numbers, beside columns of value 0."""
    columns, values = session.run(None, {"x": np.array(texts, object)})
    expected = SPEC.prepare(np.array(texts, object))
    for i, text in enumerate(texts):
        row = slice(expected.indptr[i], expected.indptr[i + 1])
        counted, wanted = values[i] != 0, expected.data[row] != 0
        assert columns[i][counted].tolist() == expected.indices[row][wanted].tolist(), ascii(text)
        np.testing.assert_array_equal(values[i][counted], expected.data[row][wanted])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(SPECIAL), max_size=30),
        min_size=1,
        max_size=8,
    )
)
def test_any_text_is_prepared_as_in_python(ngrams, texts):
    assert_prepared(ngrams, texts)


def test_all_letters_are_prepared_as_in_python(ngrams):
    characters = [chr(c) for each in _LETTERS for c in each]
    together = ["".join(characters[i : i + 64]) for i in range(0, len(characters), 64)]
    for start in range(0, len(together), 256):
        assert_prepared(ngrams, together[start : start + 256])


@pytest.mark.parametrize("pattern", ["ΑΣ{}", "ΑΣ{}Α", "{}Σ", "Α{}Σ", "ΑΣ{}Σ İ"])
def test_the_final_sigma_is_that_of_python(ngrams, pattern):
    marks = list(_marks())[::5]
    others = [chr(c) for c in range(1, 0x2000, 7)]
    assert_prepared(ngrams, [pattern.format(c) for c in marks + others])


def test_no_letter_is_beyond_those_that_are_listed():
    listed = {chr(c) for each in _LETTERS for c in each}
    for c in map(chr, range(0x20000, 0x110000)):
        assert c.lower() == c.upper() == c or c in listed
        assert unicodedata.category(c) in ("Lo", "Co", "Cn") or c in listed


@pytest.mark.parametrize("texts", [[""], ["", "a"], ["   "], ["a"], ["x" * 5000]])
def test_short_and_long_texts(exported, tmp_path, texts):
    path = tmp_path / "strings.onnx"
    assert export_text_encoder(exported.files["text"], path) < 1e-5
    z = open_session(path, CPU, 1).run(["z"], {"x": np.array(texts, object)})[0]
    expected = OnnxEncoder(exported.files["text"]).transform(np.array(texts, object))
    np.testing.assert_allclose(z, expected, rtol=0, atol=1e-5)


def test_rows_of_a_batch_do_not_depend_on_each_other(exported, tmp_path):
    path = tmp_path / "strings.onnx"
    export_text_encoder(exported.files["text"], path)
    session = open_session(path, CPU, 1)
    texts = np.array(["short", "ΟΔΟΣ", "İstanbul is a long text, with words", ""], object)
    together = session.run(["z"], {"x": texts})[0]
    alone = [session.run(["z"], {"x": texts[i : i + 1]})[0][0] for i in range(len(texts))]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)


def test_the_file_is_the_same_each_time(exported, tmp_path):
    digests = set()
    for name in "ab":
        export_text_encoder(exported.files["text"], tmp_path / name)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1
    model = onnx.load(tmp_path / "a")
    onnx.checker.check_model(model)
    assert ("", OPSET) in {(each.domain, each.version) for each in model.opset_import}


def test_other_encoders_do_not_take_strings(exported, tmp_path):
    with pytest.raises(ValueError, match="takes dense rows: only encoders of text"):
        export_text_encoder(exported.files["audio"], tmp_path / "strings.onnx")
    assert not list(tmp_path.iterdir())


def test_a_file_that_differs_is_not_written(exported, tmp_path, monkeypatch):
    monkeypatch.setattr("mibsk.onnx._text_export.TOLERANCE", -1.0)
    with pytest.raises(ParityError, match="with strings as input differs"):
        export_text_encoder(exported.files["text"], tmp_path / "strings.onnx")
    assert not list(tmp_path.iterdir())
