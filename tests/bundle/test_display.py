import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from mibsk import CanonicalBottleneck
from mibsk.bundle import Display, write_bundle
from mibsk.data import InputSpec
from mibsk.datasets import load_digits_halves, make_sprites

RNG = np.random.default_rng(0)


def shown(X, labels=False):
    return Display.of(InputSpec.learn("rows", X, labels=labels)[0])


@pytest.mark.parametrize(
    ("rows", "display"),
    [
        (RNG.integers(0, 256, (5, 8, 8), np.uint8), Display("image", "HW", 0, 255)),
        (RNG.integers(0, 256, (5, 8, 8, 3), np.uint8), Display("image", "HWC", 0, 255)),
        (RNG.integers(0, 256, (5, 3, 8, 8), np.uint8), Display("image", "CHW", 0, 255)),
        (RNG.random((5, 8, 8)) > 0.5, Display("image", "HW", 0, 1)),
        (RNG.random((5, 8, 8)), Display("image", "HW", 0, 1)),
        (RNG.integers(0, 256, (5, 8, 8)).astype(float), Display("image", "HW", 0, 255)),
        (RNG.random((5, 8, 8, 2)), Display("none")),
        (RNG.random((5, 8)), Display("none")),
        (pd.DataFrame(RNG.random((5, 2)), columns=["a", "b"]), Display("table")),
        (np.array(["a", "b", "c", "d"]), Display("text")),
        (sp.csr_array(RNG.random((5, 8))), Display("none")),
    ],
)
def test_rows_are_shown_by_their_kind_and_shape(rows, display):
    assert shown(rows) == display


def test_labels_are_shown_as_text():
    assert shown(np.array([1, 2, 2]), labels=True) == Display("text")


def test_the_data_of_the_project():
    assert shown(load_digits_halves().data["left"]) == Display("image", "HW", 0, 1)
    assert shown(make_sprites(20, random_state=0).data["image"]) == Display("image", "HW", 0, 255)


@pytest.mark.filterwarnings("ignore::mibsk.exceptions.NothingSharedWarning")
def test_floats_that_are_no_pixels_are_shown_between_their_typical_values(tmp_path):
    rows = {
        "mel": RNG.normal(size=(80, 6, 5)) * 2 + 3,
        "digit": RNG.integers(0, 17, (80, 4, 4)).astype(np.float32),
        "x": RNG.normal(size=(80, 3)),
    }
    rows["x"][:, 0] += rows["mel"][:, 0, 0] + rows["digit"][:, 0, 0]
    manifest = write_bundle(CanonicalBottleneck(n_components=2).fit(rows), tmp_path)
    mel, digit = (manifest.encoders[name].display for name in ("mel", "digit"))
    assert mel.kind == digit.kind == "image"
    assert -3 < mel.low < 0
    assert 6 < mel.high < 9
    assert digit.low == 0
    assert 14 < digit.high < 22


@pytest.mark.parametrize(
    ("display", "message"),
    [
        (Display("picture"), "must be one of image, audio, text, table, none, got 'picture'"),
        (Display("image", "HWC"), "is an image of axes HWC, but a row is dense of shape"),
        (Display("image", "WH"), "axes must be one of HW, HWC, CHW, got 'WH'"),
        (Display("image", "HW", 1, 1), "low must be less than high"),
        (Display("image", "HW", float("nan"), 1), "low and high must be numbers"),
        (Display("text"), "is text, but its rows are dense"),
        (Display("table"), "is a table, but a row is dense of shape"),
    ],
)
def test_a_display_that_does_not_fit_is_refused(display, message):
    spec = InputSpec.learn("rows", RNG.random((5, 8, 8)))[0]
    with pytest.raises(ValueError, match=message):
        display.check(spec)


def test_displays_are_checked_when_a_bundle_is_written(tmp_path):
    rows = {"x": RNG.normal(size=(50, 3)), "y": RNG.normal(size=(50, 2))}
    rows["y"][:, 0] += 3 * rows["x"][:, 0]
    aligner = CanonicalBottleneck(n_components=2).fit(rows)
    with pytest.raises(ValueError, match="the display of modality 'x' is an image of axes HW"):
        write_bundle(aligner, tmp_path, displays={"x": Display("image", "HW")})
    with pytest.raises(ValueError, match="displays names the modality 'z'"):
        write_bundle(aligner, tmp_path, displays={"z": Display("none")})
    assert not list(tmp_path.iterdir())
    manifest = write_bundle(aligner, tmp_path, displays={"x": Display("audio")})
    assert manifest.encoders["x"].display == Display("audio")
