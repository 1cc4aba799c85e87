"""Variants of lower precision: chosen by name, and never without what they lose."""

import json

import numpy as np
import pytest

from mibsk import IBAligner
from mibsk.bundle import Bundle, write_bundle
from mibsk.metrics import recall_at_k


@pytest.fixture(scope="module")
def trained():
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(500, 4))
    rows = {
        "x": hidden @ rng.normal(size=(4, 12)) + 0.2 * rng.normal(size=(500, 12)),
        "y": 1e6 * (hidden @ rng.normal(size=(4, 9)) + 0.2 * rng.normal(size=(500, 9))) + 1e7,
        "text": np.array([f"{'big' if h > 0 else 'small'} {h:.6f}" for h in hidden[:, 0]]),
    }
    train = {name: X[:400] for name, X in rows.items()}
    encoders = {"x": "mlp", "y": "mlp", "text": "sparse"}
    aligner = IBAligner(encoders=encoders, n_components=8, max_epochs=5, random_state=0)
    return aligner.fit(train), {name: X[400:] for name, X in rows.items()}


@pytest.fixture(scope="module")
def written(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("variants")
    write_bundle(trained[0], folder, variants=["int8", "float16"], rows=trained[1])
    return folder


@pytest.mark.parametrize(("variant", "smaller"), [("int8", 3), ("float16", 1.8)])
def test_a_variant_is_smaller_and_measured(trained, written, variant, smaller):
    rows = trained[1]
    base, other = Bundle(written), Bundle(written, variant=variant)
    assert other.manifest == base.manifest
    described = base.manifest.variants[variant]
    assert other.digest == described.digest != base.digest
    for name, X in rows.items():
        before, after = base.embed(name, X), other.embed(name, X)
        assert 0 < np.abs(before - after).max() < 0.2
        assert np.abs(before - after).max() == described.encoders[name].parity
        assert base.manifest.encoders[name].size > smaller * described.encoders[name].size
    assert described.n_rows == 100
    assert len(described.recall) == 12
    for each in described.recall:
        for bundle, value in ((base, each.encoders), (other, each.variant)):
            pair = (bundle.embed(name, rows[name]) for name in (each.query, each.gallery))
            assert value == recall_at_k(*pair, k=each.k)
        assert each.loss == each.encoders - each.variant
    values = json.loads((written / "manifest.json").read_text())
    (listed,) = (each for each in values["variants"] if each["name"] == variant)
    assert listed["digest"] == other.digest
    assert [each["loss"] for each in listed["recall"]] == [e.loss for e in described.recall]
    assert f"## Variant {variant}" in (written / "README.md").read_text()


def test_the_encoders_are_those_without_variants(trained, written, tmp_path):
    assert write_bundle(trained[0], tmp_path).digest == Bundle(written).digest
    with pytest.raises(ValueError, match=r"has no variant 'int8'; it has none\. Write it with"):
        Bundle(tmp_path, variant="int8")


def test_variants_of_an_earlier_bundle_are_removed(trained, tmp_path):
    write_bundle(trained[0], tmp_path, variants=["int8"], rows=trained[1])
    write_bundle(trained[0], tmp_path)
    assert not list(tmp_path.glob("*int8*"))


def test_a_damaged_variant_is_found(trained, tmp_path):
    manifest = write_bundle(trained[0], tmp_path, variants=["int8"], rows=trained[1])
    (tmp_path / manifest.variants["int8"].encoders["x"].file).write_bytes(b"")
    with pytest.raises(ValueError, match=r"x-int8-.*\.onnx differs from"):
        Bundle(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: None, "only written with the recall that it loses"),
        (lambda rows: {"x": rows["x"]}, "only written with the recall that it loses"),
        (lambda rows: rows | {"x": rows["x"][:50]}, "rows must be pairs, got different numbers"),
        (lambda rows: {k: X[:10] for k, X in rows.items()}, "rows has 10 pairs: recall at 10"),
    ],
)
def test_a_variant_needs_rows(trained, tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        write_bundle(trained[0], tmp_path, variants=["int8"], rows=change(trained[1]))
    assert not list(tmp_path.iterdir())


def test_variants_are_known(trained, tmp_path):
    with pytest.raises(ValueError, match=r"some of int8, float16, got 'float8'"):
        write_bundle(trained[0], tmp_path, variants=["float8"], rows=trained[1])
    with pytest.raises(ValueError, match=r"use \['int8'\]"):
        write_bundle(trained[0], tmp_path, variants="int8", rows=trained[1])
    with pytest.raises(ValueError, match="rows are used to measure variants"):
        write_bundle(trained[0], tmp_path, rows=trained[1])


def test_convolutions_have_no_int8(tmp_path):
    rng = np.random.default_rng(0)
    rows = {
        "image": rng.integers(0, 255, size=(60, 8, 8), dtype=np.uint8),
        "x": rng.normal(size=(60, 3)),
    }
    aligner = IBAligner(encoders={"image": "resnet20", "x": "mlp"}, n_components=4, max_epochs=1)
    aligner.fit(rows)
    with pytest.raises(ValueError, match=r"image\.onnx has most of its weights in conv"):
        write_bundle(aligner, tmp_path, variants=["int8"], rows=rows)
    manifest = write_bundle(aligner, tmp_path, variants=["float16"], rows=rows)
    assert manifest.variants["float16"].encoders["image"].parity < 0.05


def test_a_transformer_has_both_although_it_begins_with_a_convolution(tmp_path):
    rng = np.random.default_rng(0)
    rows = {
        "image": rng.integers(0, 255, size=(40, 32, 32, 3), dtype=np.uint8),
        "x": rng.normal(size=(40, 3)),
    }
    encoders = {"image": "vit-tiny", "x": "mlp"}
    aligner = IBAligner(encoders=encoders, n_components=4, max_epochs=1, bottleneck=None)
    manifest = write_bundle(aligner.fit(rows), tmp_path, variants=["int8", "float16"], rows=rows)
    size = manifest.encoders["image"].size
    for name, smaller in (("int8", 3), ("float16", 1.8)):
        found = manifest.variants[name].encoders["image"]
        assert size > smaller * found.size
        assert found.parity < 0.1
