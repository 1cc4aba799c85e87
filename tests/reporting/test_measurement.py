import json
import os
from dataclasses import replace

import numpy as np
import pytest

from mibsk import __version__
from mibsk.reporting import Source, _measure, measure, to_html, write_report


def strict(text):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_json_has_stable_keys(report):
    found = strict(report.to_json())
    assert list(found) == ["schema", "mibsk_version", "inputs", "options", "metrics", "notes"]
    assert found["schema"] == "mibsk.measurement/1"
    assert found["mibsk_version"] == __version__
    assert found["inputs"]["x"] == {
        "name": "image",
        "shape": [60, 6],
        "dtype": "float64",
        "source": None,
    }
    assert found["inputs"]["labels"] == {"source": None, "n_classes": {"digit": 3, "speaker": 2}}
    assert found["options"] == {
        "k": 10,
        "similarity": "cosine",
        "match": ["digit"],
        "shared": ["digit"],
        "nuisances": ["speaker"],
        "groups": None,
        "probe": "linear",
        "ci": 0.95,
        "n_permutations": 20,
        "max_rows": None,
        "random_state": 0,
    }
    assert {"cka", "recall_at_1.x_to_y", "uniformity.y", "leakage.y.speaker"} <= set(
        found["metrics"]
    )
    for line in found["metrics"].values():
        assert list(line) == [
            "group",
            "metric",
            "title",
            "subject",
            "value",
            "low",
            "high",
            "better",
            "n_rows",
            "n_resamples",
            "chance",
            "by_chance",
            "note",
            "meaning",
        ]
    assert list(found["metrics"]["cka"]["chance"]) == [
        "value",
        "level",
        "p_value",
        "n_permutations",
        "n_rows",
        "calibrated",
    ]


def test_json_has_null_where_there_is_no_number(report):
    lines = (replace(report["cka"], value=float("nan"), low=None, high=float("inf")),)
    found = strict(replace(report, lines=lines).to_json())["metrics"]["cka"]
    assert (found["value"], found["low"], found["high"]) == (None, None, None)


def test_the_same_input_gives_the_same_files(pairs):
    X, Y, labels = pairs
    options = {"n_permutations": 5, "match": "digit", "probe": "mlp"}
    one, two = (measure(X[:30], Y[:30], labels[:30], **options) for _ in range(2))
    assert one.to_json() == two.to_json()
    assert to_html(one) == to_html(two)


def test_lines_are_found_by_key(report):
    assert report["cka"].title == "CKA, linear, biased"
    with pytest.raises(KeyError, match="no line 'ckaa'; there are cka_unbiased, cka"):
        report["ckaa"]


def test_names_of_files_need_not_be_valid_unicode(report, tmp_path):
    source = Source(os.fsdecode(b"\xff.npy"), "0" * 64)
    odd = replace(report, x=replace(report.x, source=source))
    write_report(odd, tmp_path / "m.json")
    assert strict((tmp_path / "m.json").read_text())["inputs"]["x"]["source"]["path"]


def test_a_measurement_holds_no_more_than_a_sample(monkeypatch):
    monkeypatch.setattr(_measure, "SAMPLE", 20)
    X = np.random.default_rng(0).standard_normal((30, 2))
    report = measure(X, X, ci=None, n_permutations=0)
    assert len(report.sample.x) == len(report.sample.y) == 20
