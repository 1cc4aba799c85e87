"""The model card says what is known, what is not, and shows what users gave as it is."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mibsk import CanonicalBottleneck, IBAligner
from mibsk.bundle import DataSource, write_bundle
from mibsk.bundle._card import markdown_text

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def aligner():
    X = RNG.normal(size=(60, 3))
    table = pd.DataFrame(X, columns=["height", "a|b", "c"])
    y = X[:, :2] + 0.1 * RNG.normal(size=(60, 2))
    return CanonicalBottleneck(n_components=2).fit({"table": table, "y": y})


def card(folder):
    return (folder / "README.md").read_text()


def test_facts_that_are_not_given_are_not_known(aligner, tmp_path):
    write_bundle(aligner, tmp_path)
    text = card(tmp_path)
    for line in ("Name: not known", "Licence: not known", "Source: not known"):
        assert line in text
    assert "The quality of this model is not known" in text
    assert "It is not known: no measurement was recorded." in text
    assert "## Variant" not in text
    assert "The metrics above" not in text
    for line in ("| n pairs | 60 |", "| directions, kept | 2 |", "| params, n components | 2 |"):
        assert line in text, line
    assert "| params, ridge" not in text


def test_facts_that_are_given_are_shown(aligner, tmp_path):
    manifest = write_bundle(
        aligner,
        tmp_path,
        name="heights",
        data=DataSource("Bodies", "CC BY 4.0", "https://example.org", {"height": "cm"}),
        training={"run": "r1", "seed": 3, "when": {"day": "Monday"}},
        metrics={
            "recall_at_1": {"table_to_y": {"value": 0.81234, "interval": [0.75, 0.86]}},
            "cka": 0.5,
            "leakage": {"sex": {"value": 0.1, "low": 0.05, "high": 0.2}},
        },
        limits=["Adults only."],
    )
    text = card(tmp_path)
    for line in (
        "# heights",
        "- Name: Bodies",
        "- Licence: CC BY 4.0",
        "- Source: https://example.org",
        "height (cm), a\\|b (not known), c (not known).",
        "| recall at 1, table to y | 0.8123 | 0.75 to 0.86 |",
        "| cka | 0.5 | not known |",
        "| leakage, sex | 0.1 | 0.05 to 0.2 |",
        "- Adults only.",
        "| run | r1 |",
        "| when, day | Monday |",
        "| estimator | CanonicalBottleneck |",
        f"- Space: `{manifest.digest}`",
        'bundle.embed("table", rows)',
    ):
        assert line in text, line
    leakage = text.index("## Leakage")
    assert text.index("| cka |") < leakage < text.index("| leakage, sex |")


def test_markup_of_users_is_text(aligner, tmp_path):
    hostile = "<script>alert(1)</script> | [x](javascript:1) `c` **b**\n# title\n"
    write_bundle(
        aligner,
        tmp_path,
        name=hostile.replace("/", "").replace("\n", " "),
        data={"name": hostile, "licence": hostile},
        training={hostile: hostile},
        limits=[hostile],
    )
    text = card(tmp_path)
    shown = markdown_text(hostile)
    assert "\n" not in shown
    assert text.count(shown) == 5
    assert "<script>" not in text
    assert "\n# title" not in text
    assert "[x](" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", "not known"),
        (None, "not known"),
        ("  \n", "not known"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("0.25", "0.25"),
        ("a-b", "a-b"),
        ("a|b", "a\\|b"),
        ("back\\slash", "back\\\\slash"),
        ("CC BY-SA 4.0", "CC BY-SA 4.0"),
        ("~~x~~ & <y>", "\\~\\~x\\~\\~ \\& \\<y\\>"),
    ],
)
def test_markdown_text(value, text):
    assert markdown_text(value) == text


def test_values_become_plain(aligner, tmp_path):
    manifest = write_bundle(
        aligner,
        tmp_path,
        training={"n": np.int64(3), "seeds": np.arange(2), "at": pd.Timestamp("2026-01-02")},
        metrics={"a": np.float32(0.5), "nan": float("nan"), "flag": np.bool_(True)},
    )
    written = (tmp_path / "manifest.json").read_text()
    assert "NaN" not in written
    values = json.loads(written)
    assert values["training"]["n"] == 3
    assert values["training"]["seeds"] == [0, 1]
    assert values["training"]["at"] == "2026-01-02T00:00:00"
    assert values["metrics"] == {"a": 0.5, "nan": None, "flag": True}
    assert manifest.metrics == values["metrics"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"training": {"model": object()}},
            TypeError,
            r"training\['model'\] must be a plain value",
        ),
        ({"metrics": {"a": {1: 2}}}, TypeError, r"metrics\['a'\] must have strings as keys, got 1"),
        ({"data": {"license": "MIT"}}, ValueError, "data has 'license', expected some of"),
        ({"data": {"licence": 3}}, TypeError, "licence of data must be text, got 3"),
        ({"data": DataSource(units={"x": 3})}, TypeError, "units of data must be a dict of texts"),
        ({"limits": "one"}, TypeError, "limits must be a list of sentences"),
        ({"name": ""}, ValueError, "name must be text"),
        ({"name": "a/b"}, ValueError, "name must be text of one line without '/', got '/' in"),
        ({"name": "a\nb"}, ValueError, "name must be text of one line without '/'"),
        ({"data": "wine"}, TypeError, "data must be a DataSource or a dict of its fields"),
        ({"metrics": "0.5"}, TypeError, "metrics must be a dict of plain values by name"),
        ({"training": ["run"]}, TypeError, "training must be a dict of plain values by name"),
        ({"displays": "audio"}, TypeError, "displays must be a dict of Display by modality"),
    ],
)
def test_other_values_are_refused(aligner, tmp_path, arguments, error, message):
    with pytest.raises(error, match=message):
        write_bundle(aligner, tmp_path, **arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore::mibsk.exceptions.NothingSharedWarning")
def test_programs_and_graphs_of_text(tmp_path):
    rows = {
        "text": np.array([f"word {i:03d} and {i % 7}" for i in range(60)]),
        "x": RNG.normal(size=(60, 3)),
    }
    aligner = IBAligner(n_components=2, max_epochs=1, random_state=0, encoders={"x": "mlp"})
    manifest = write_bundle(aligner.fit(rows), tmp_path)
    strings = manifest.encoders["text"].strings
    assert strings is not None
    assert (tmp_path / strings.file).stat().st_size == strings.size
    assert strings.file in card(tmp_path)
    programs = manifest.preprocessing["text"]
    assert sorted(name.rpartition("/")[2] for name in programs) == [
        "golden.json",
        "text.c",
        "text.js",
        "text.py",
    ]
    assert all((tmp_path / name).is_file() for name in programs)
    assert manifest.encoders["x"].strings is None


@pytest.mark.filterwarnings("ignore::mibsk.exceptions.NothingSharedWarning")
def test_inputs_are_those_of_the_graphs(tmp_path):
    import onnxruntime

    rows = {
        "text": np.array([f"word {i:03d} and {i % 7}" for i in range(60)]),
        "image": RNG.integers(0, 256, (60, 8, 8), np.uint8),
        "x": RNG.normal(size=(60, 3)),
    }
    aligner = IBAligner(n_components=2, max_epochs=1, random_state=0).fit(rows)
    manifest = write_bundle(aligner, tmp_path)
    names = {"tensor(float)": "float32", "tensor(uint8)": "uint8", "tensor(int64)": "int64"}
    names["tensor(string)"] = "string"
    graphs = [*manifest.encoders.values(), manifest.encoders["text"].strings]
    for each in graphs:
        session = onnxruntime.InferenceSession(tmp_path / each.file)
        found = [(i.name, names[i.type], tuple(i.shape)) for i in session.get_inputs()]
        assert [(i.name, i.dtype, i.shape) for i in each.inputs] == found


def test_of_a_pipeline_the_last_step_is_written(aligner, tmp_path):
    pipe = make_pipeline(FunctionTransformer(), aligner)
    with pytest.raises(TypeError, match=r"got Pipeline: pass its last step, pipe\[-1\]"):
        write_bundle(pipe, tmp_path)
    assert not list(tmp_path.iterdir())
    assert write_bundle(pipe[-1], tmp_path).n_components == 2


def test_what_the_training_has_found_is_shown(tmp_path):
    hidden = RNG.normal(size=(80, 3)).astype(np.float32)
    rows = {"x": hidden, "y": hidden[:, :2] + 0.1 * RNG.normal(size=(80, 2))}
    aligner = IBAligner(n_components=2, max_epochs=3, early_stopping=True, random_state=0).fit(rows)
    manifest = write_bundle(aligner, tmp_path)
    training, last = manifest.training, aligner.history_[-1]
    assert training["epochs"] == aligner.n_iter_
    assert training["last_epoch"] == {key: last[key] for key in ("train_loss", "valid_loss")}
    assert training["directions"]["kept"] == int(aligner.correlations_["kept"].sum())
    weight = aligner.selection_.index[aligner.selection_["chosen"]][0]
    assert str(training["weight_of_the_closed_form"]).startswith(
        "infinity" if np.isinf(weight) else f"{weight:g}"
    )
    changed = ["early_stopping", "max_epochs", "n_components", "random_state"]
    assert training["changed_params"] == changed
    text = card(tmp_path)
    assert text.count("| params, ") == 4
    assert f"| last epoch, valid loss | {last['valid_loss']:.4g} |" in text
