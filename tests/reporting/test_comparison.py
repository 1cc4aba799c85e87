"""Two runs side by side: differences are those of `compare`, and say which run is better."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest

from mibsk import metrics
from mibsk.metrics import Bootstrap, compare
from mibsk.reporting import measure_folders, print_report, write_report

N = 90


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return two folders; after, both sides have less noise and `audio` has more columns."""
    root = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((N, 5))
    for name, noise in (("before", 1.0), ("after", 0.4)):
        (root / name).mkdir()
        for side in ("image", "text"):
            np.save(root / name / f"{side}.npy", hidden + noise * rng.standard_normal((N, 5)))
    (root / "before" / "labels.csv").write_text("digit\n" + "\n".join(str(i % 3) for i in range(N)))
    return root


@pytest.fixture(scope="module")
def compared(folders):
    return measure_folders(
        folders / "before",
        folders / "after",
        folders / "before" / "labels.csv",
        nuisances=["digit"],
        n_permutations=0,
    )


def test_differences_are_those_of_compare(folders, compared):
    before, after = (
        tuple(np.load(folders / name / f"{side}.npy") for side in ("image", "text"))
        for name in ("before", "after")
    )
    found = compared["cka_unbiased"]
    ci = Bootstrap(n_resamples=found.after.n_resamples, max_rows=2048)
    expected = compare(metrics.cka, after, before, ci=ci, unbiased=True)
    assert found.value == pytest.approx(expected.difference)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.p_value == expected.p_value
    assert found.improves is True
    assert {"leakage.x.digit", "recall_at_1.y_to_x"} <= {each.before.key for each in compared}


def test_the_same_run_twice_does_not_differ(folders):
    same = measure_folders(folders / "after", folders / "after", folders / "before" / "labels.csv")
    assert same.names == ("before", "after")
    for found in same:
        assert (found.value, found.low, found.high, found.improves) == (0, 0, 0, None)


def test_better_depends_on_the_metric(compared):
    gap = compared["alignment"]
    assert gap.after.better == "lower"
    assert gap.value < 0
    assert gap.high < 0
    assert gap.improves is True
    worse = replace(gap, low=0.1, high=0.2)
    assert worse.improves is False


def test_sides_with_other_widths_after(folders, tmp_path):
    rng = np.random.default_rng(1)
    for side in ("image", "text"):
        np.save(tmp_path / f"{side}.npy", rng.standard_normal((N, 200 if side == "image" else 4)))
    labels = folders / "before" / "labels.csv"
    found = measure_folders(folders / "before", tmp_path, labels, n_permutations=0)
    assert found["cka"].before.n_resamples > found["cka"].after.n_resamples
    assert found["cka"].low < found["cka"].value < found["cka"].high
    assert "modality_gap" not in {each.before.key for each in found}


def test_views(compared, tmp_path):
    stream = io.StringIO()
    print_report(compared, stream)
    text = stream.getvalue()
    assert "before and after, 90 pairs: image (5 columns) and text (5 columns)" in text
    row = next(line for line in text.splitlines() if line.startswith("CKA, linear, unbiased"))
    assert f"+{compared['cka_unbiased'].value:.3f}" in row
    assert row.endswith("better")
    write_report(compared, tmp_path / "m.json", tmp_path / "m.html")
    found = json.loads((tmp_path / "m.json").read_text())
    assert found["schema"] == "mibsk.comparison/1"
    assert found["differences"]["cka"]["difference"] == compared["cka"].value
    assert found["before"]["metrics"]["cka"]["value"] == compared["cka"].before.value
    html = (tmp_path / "m.html").read_text()
    assert html.count("<tr>") > len(found["differences"])
    assert "http" not in html.replace("http-equiv", "")


def test_without_intervals(folders):
    options = {"ci": None, "n_permutations": 0}
    found = measure_folders(
        folders / "before", folders / "after", folders / "before" / "labels.csv", **options
    )
    assert found["cka"].value > 0
    assert (found["cka"].low, found["cka"].improves) == (None, None)
    stream = io.StringIO()
    print_report(found, stream)
    assert "Without intervals it is not known" in stream.getvalue()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            ["image.npy"],
            "after must hold two files .* one of each side, found image.npy",
        ),
        ([], "after must hold two files .* one of each side, found none"),
        (["image.npy", "audio.npy"], "give the files of both runs the same names"),
    ],
)
def test_folders_must_hold_the_same_two_files(folders, tmp_path, files, message):
    after = tmp_path / "after"
    after.mkdir()
    for name in files:
        np.save(after / name, np.eye(N))
    with pytest.raises(ValueError, match=message):
        measure_folders(folders / "before", after, folders / "before" / "labels.csv")


def test_both_runs_must_have_the_same_rows(tmp_path):
    for name, n in (("before", 30), ("after", 20)):
        (tmp_path / name).mkdir()
        for side in ("image", "text"):
            np.save(tmp_path / name / f"{side}.npy", np.random.default_rng(0).random((n, 2)))
    with pytest.raises(ValueError, match=r"has 30 rows, .*after has 20: embed the same rows"):
        measure_folders(tmp_path / "before", tmp_path / "after", ci=None, n_permutations=0)
