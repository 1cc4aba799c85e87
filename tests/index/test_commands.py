"""``mibsk index``, ``mibsk search`` and ``mibsk unindex``."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from mibsk.bundle import Bundle
from mibsk.cli import main
from mibsk.index import open_index


@pytest.fixture
def run():
    def call(*arguments, status=0):
        done = CliRunner().invoke(main, [str(each) for each in arguments])
        assert done.exit_code == status, (done.output, done.exception)
        return done

    return call


@pytest.fixture
def store(run, model, files, tmp_path):
    """Return an index of all rows."""
    out = tmp_path / "index"
    options = ("--id", "key", "--metadata", "group,word", "--out", out)
    run("index", model, "text", files / "text.csv", *options)
    run("index", model, "table", files / "table.parquet", *options)
    return out


def test_an_index_is_built_once(run, model, files, store):
    done = run(
        "index", model, "text", files / "text.csv", "--id", "key", "--metadata", "group,word",
        "--out", store,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "text.csv: 0 rows added, 120 there already",
        f"{store}: 120 rows of text",
    ]
    assert done.stderr == "[1/1] text.csv\n"
    done = run("index", model, "image", files / "image.npy", "--out", store, "--quiet")
    assert done.output == ""
    assert open_index(store).modalities()["image"].n_rows == 120


def test_a_search_prints_what_brute_force_finds(run, model, files, store, rows):
    bundle = Bundle(model)
    done = run(
        "search", store, "red square 3", "blue star 7", "--bundle", model, "--from", "text", "--to",
        "table", "-k", 4, "--format", "json", "--where", "group>=2", "--where", "word=a",
    )  # fmt: skip
    answers = json.loads(done.stdout)
    assert [each["query"] for each in answers] == ["red square 3", "blue star 7"]
    z = bundle.embed("table", rows["table"]).astype(float)
    scores = bundle.embed("text", ["red square 3", "blue star 7"]) @ z.T
    for answer, row in zip(answers, scores, strict=True):
        chosen = [i for i in range(120) if i % 4 >= 2 and i % 3 == 0]
        best = sorted(chosen, key=lambda i: (-row[i], i))[:4]
        assert [int(each["id"]) for each in answer["results"]] == best
        np.testing.assert_allclose(
            [each["score"] for each in answer["results"]], row[best], atol=1e-6
        )
        assert all(each["metadata"]["word"] == "a" for each in answer["results"])


def test_a_table_of_results(run, model, store):
    done = run("search", store, "007", "--id", "--from", "text", "--to", "text", "-k", 2)
    lines = done.stdout.splitlines()
    assert lines[0] == "text 007"
    assert lines[1].split() == ["score", "id", "group", "word"]
    assert lines[2].split()[1:] == ["007", "3"]
    assert len(lines) == 4
    done = run(
        "search", store, "007", "008", "--id", "--from", "text", "--to", "text", "--where",
        "word=none such",
    )  # fmt: skip
    assert done.stdout == "text 007\nno row\n\ntext 008\nno row\n"


def test_rows_of_a_file_search(run, model, files, store):
    done = run(
        "search", store, files / "image.npy", "--bundle", model, "--from", "image", "--to", "text",
        "-k", 1, "--format", "json",
    )  # fmt: skip
    answers = json.loads(done.stdout)
    assert len(answers) == 120
    assert answers[3]["query"] == "image.npy, row 3"


def test_rows_are_deleted(run, store):
    done = run("unindex", store, "text", "000", "001", "nobody", "001")
    assert done.stdout == "2 of 3 rows deleted\n"
    assert open_index(store).modalities()["text"].n_rows == 118


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", "INDEX", "x", "--from", "text", "--to", "table"], "with --bundle, or ids"),
        (
            ["search", "INDEX", "x", "--id", "--from", "text", "--to", "table"],
            "modality 'text' of the index has no row 'x'.",
        ),
        (
            ["search", "INDEX", "000", "--id", "--from", "text", "--to", "tables"],
            "no rows of modality 'tables', only table, text. Did you mean 'table'?",
        ),
        (
            ["search", "INDEX", "000", "--id", "--from", "text", "--to", "text", "--where", "x=1"],
            "the index has no column 'x', only group, word.",
        ),
        (["search", "none", "x", "--id", "--from", "text", "--to", "text"], "no index at"),
        (["index", "BUNDLE", "texts", "x.csv", "--out", "INDEX"], "Did you mean 'text'?"),
        (["index", "BUNDLE", "text", "none.csv", "--out", "INDEX"], "does not exist"),
        (["index", "none", "text", "none.csv", "--out", "INDEX"], "no bundle at"),
        (["unindex", "INDEX", "sound", "1"], "no rows of modality 'sound'"),
    ],
)
def test_one_line_says_what_is_wrong(run, model, store, arguments, message):
    places = {"INDEX": store, "BUNDLE": model}
    done = run(*(places.get(each, each) for each in arguments), status=2)
    assert done.stdout == ""
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_index_of_another_model_is_refused(run, model, files, store, monkeypatch):
    monkeypatch.setattr(Bundle, "digest", "b" * 64)
    for arguments in (
        ["index", model, "text", files / "text.csv", "--out", store],
        ["search", store, "x", "--bundle", model, "--from", "text", "--to", "text"],
    ):
        assert "embeddings of another model" in run(*arguments, status=2).stderr
