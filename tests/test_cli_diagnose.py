"""The command `mibsk diagnose`: its output, files and exit status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from mibsk.cli import main
from mibsk.reporting import diagnose

N = 60
HIDDEN = np.random.default_rng(0).standard_normal((N, 2))
IMAGE, TEXT, AUDIO = (
    np.hstack([HIDDEN, np.random.default_rng(seed).standard_normal((N, 2))]) for seed in (1, 2, 3)
)
QUICK = ["--permutations", "0"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in a folder with three tables and labels."""
    monkeypatch.chdir(tmp_path)
    np.save("image.npy", IMAGE.reshape(N, 2, 2))
    pd.DataFrame(TEXT, columns=list("abcd")).to_csv("text.csv", index=False)
    pd.DataFrame(AUDIO, columns=list("abcd")).to_parquet("audio.parquet")
    speaker = np.arange(N) // 3
    labels = pd.DataFrame({"digit": np.arange(N) % 2, "speaker": [f"s{i}" for i in speaker]})
    labels.to_csv("labels.csv", index=False)
    labels[["speaker"]].to_csv("groups.csv", index=False)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, ["diagnose", *map(str, arguments)])


def test_the_whole_report_as_a_user_runs_it(folder):
    done = subprocess.run(
        [sys.executable, "-m", "mibsk", "diagnose", "image.npy", "text.csv"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("60 rows: image (4 columns) and text (4 columns)")
    assert "Do they share anything?" in done.stdout
    assert "2 directions hold up on held-out rows" in done.stdout
    assert done.stdout.endswith("Written: diagnosis.json and diagnosis.html\n")
    assert "\x1b" not in done.stdout + done.stderr
    steps = done.stderr.splitlines()
    assert steps[:3] == ["reading image.npy", "reading text.csv", "[1/4] what image and text share"]
    found = json.loads((folder / "diagnosis.json").read_text())
    assert found["schema"] == "mibsk.diagnosis/1"
    assert found["inputs"]["tables"][0]["source"]["path"] == "image.npy"
    assert len(found["inputs"]["tables"][1]["source"]["sha256"]) == 64
    assert found["verdicts"]["sharing"] == "linear"
    page = (folder / "diagnosis.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert page.count("<picture>") == 1


def test_the_file_has_what_python_returns(folder):
    done = run("image.npy", "text.csv", *QUICK, "-q", "--json", "d.json", "--html", "new/d.html")
    assert (done.exit_code, done.output) == (0, "")
    found = json.loads((folder / "d.json").read_text())
    expected = diagnose({"image": IMAGE, "text": TEXT}, n_permutations=0).to_dict()
    assert found["shared"] == json.loads(json.dumps(expected["shared"]))
    assert (folder / "new" / "d.html").is_file()
    assert not (folder / "diagnosis.json").exists()


def test_options_arrive(folder):
    done = run(
        *("image.npy", "text.csv", "audio.parquet", "--labels", "labels.csv"),
        *("--groups", "speaker", "--match", "digit", "--names", "a,b,c", "--rows", "50"),
        *("--ci", "0.8", "--permutations", "19", "--seed", "7", "-q"),
    )
    assert done.exit_code == 0, done.output
    found = json.loads((folder / "diagnosis.json").read_text())
    assert found["options"] == {
        "match": ["digit"],
        "ci": 0.8,
        "n_permutations": 19,
        "max_rows": 50,
        "random_state": 7,
    }
    assert [table["name"] for table in found["inputs"]["tables"]] == ["a", "b", "c"]
    assert found["inputs"]["labels"]["path"] == "labels.csv"
    assert found["inputs"]["n_groups"] == 20
    assert [each["names"] for each in found["subsets"]] == [["a", "b"], ["a", "c"], ["b", "c"]]


def test_groups_in_a_file_of_their_own(folder):
    done = run("image.npy", "text.csv", "--groups", "groups.csv", *QUICK, "-q")
    assert done.exit_code == 0, done.output
    assert json.loads((folder / "diagnosis.json").read_text())["inputs"]["n_groups"] == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["image.npy"], "needed are at least two tables"),
        (["image.npy", "nothing.npy"], "nothing.npy does not exist"),
        (["image.npy", "short.npy"], "image.npy has 60 rows, short.npy has 59"),
        (["image.npy", "constant.npy"], "table 'constant' does not vary"),
        (["image.npy", "text.csv", "--match", "digit"], "labels are needed for the factor 'digit'"),
        (["image.npy", "text.csv", "--groups", "nobody"], "neither a file nor a column"),
        (["image.npy", "text.csv", "--names", "a"], "names must be 2 different names"),
        (["image.npy", "text.csv", "--json", "image.npy"], "image.npy is read too"),
        (
            ["image.npy", "text.csv", "--html", "labels.csv", "--labels", "labels.csv"],
            "is read too",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_is_one_line(folder, arguments, message):
    np.save("short.npy", IMAGE[1:])
    np.save("constant.npy", np.ones((N, 2)))
    done = run(*arguments, "-q")
    assert done.exit_code == 2
    assert message in done.output
    assert len(done.output.splitlines()) == 1
    assert not (folder / "diagnosis.json").exists()


def test_files_of_one_name_have_numbers(folder):
    for name in ("one", "two"):
        (folder / name).mkdir()
        np.save(f"{name}/z.npy", TEXT if name == "one" else AUDIO)
    done = run("one/z.npy", "two/z.npy", "image.npy", *QUICK, "-q")
    assert done.exit_code == 0, done.output
    found = json.loads((folder / "diagnosis.json").read_text())
    names = [table["name"] for table in found["inputs"]["tables"]]
    assert names == ["table_1", "table_2", "table_3"]


def test_help_is_one_page():
    done = run("--help")
    assert done.exit_code == 0
    assert "before anything is trained" in done.output
    assert run().output.startswith("Usage:")
