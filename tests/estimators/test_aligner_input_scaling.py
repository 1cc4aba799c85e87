"""The parameter `input_scaling` of aligners."""

import functools

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone

from mibsk import ClassPairs, IBAligner, IBAlignerCV, fit_together
from mibsk.encoders import InputScaling

RNG = np.random.default_rng(0)
LABELS = RNG.integers(3, size=48)
HIDDEN = RNG.normal(size=(48, 3))
DATA = {
    "units": HIDDEN @ RNG.normal(size=(3, 4)) * [1, 30, 1000, 30000],
    "pixels": RNG.integers(256, size=(48, 5)).astype(np.uint8),
    "codes": np.eye(3)[LABELS],
}
CHOICES = {"units": "modality", "codes": None}


def scaling_of(aligner, name):
    return aligner.module_.encoder(name).scaling


def assert_scaled(aligner, name, how, X=DATA):
    found = scaling_of(aligner, name)
    if how is None and name == "pixels":  # become float32
        assert found.mean.tolist() == [0.0]
        assert found.scale.tolist() == [1.0]
        return
    if how is None:
        assert found is None
        return
    expected = InputScaling.from_array(np.asarray(X[name], np.float32), how)
    torch.testing.assert_close(found.mean, expected.mean)
    torch.testing.assert_close(found.scale, expected.scale)


@pytest.fixture
def make(quick):
    return functools.partial(quick, max_epochs=1, batch_size=24)


@pytest.mark.filterwarnings("ignore::mibsk.exceptions.DuplicateRowsWarning")
class TestInputScaling:
    @pytest.mark.parametrize("how", ["columns", "modality", None])
    def test_one_for_all(self, make, how):
        aligner = make(input_scaling=how).fit(DATA)
        for name in DATA:
            assert_scaled(aligner, name, how)

    def test_default_depends_on_the_data(self, make):
        aligner = make().fit(DATA)
        for name, how in (("units", "columns"), ("pixels", "modality"), ("codes", "columns")):
            assert_scaled(aligner, name, how)

    def test_one_each(self, make):
        aligner = make(input_scaling=CHOICES).fit(DATA)
        for name, how in (("units", "modality"), ("pixels", "modality"), ("codes", None)):
            assert_scaled(aligner, name, how)

    def test_class_labels(self, make):
        aligner = make().fit(DATA["units"], LABELS)
        assert_scaled(aligner, "y", "columns", {"y": np.eye(3)[LABELS]})

    def test_class_pairs_learn_from_the_rows_in_training(self, make):
        pairs = ClassPairs({"a": (DATA["units"], LABELS), "b": (DATA["units"], LABELS)})
        aligner = make(input_scaling="modality").fit(pairs[:30])
        assert_scaled(aligner, "a", "modality", {"a": DATA["units"][:30]})

    @pytest.mark.parametrize("how", ["auto", "columns", "modality", None, {"text": "columns"}])
    def test_sparse_rows_and_text_are_not_scaled(self, make, how):
        counts = sp.random_array((48, 30), density=0.2, rng=0)
        aligner = make(input_scaling=how, encoders="auto").fit(
            {"text": [f"no. {i}" for i in range(48)], "counts": counts}
        )
        assert scaling_of(aligner, "text") is None
        assert scaling_of(aligner, "counts") is None

    @pytest.mark.parametrize("how", ["modality", None, CHOICES])
    def test_file(self, make, how, tmp_path):
        aligner = make(input_scaling=how).fit(DATA)
        aligner.save(tmp_path / "aligner.safetensors")
        loaded = IBAligner.load(tmp_path / "aligner.safetensors")
        assert loaded.input_scaling == how
        np.testing.assert_array_equal(loaded.transform(DATA), aligner.transform(DATA))

    def test_later_calls_keep_it(self, make):
        aligner = make(input_scaling="modality", warm_start=True).fit(DATA)
        aligner.set_params(input_scaling="columns").fit(DATA).partial_fit(DATA)
        assert_scaled(aligner, "units", "modality")

    def test_checkpoints_of_other_scalings_are_apart(self, make, tmp_path):
        for how in ("modality", "columns", None, {"units": "columns", "codes": "columns"}):
            make(input_scaling=how, checkpoint=tmp_path).fit(DATA)
        assert len(list(tmp_path.iterdir())) == 4

    def test_the_same_scaling_shares_a_checkpoint(self, make, tmp_path):
        for how in ("auto", {"units": "auto"}, {}):
            make(input_scaling=how, checkpoint=tmp_path).fit(DATA)
        assert len(list(tmp_path.iterdir())) == 1

    def test_fit_together(self, make):
        aligners = [make(input_scaling=how) for how in ("columns", "modality", CHOICES)]
        alone = [clone(aligner).fit(DATA) for aligner in aligners]
        for one, other in zip(fit_together(aligners, DATA), alone, strict=True):
            np.testing.assert_array_equal(one.transform(DATA), other.transform(DATA))

    def test_cross_validation(self, make):
        search = IBAlignerCV(make(input_scaling=CHOICES), betas=[0, 1], cv=2).fit(DATA)
        assert_scaled(search.aligner_, "units", "modality")
        assert_scaled(search.aligner_, "codes", None)


BAD = {
    "misspelt": (
        "colums",
        ValueError,
        "input_scaling must be 'auto', 'columns', 'modality' or None, got 'colums'. Did you mean "
        "'columns'?",
    ),
    "misspelt for one": (
        {"units": "modalty"},
        ValueError,
        r"input_scaling\['units'\] must be .*got 'modalty'. Did you mean 'modality'?",
    ),
    "unknown modality": (
        {"unit": "columns"},
        ValueError,
        r"input_scaling names the modality 'unit', but the data have \['units', 'pixels', 'codes'\]"
        ". Did you mean 'units'?",
    ),
    "number for one": ({"units": 2.0}, TypeError, r"input_scaling\['units'\] must be .*got 2.0"),
    "number": (2.0, ValueError, "'input_scaling' parameter of IBAligner must be"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_choice(make, case):
    given, error, message = BAD[case]
    aligner = make(input_scaling=given)
    for fit in (aligner.fit, IBAlignerCV(aligner, betas=[0, 1], cv=2).fit):
        with pytest.raises(error, match=message):
            fit(DATA)
    assert not aligner.__sklearn_is_fitted__()


@pytest.mark.filterwarnings("ignore::mibsk.exceptions.DuplicateRowsWarning")
def test_bad_choice_in_a_later_call(make):
    aligner = make(warm_start=True).fit(DATA).set_params(input_scaling="colums")
    with pytest.raises(ValueError, match="Did you mean 'columns'"):
        aligner.partial_fit(DATA)
