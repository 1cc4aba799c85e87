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
BOOLEAN = "modality 'photo' was fitted on whole numbers of 0 to 255, got booleans"
FRACTIONS = "modality 'photo' was fitted on numbers with fractions, got {} rows"
WHOLE = "modality 'photo' was fitted on numbers of 0 to 1, got whole numbers up to 255"
SCALED = "modality 'photo' was fitted on whole numbers of 0 to 255, got {} values of 0 to 1"
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
    "0 to 1, then integers": (UNIT, BYTES.astype(int), WHOLE),
    "0 to 1, then small integers": (UNIT, BYTES.astype(np.int16), WHOLE),
    "0 to 1, then 0 to 255 as floats": (UNIT, BYTES.astype(np.float32), WHOLE),
    "0 to 1 as float32, then a list": (UNIT.astype(np.float32), BYTES.tolist(), WHOLE),
    "integers, then 0 to 1": (BYTES.astype(int), UNIT, SCALED.format("float64")),
    "0 to 255 as floats, then 0 to 1": (
        BYTES.astype(float),
        UNIT.astype(np.float32),
        SCALED.format("float32"),
    ),
    "integers, then booleans": (BYTES.astype(int), MASKS, BOOLEAN),
    "0 and 1 as floats, then 0 to 1": (MASKS.astype(float), UNIT, TWO.format("float64")),
    "0 and 1 as floats, then 0 and 255": (
        MASKS.astype(np.float32),
        MASKS * np.float32(255),
        TWO.format("float32"),
    ),
    "0 and 1 as integers, then 0 and 255": (MASKS.astype(int), MASKS * 255, TWO.format("int64")),
    "0 and 1 as bytes, then bytes": (MASKS.astype(np.uint8), BYTES, TWO.format("uint8")),
    "booleans, then negative": (MASKS, -MASKS.astype(int), TWO.format("int64")),
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
    "0 and 1 as bytes, then booleans": (MASKS.astype(np.uint8), MASKS),
    "0 to 1, then black": (UNIT, np.zeros((3, 6, 6))),
    "0 to 1, then brighter": (UNIT, UNIT * 1.1),
    "standardised, then whole": (UNIT * 2 - 1, BYTES.astype(float)),
    "decibels, then whole": (-80 * UNIT, -BYTES.astype(int)),
    "larger whole numbers, then 0 to 1": (BYTES * 256.0, UNIT),
    "integers, then standardised": (BYTES.astype(int), UNIT * 2 - 1),
    "integers, then black": (BYTES.astype(int), np.zeros((3, 6, 6))),
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
    if np.array_equal(fitted, later):
        np.testing.assert_array_equal(spec.prepare(later), prepared)
    np.testing.assert_array_equal(spec.prepare(later), np.asarray(later).astype(prepared.dtype))


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
            assert pixel_values(none) == ""


def test_kinds_of_values():
    kinds = {"byte": BYTES, "unit": UNIT, "boolean": MASKS, "whole": -BYTES.astype(int)}
    kinds["real"] = UNIT * 2
    assert {kind: pixel_values(X) for kind, X in kinds.items()} == {kind: kind for kind in kinds}
    for dtype in (int, np.uint16, np.float16, np.float64):
        assert pixel_values(BYTES.astype(dtype)) == "byte"
        assert pixel_values(MASKS.astype(dtype)) == "boolean"
        assert pixel_values(BYTES.astype(dtype) + dtype(1)) == "whole"
    assert pixel_values(np.concatenate([MASKS, UNIT])) == "unit"
    assert pixel_values(np.concatenate([BYTES, UNIT])) == "real"
    assert pixel_values(BYTES.reshape(40, -1)) == ""


def test_other_rows_than_a_sample_may_have_other_values():
    class Photos(torch.utils.data.Dataset):
        def __len__(self):
            return len(rows)

        def __getitem__(self, i):
            return {"photo": rows[i], "traits": TRAITS[i]}

    for first, more in ((MASKS, BYTES), (MASKS.astype(float), UNIT), (UNIT, 255 * UNIT.round())):
        rows = first.astype(more.dtype)
        aligner = IBAligner(n_components=2, max_epochs=1, random_state=0).fit(Photos())
        aligner.embed({"photo": more})
    with pytest.raises(ValueError, match=FRACTIONS.format("uint8")):
        aligner.embed({"photo": BYTES})


def test_descriptions_of_earlier_versions_know_bytes():
    spec = InputSpec("photo", "dense", (6, 6), "uint8")
    spec.prepare(MASKS)
    with pytest.raises(ValueError, match=RAW):
        spec.prepare(UNIT)
    InputSpec("photo", "dense", (6, 6)).prepare(BYTES)
    InputSpec("photo", "dense", (6, 6), pixels="real").prepare(BYTES.astype(float))
    InputSpec("photo", "dense", (6, 6), pixels="whole").prepare(UNIT)


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
