"""The programs of a bundle prepare text as Python does, in each language."""

import importlib.util
import json
import shutil
import struct
import subprocess
import unicodedata
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mibsk.bundle._preprocessing import text_programs
from mibsk.data import InputSpec, pad_csr

PROGRAMS = Path(str(files("mibsk.bundle"))) / "preprocessing"
SPEC = InputSpec("text", "text", (2**15,))

JAVASCRIPT = """
import fs from "fs";
import {hashedNgrams, hashedNgramsOf} from "./text.mjs";
const texts = JSON.parse(fs.readFileSync("texts.json"));
const rows = texts.map(hashedNgrams);
fs.writeFileSync("rows.json", JSON.stringify(rows.map(
  (row) => [Array.from(row.indices, Number), Array.from(row.values)])));
const batch = hashedNgramsOf(texts.slice(0, 5));
fs.writeFileSync("batch.json", JSON.stringify(
  [batch.dims, Array.from(batch.indices, Number), Array.from(batch.values)]));
let message = "";
try { hashedNgrams("half \\ud800"); } catch (error) { message = error.message; }
fs.writeFileSync("error.txt", message);
"""

C = """
#include <stdio.h>
#include "text.c"
int main(void) {
  uint32_t n;
  while (fread(&n, 4, 1, stdin) == 1) {
    char *text = malloc(n + 1);
    int64_t *indices;
    float *values;
    if (fread(text, 1, n, stdin) != n) return 1;
    int64_t length = mibsk_hashed_ngrams(text, n, &indices, &values);
    fwrite(&length, 8, 1, stdout);
    if (length > 0) {
      fwrite(indices, 8, length, stdout);
      fwrite(values, 4, length, stdout);
    }
    free(text);
    free(indices);
    free(values);
  }
  return 0;
}
"""


def texts_of_all_characters():
    """Every letter, mark and space of the first planes, alone and around a final sigma."""
    if unicodedata.unidata_version != "14.0.0":  # the programs know the letters of this version
        return []
    ends = [*range(0xD800), *range(0xE000, 0x20000), 0xE0001, 0xE0100, 0x10FFFF]
    together = ["".join(map(chr, ends[i : i + 32])) for i in range(0, len(ends), 32)]
    cased = [c for c in map(chr, ends) if c.lower() != c.upper() or not c.isalnum()]
    return together + [f"ΑΣ{c}" for c in cased[::7]] + [f"{c}Σ ΑΣ{c}Α" for c in cased[::7]]


def random_texts(n):
    rng = np.random.default_rng(0)
    special = (
        "\u03a3\u03c3\u0130\u0131\u0345.\xad'\ufeff\x85\x1c\x1f\xa0\u200b\u180e\u0301\0\n\u3000 "
    )
    texts = []
    for length in rng.choice([0, 1, 2, 3, 5, 10, 40], n):
        points = np.concatenate([rng.integers(32, 127, 40), rng.integers(0x80, 0x110000, 10)])
        chosen = [chr(c) for c in rng.choice(points, length) if not 0xD800 <= c < 0xE000] + list(
            rng.choice(list(special), length // 2)
        )
        texts.append("".join(rng.permutation(chosen)) if chosen else "")
    return texts


@pytest.fixture(scope="module")
def texts():
    return [*random_texts(1000), *texts_of_all_characters()]


@pytest.fixture(scope="module")
def expected(texts):
    X = SPEC.prepare(np.array(texts, object))
    rows = []
    for start, stop in pairwise(X.indptr):
        row = X.indices[start:stop].tolist(), X.data[start:stop].tolist()
        rows.append(row if stop > start else ([0], [0.0]))
    return rows


def assert_same(found, expected, texts):
    assert len(found) == len(expected)
    different = [
        ascii(text)
        for one, other, text in zip(found, expected, texts, strict=True)
        if list(one[0]) != other[0] or list(one[1]) != other[1]
    ]
    assert not different, different[:5]


def test_python(texts, expected):
    module = importlib.util.spec_from_file_location("text", PROGRAMS / "text.py")
    program = importlib.util.module_from_spec(module)
    module.loader.exec_module(program)
    rows = [program.hashed_ngrams(text) for text in texts]
    found = [(indices, np.float32(values).tolist()) for indices, values in rows]
    assert_same(found, expected, texts)
    with pytest.raises(UnicodeEncodeError):
        program.hashed_ngrams("half \ud800")


def test_javascript(texts, expected, tmp_path):
    if not (node := shutil.which("node")):
        pytest.skip("Node is not installed")
    shutil.copy(PROGRAMS / "text.js", tmp_path / "text.mjs")
    (tmp_path / "main.mjs").write_text(JAVASCRIPT)
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    subprocess.run([node, "main.mjs"], cwd=tmp_path, check=True, timeout=300)
    found = json.loads((tmp_path / "rows.json").read_text())
    assert_same(found, expected, texts)
    dims, indices, values = json.loads((tmp_path / "batch.json").read_text())
    padded = pad_csr(SPEC.prepare(np.array(texts[:5], object)), slice(None))
    np.testing.assert_array_equal(np.reshape(indices, dims), padded[0])
    np.testing.assert_array_equal(np.reshape(values, dims).astype(np.float32), padded[1])
    assert "not valid Unicode" in (tmp_path / "error.txt").read_text()


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        pytest.skip("no C compiler is installed")
    folder = tmp_path_factory.mktemp("c")
    shutil.copy(PROGRAMS / "text.c", folder)
    (folder / "main.c").write_text(C)
    command = [compiler, "-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "main.c", "-lm"]
    subprocess.run([*command, "-o", "main"], cwd=folder, check=True)
    return folder / "main"


def run_c(program, encoded):
    sent = b"".join(struct.pack("=I", len(each)) + each for each in encoded)
    answer = subprocess.run([program], input=sent, capture_output=True, check=True).stdout
    place = 0
    for _ in encoded:
        (length,) = struct.unpack_from("=q", answer, place)
        place += 8
        n = max(length, 0)
        indices = np.frombuffer(answer, np.int64, n, place).tolist()
        values = np.frombuffer(answer, np.float32, n, place + 8 * n).tolist()
        place += 12 * n
        yield (indices, values) if length > 0 else length


def test_c(texts, expected, compiled):
    assert_same(list(run_c(compiled, [t.encode() for t in texts])), expected, texts)


def test_c_refuses_bytes_that_are_not_utf_8(compiled):
    wrong = [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"ab\xe2\x82", b"\xf4\x90\x80\x80", b"\x80"]
    assert list(run_c(compiled, wrong)) == [-1] * len(wrong)


def test_the_examples_are_those_of_python():
    contents, _ = text_programs()
    (golden,) = (json.loads(each) for name, each in contents.items() if name.endswith(".json"))
    for row in golden:
        indices, values = pad_csr(SPEC.prepare(np.array([row["text"]], object)), slice(None))
        assert row["indices"] == indices[0].tolist()
        np.testing.assert_array_equal(np.float32(row["values"]), values[0])
