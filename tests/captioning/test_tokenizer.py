"""Word pieces: learned alike from the same captions, and back to text."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk.captioning import BEGIN, END, PADDING, UNKNOWN, CaptionTokenizer

CAPTIONS = [
    "a red cat on a mat",
    "two dogs run on the green grass",
    "the red dog and the green cat",
    "cats and dogs",
    "кошка на ковре",
] * 2


@pytest.fixture(scope="module")
def tokenizer():
    return CaptionTokenizer.learn(CAPTIONS, n_tokens=200)


def test_captions_come_back(tokenizer):
    tokens = tokenizer.encode(CAPTIONS, max_length=40)
    assert tokens.dtype == np.int64
    assert (tokens[:, 0] == BEGIN).all()
    assert ((tokens == END).sum(axis=1) == 1).all()
    assert tokenizer.decode(tokens) == CAPTIONS


def test_pieces_do_not_depend_on_the_order_or_the_process(tokenizer):
    shuffled = random.Random(0).sample(CAPTIONS, len(CAPTIONS))
    assert CaptionTokenizer.learn(shuffled, n_tokens=200).to_json() == tokenizer.to_json()
    program = (
        "from mibsk.captioning import CaptionTokenizer\n"
        f"print(CaptionTokenizer.learn({CAPTIONS!r}, n_tokens=200).to_json())"
    )
    for seed in "12":
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        )
        assert json.loads(done.stdout) == json.loads(tokenizer.to_json())


def test_a_tokenizer_is_stored_as_text(tokenizer):
    again = CaptionTokenizer.from_json(tokenizer.to_json())
    assert again.n_tokens == tokenizer.n_tokens
    np.testing.assert_array_equal(
        again.encode(CAPTIONS, max_length=9), tokenizer.encode(CAPTIONS, max_length=9)
    )
    with pytest.raises(ValueError, match="not that of a tokenizer"):
        CaptionTokenizer.from_json("{}")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=4), st.integers(3, 12))
def test_any_text_has_tokens(texts, max_length):
    tokenizer = CaptionTokenizer.learn(CAPTIONS, n_tokens=200)
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    tokens = tokenizer.encode(texts, max_length=max_length)
    assert tokens.shape[0] == len(texts)
    assert tokens.shape[1] <= max_length
    assert ((tokens >= 0) & (tokens < tokenizer.n_tokens)).all()
    assert len(tokenizer.decode(tokens)) == len(texts)


def test_unknown_words_empty_and_long_captions(tokenizer):
    tokens = tokenizer.encode(["", "猫", "cat " * 3000], max_length=10)
    assert tokens[0].tolist() == [BEGIN, END] + [PADDING] * 8
    assert tokens[1].tolist()[:3] == [BEGIN, UNKNOWN, END]
    assert tokens[2, -1] == END
    assert tokenizer.decode(tokens)[0] == ""


def test_captions_without_words_are_refused():
    with pytest.raises(ValueError, match="no word to learn from"):
        CaptionTokenizer.learn(["", "  "])
    with pytest.raises(ValueError, match="n_tokens must be"):
        CaptionTokenizer.learn(CAPTIONS, n_tokens=4)


def test_names_of_icons_come_back():
    """Real words: nearly all are those of the vocabulary."""
    file = Path(os.environ.get("MIBSK_DATA", "")) / "icons" / "words.json"
    if not os.environ.get("MIBSK_DATA") or not file.is_file():
        pytest.skip("no folder of real data with icons: set MIBSK_DATA")
    names = [each["name"].replace("-", " ") for each in json.loads(file.read_text())]
    tokenizer = CaptionTokenizer.learn(names, n_tokens=2000)
    tokens = tokenizer.encode(names, max_length=32)
    assert not (tokens == UNKNOWN).any()
    same = np.mean([a == b for a, b in zip(tokenizer.decode(tokens), names, strict=True)])
    assert same > 0.99
