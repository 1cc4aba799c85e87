"""Pixels at use have the scale of those in fit, or are refused; tables take any numbers."""

import json
import pickle

import numpy as np
import pytest
import torch

from mibsk import CanonicalBottleneck, IBAligner, OnnxEncoder
from mibsk._checks.pixels import pixel_values
from mibsk.data import InputSpec
from mibsk.onnx import export_encoder

rng = np.random.default_rng(0)
BYTES = rng.integers(0, 256, (40, 6, 6)).astype(np.uint8)
UNIT = BYTES / 255
MASKS = BYTES > 127
TRAITS = BYTES.reshape(40, -1)[:, :4] + rng.normal(size=(40, 4))

RAW = r"modality 'photo' takes uint8 rows.*Pass the raw pixels, unscaled"
BOOLEAN = "modality 'photo' was fitted on uint8 rows, got booleans"
FRACTIONS = "modality 'photo' was fitted on numbers with fractions, got {} rows"
TWO = r"modality 'photo' was fitted on the values 0 and 1, got {} values such as"
REFUSED = {
    "bytes, then 0 to 1": (BYTES, UNIT, RAW),
    "bytes, then float32": (BYTES, UNIT.astype(np.float32), RAW),
    "bytes, then standardised": (BYTES, BYTES / 64 - 2, RAW),
    "bytes, then larger": (BYTES, BYTES * 2.0, RAW),
    "bytes, then negative": (BYTES, -BYTES.astype(int), RAW),
    "bytes, then booleans": (BYTES, MASKS, BOOLEAN),
    "bytes, then a list": (BYTES, UNIT.tolist(), RAW),
    "0 to 1, then bytes": (UNIT, BYTES, FRACTIONS.format("uint8")),
    "0 to 1, then booleans": (UNIT, MASKS, FRACTIONS.format("bool")),
    "0 to 1, then a tensor": (UNIT, torch.tensor(BYTES), FRACTIONS.format("uint8")),
    "booleans, then bytes": (MASKS, BYTES, TWO.format("uint8")),
    "booleans, then 0 to 1": (MASKS, UNIT, TWO.format("float64")),
    "0 and 1 as floats, then bytes": (MASKS.astype(float), BYTES, TWO.format("uint8")),
}
ACCEPTED = {
    "bytes": (BYTES, BYTES),
    "bytes, then the same as floats": (BYTES, BYTES.astype(np.float32)),
    "bytes, then the same as integers": (BYTES, BYTES.tolist()),
    "0 to 255 as floats, then bytes": (BYTES.astype(np.float32), BYTES),
    "0 to 255 as integers, then bytes": (BYTES.astype(int), BYTES),
    "booleans, then 0 and 1": (MASKS, MASKS.astype(np.float64)),
    "0 and 1 as floats, then booleans": (MASKS.astype(np.float32), MASKS),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what):
    fitted, later, message = REFUSED[what]
    spec, _ = InputSpec.learn("photo", fitted)
    spec = InputSpec.from_dict(json.loads(json.dumps(spec.to_dict())))
    with pytest.raises(ValueError, match=message):
        spec.prepare(later)


@pytest.mark.parametrize("what", ACCEPTED)
def test_accepted(what):
    fitted, later = ACCEPTED[what]
    spec, prepared = InputSpec.learn("photo", fitted)
    np.testing.assert_array_equal(spec.prepare(later), prepared)


@pytest.mark.parametrize("what", REFUSED)
def test_tables_take_any_numbers(what):
    fitted, later, _ = REFUSED[what]
    spec, _ = InputSpec.learn("a", np.asarray(fitted).reshape(40, -1))
    spec.prepare(np.asarray(later).reshape(40, -1))


def test_no_rows_have_no_pixels():
    for X in (BYTES, UNIT, MASKS):
        spec, _ = InputSpec.learn("photo", X)
        for none in (BYTES[:0], UNIT[:0], MASKS[:0]):
            assert spec.prepare(none).shape == (0, 6, 6)


def test_kinds_of_values():
    kinds = {"byte": BYTES, "real": UNIT, "boolean": MASKS, "whole": BYTES.astype(int)}
    assert {kind: pixel_values(X) for kind, X in kinds.items()} == {kind: kind for kind in kinds}
    assert pixel_values(BYTES.astype(np.float16)) == "whole"
    assert pixel_values(MASKS.astype(np.float32)) == "boolean"
    assert pixel_values(np.concatenate([MASKS, UNIT])) == "real"
    assert pixel_values(BYTES.reshape(40, -1)) == ""


def test_descriptions_of_earlier_versions_know_bytes():
    spec = InputSpec("photo", "dense", (6, 6), "uint8")
    spec.prepare(MASKS)
    with pytest.raises(ValueError, match=RAW):
        spec.prepare(UNIT)
    InputSpec("photo", "dense", (6, 6)).prepare(BYTES)


@pytest.fixture(scope="module")
def aligner():
    pairs = {"photo": BYTES, "traits": TRAITS}
    return IBAligner(n_components=2, max_epochs=1, random_state=0).fit(pairs)


def saved(aligner, folder):
    aligner.save(folder / "aligner.mibsk")
    return IBAligner.load(folder / "aligner.mibsk").encoder("photo").transform


USES = {
    "embed": lambda aligner, _: lambda X: aligner.embed({"photo": X}),
    "transform": lambda aligner, _: lambda X: aligner.transform({"photo": X, "traits": TRAITS}),
    "score": lambda aligner, _: lambda X: aligner.score({"photo": X, "traits": TRAITS}),
    "partial_fit": lambda aligner, _: lambda X: aligner.partial_fit({"photo": X, "traits": TRAITS}),
    "encoder": lambda aligner, _: aligner.encoder("photo").transform,
    "pickle": lambda aligner, _: pickle.loads(pickle.dumps(aligner)).encoder("photo").transform,
    "file": saved,
    "onnx": lambda aligner, folder: (
        OnnxEncoder(export_encoder(aligner, "photo", folder / "photo.onnx")).transform
    ),
}


@pytest.mark.parametrize("use", USES)
def test_every_use_refuses(aligner, use, tmp_path):
    before = aligner.embed({"photo": BYTES})["photo"]
    apply = USES[use](aligner, tmp_path)
    with pytest.raises(ValueError, match=RAW):
        apply(UNIT)
    with pytest.raises(ValueError, match=BOOLEAN):
        apply(MASKS)
    np.testing.assert_array_equal(aligner.embed({"photo": BYTES})["photo"], before)


def test_the_closed_form_refuses():
    black = np.concatenate([np.zeros((1, 6, 6)), UNIT[1:]])  # whose first row is whole
    for fitted, later, message in (
        (BYTES, UNIT, RAW),
        (black, BYTES, FRACTIONS.format("uint8")),
    ):
        bottleneck = CanonicalBottleneck().fit({"photo": fitted, "traits": TRAITS})
        for use in (bottleneck.embed, bottleneck.split, bottleneck.predict):
            with pytest.raises(ValueError, match=message):
                use({"photo": later})
