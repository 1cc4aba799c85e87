"""The command `mibsk`: its output, files and exit status."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from mibsk import __version__
from mibsk.cli import main

A = np.random.default_rng(0).standard_normal((40, 5)).astype(np.float32)
QUICK = ["--no-ci", "--permutations", "0"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in a folder with two sides and their labels."""
    monkeypatch.chdir(tmp_path)
    np.save("image.npy", A)
    np.save("text.npy", A + 0.3 * np.roll(A, 1, axis=1))
    np.save("narrow.npy", A[:, :3])
    digits = pd.DataFrame({"digit": np.arange(40) % 2, "speaker": np.arange(40) // 2 % 2})
    digits.to_csv("labels.csv", index=False)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, ["measure", *map(str, arguments)])


def command(*arguments, variables=None, **options):
    return subprocess.run(
        [sys.executable, "-m", "mibsk", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), **(variables or {})},
        **options,
    )


def test_the_whole_report_as_a_user_runs_it(folder):
    done = command(
        "measure",
        "image.npy",
        "text.npy",
        *("--labels", "labels.csv", "--match", "digit", "--shared", "digit"),
        *("--nuisances", "speaker", "--permutations", "19"),
    )
    assert done.returncode == 0, done.stderr
    assert "40 pairs: image (5 columns) and text (5 columns)" in done.stdout
    assert "A row of the same digit comes first in" in done.stdout
    assert "Leaked, speaker in text" in done.stdout
    assert "95% interval" in done.stdout
    assert done.stdout.endswith("Written: measurement.json and measurement.html\n")
    assert "\x1b" not in done.stdout + done.stderr
    steps = done.stderr.splitlines()
    assert steps[:3] == ["reading image.npy", "reading text.npy", "reading labels.csv"]
    assert steps[3] == f"[1/{len(steps) - 3}] CKA, linear, unbiased"
    found = json.loads((folder / "measurement.json").read_text())
    assert found["inputs"]["x"]["source"]["path"] == "image.npy"
    assert len(found["inputs"]["labels"]["source"]["sha256"]) == 64
    assert found["metrics"]["cka_unbiased"]["value"] > 0.5
    assert "<!DOCTYPE html>" in (folder / "measurement.html").read_text()


def test_quiet_prints_nothing_and_files_are_written_where_requested(folder):
    (folder / "m.json").write_text("old")
    done = run("image.npy", "text.npy", *QUICK, "-q", "--json", "m.json", "--html", "new/m.html")
    assert (done.exit_code, done.output) == (0, "")
    assert json.loads((folder / "m.json").read_text())["options"]["ci"] is None
    assert (folder / "new" / "m.html").is_file()
    assert not (folder / "measurement.json").exists()


def test_options_arrive(folder):
    done = run(
        *("image.npy", "text.npy", "--labels", "labels.csv", "--match", "digit"),
        *("--shared", "digit", "--nuisances", " speaker ,", "--probe", "mlp"),
        *("--names", "a", "b", "--k", "3", "--similarity", "dot", "--rows", "30"),
        *("--ci", "0.8", "--permutations", "5", "--seed", "7", "-q"),
    )
    assert done.exit_code == 0, done.output
    found = json.loads((folder / "measurement.json").read_text())
    assert found["options"] == {
        "k": 3,
        "similarity": "dot",
        "match": ["digit"],
        "shared": ["digit"],
        "nuisances": ["speaker"],
        "groups": None,
        "probe": "mlp",
        "ci": 0.8,
        "n_permutations": 5,
        "max_rows": 30,
        "random_state": 7,
    }
    assert [found["inputs"][side]["name"] for side in "xy"] == ["a", "b"]


@pytest.mark.skipif(sys.platform != "linux", reason="such names exist on Linux alone")
@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_names_of_files_need_not_be_utf8(folder, locale):
    odd, labels, page = (os.fsdecode(b"gr\xf6sse." + end) for end in (b"npy", b"csv", b"html"))
    Path("image.npy").rename(odd)
    Path("labels.csv").rename(labels)
    arguments = ["measure", odd, "text.npy", "--labels", labels, *QUICK, "--html", page]
    done = command(*arguments, variables={"LC_ALL": locale, "PYTHONUTF8": "0"})
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert "gr\\udcf6sse (5 columns) and text" in done.stdout
    assert done.stdout.endswith("Written: measurement.json and gr\\udcf6sse.html\n")
    found = json.loads((folder / "measurement.json").read_text())
    assert found["inputs"]["x"]["name"] == "gr\\udcf6sse"
    assert found["inputs"]["x"]["source"]["path"] == odd
    html = Path(page).read_text(encoding="utf-8")
    assert "gr\\udcf6sse" in html
    assert html.count("<img") >= 2
    missing = command("measure", odd + "o", "text.npy")
    assert missing.returncode == 2
    assert missing.stderr.count("\n") == 1


def test_two_folders_are_measured_side_by_side(folder):
    for name, noise in (("before", 1.0), ("after", 0.3)):
        (folder / name).mkdir()
        np.save(f"{name}/image.npy", A)
        np.save(f"{name}/text.npy", A + noise * np.roll(A, 1, axis=1))
    done = run("before", "after", "--permutations", "0")
    assert done.exit_code == 0, done.output
    assert "before and after, 40 pairs: image (5 columns)" in done.stdout
    found = json.loads((folder / "measurement.json").read_text())
    assert found["differences"]["cka"]["difference"] > 0
    assert "side by side" in (folder / "measurement.html").read_text()
    done = run("before", "after/text.npy")
    assert done.exit_code == 2
    assert "before is a folder: pass one file" in done.output


def test_groups_are_a_column_or_a_file(folder):
    speakers = np.arange(40) // 4
    table = pd.read_csv("labels.csv").assign(person=[f"p{i}" for i in speakers])
    table.to_csv("people.csv", index=False)
    table[["person"]].to_csv("person.csv", index=False)
    np.save("person.npy", speakers)
    found = []
    for labels, groups in (
        ("people.csv", "person"),
        ("labels.csv", "person.csv"),
        ("labels.csv", "person.npy"),
    ):
        done = run(
            *("image.npy", "text.npy", "--labels", labels, "--groups", groups),
            *("--shared", "digit", "--permutations", "0", "--quiet"),
        )
        assert done.exit_code == 0, done.output
        found.append(json.loads((folder / "measurement.json").read_text()))
    assert found[0]["options"]["groups"] == 10
    assert "read.x.person" not in found[0]["metrics"]
    assert found[0]["metrics"] == found[1]["metrics"] == found[2]["metrics"]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ("persons", "groups 'persons' are neither a file nor a column of the labels"),
        ("digits", "Did you mean 'digit'?"),
        ("labels.csv", "labels.csv must have one column, the groups of the rows"),
        ("short.npy", "groups must have one label per row, got 3 for 40 rows"),
    ],
)
def test_bad_groups_get_a_clear_line_and_status_2(groups, message):
    np.save("short.npy", np.arange(3) // 2)
    done = run("image.npy", "text.npy", "--labels", "labels.csv", "--groups", groups, *QUICK)
    assert_refused(done, message)


def test_sides_in_two_spaces_are_no_error():
    done = run("image.npy", "narrow.npy", *QUICK)
    assert done.exit_code == 0
    assert "Note: image has 5 columns and narrow has 3" in done.stdout
    assert "Recall" not in done.stdout


def test_files_of_one_name_are_called_x_and_y(folder):
    (folder / "other").mkdir()
    np.save("other/image.npy", A)
    assert "40 pairs: x (5 columns) and y" in run("image.npy", "other/image.npy", *QUICK).stdout


def test_arrays_of_one_archive_are_called_like_them():
    np.savez("both.npz", one=A, two=A)
    done = run("both.npz:one", "both.npz:two", *QUICK)
    assert "40 pairs: one (5 columns) and two (5 columns)" in done.stdout


def bad_files():
    """Write a file of each bad kind; return name -> what the message says."""
    np.save("short.npy", A[:39])
    np.save("one.npy", A[:1])
    np.save("flat.npy", A[:, 0])
    np.save("words.npy", A.astype(str))
    np.save("objects.npy", np.array([{}], object), allow_pickle=True)
    np.save("gaps.npy", np.where(np.arange(40)[:, None] == 7, np.nan, A))
    np.savez("two.npz", x=A, y=A)
    Path("empty.npy").write_bytes(b"")
    Path("torn.npy").write_bytes(Path("image.npy").read_bytes()[:300])
    Path("text.csv").write_text("a,b\n1,x\n")
    Path("torn.parquet").write_bytes(b"PAR1")
    Path("model.pt").write_bytes(b"PK")
    Path("folder.npy").mkdir()
    return {
        "qqqqqqqq.npy": "qqqqqqqq.npy does not exist: check the path",
        "imag.npy": "did you mean 'image.npy'?",
        "folder.npy": "folder.npy is a folder: pass one file",
        "empty.npy": "empty.npy is empty (0 bytes)",
        "torn.npy": "torn.npy is incomplete or damaged",
        "objects.npy": "objects.npy holds pickled Python objects, which are never read",
        "gaps.npy": "in 1 of 40 rows, first in row 7",
        "flat.npy": "flat.npy must have shape (n_samples, n_features), got shape (40,)",
        "words.npy": "not real numbers",
        "one.npy": "at least 2 row(s)",
        "short.npy": "short.npy has 39 rows, text.npy has 40",
        "two.npz": "two.npz holds 2 arrays (x, y): say which, as in two.npz:x",
        "text.csv": "text.csv has values that are not numbers in column 'b' ('x' in row 0)",
        "torn.parquet": "not a Parquet file",
        "model.pt": "np.save(path, tensor.numpy())",
    }


def assert_refused(done, message):
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("reading")]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("mibsk: ")
    assert message in lines[0]
    assert isinstance(done.exception, SystemExit)


def test_bad_files_get_a_clear_line_and_status_2(folder):
    for name, message in bad_files().items():
        assert_refused(run(name, "text.npy"), message)
    assert_refused(run("text.npy", "short.npy", "-q"), "text.npy has 40 rows, short.npy has 39")
    assert not (folder / "measurement.json").exists()


def test_bad_labels_get_a_clear_line_and_status_2():
    table = pd.read_csv("labels.csv")
    table[:39].to_csv("short.csv", index=False)
    table.mask(np.tile(np.arange(40)[:, None] == 3, 2)).to_csv("gaps.csv", index=False)
    table.assign(digit=1)[["digit"]].to_csv("constant.csv", index=False)
    table.assign(digit=range(40))[["digit"]].to_csv("ids.csv", index=False)
    for name, message in {
        "missing.csv": "missing.csv does not exist",
        "short.csv": "short.csv has labels of 39 rows, the embeddings have 40",
        "gaps.csv": "gaps.csv['digit'] has 1 missing label(s)",
        "constant.csv": "factor 'digit' of constant.csv is the same in all rows (1)",
        "ids.csv": "factor 'digit' of ids.csv has a class of its own for each of the 40 rows",
    }.items():
        assert_refused(run("image.npy", "text.npy", "--labels", name), message)
    given = ("image.npy", "text.npy", "--labels", "labels.csv")
    assert_refused(run(*given, "--match", "digits"), "Did you mean 'digit'?")
    assert_refused(
        run(*given, "--shared", "digit", "--nuisances", "digit"), "both shared and nuisances"
    )
    assert_refused(run("image.npy", "text.npy", "--match", "digit"), "labels are needed")


def test_bad_outputs_get_a_clear_line_and_status_2(folder):
    Path("file").write_text("")
    sides = ("image.npy", "text.npy")
    assert_refused(
        run(*sides, "--json", "file/m.json"), "file/m.json cannot be written: file is not a folder"
    )
    assert_refused(run(*sides, "--html", folder), "is a folder")
    assert_refused(run(*sides, "--json", "image.npy"), "image.npy is read too")
    assert_refused(run(*sides, "--json", "m", "--html", "./m"), "./m is written too")
    np.testing.assert_array_equal(np.load("image.npy"), A)
    assert sorted(path.name for path in folder.iterdir()) == [
        "file",
        "image.npy",
        "labels.csv",
        "narrow.npy",
        "text.npy",
    ]


@pytest.mark.parametrize(
    "option",
    [
        ("--k", "0"),
        ("--k", "many"),
        ("--ci", "1"),
        ("--rows", "1"),
        ("--permutations", "-1"),
        ("--probe", "tree"),
        ("--kk", "3"),
    ],
)
def test_bad_options_are_named_with_status_2(option):
    done = run("image.npy", "text.npy", *option)
    assert done.exit_code == 2
    assert option[0] in done.stderr


def test_names_that_do_not_differ():
    assert_refused(run("image.npy", "text.npy", "--names", "a", "a"), "names must differ")


def test_a_terminal_sees_progress_and_colours():
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "mibsk", "measure", "image.npy", "narrow.npy", *QUICK],
        stdout=follower,
        stderr=follower,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "TERM": "xterm-256color",
            "COLUMNS": "100",
        },
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 4096)
        except OSError:  # the other end has gone
            break
        if not part:
            break
        shown += part
    os.close(leader)
    assert process.wait(60) == 0
    assert "━".encode() in shown
    assert b"\x1b[1m" in shown
    assert b"Written: " in shown


def test_version_and_help_are_fast_and_import_nothing_heavy():
    assert command("--version").stdout == f"mibsk, version {__version__}\n"
    assert command("-h").stdout.startswith("Usage: python -m mibsk [OPTIONS] COMMAND")
    code = (
        "import sys\nfrom mibsk.cli import main\n"
        "try:\n    main(['measure', '--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'torch', 'numpy', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "FILE.npz:NAME" in done.stdout


def test_a_report_closed_by_its_reader_ends_without_a_traceback():
    files = "image.npy narrow.npy"
    shell = f"{sys.executable} -m mibsk measure {files} {' '.join(QUICK)} | head -1"
    done = subprocess.run(
        ["bash", "-c", shell],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert done.stdout.startswith("40 pairs")
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
