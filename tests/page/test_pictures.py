"""Pictures become rows in the browser as in Python."""

import json

import numpy as np
import pytest
from PIL import Image

from mibsk.bundle import Display
from mibsk.data import InputSpec
from tests.browser import visit

TO_ROW = """async ([pixels, width, height, modality]) => {
    const { sizeOf, scaleByArea, toRow } = await import("/static/raster.js");
    const image = new ImageData(Uint8ClampedArray.from(pixels), width, height);
    const size = sizeOf(modality);
    return toRow(scaleByArea(image, size.width, size.height), modality);
}"""


@pytest.mark.parametrize(
    ("shape", "dtype", "pixels", "axes", "low", "high"),
    [
        ((6, 4), "uint8", "byte", "HW", 0.0, 255.0),
        ((6, 4), "uint8", "boolean", "HW", 0.0, 1.0),
        ((6, 4), "float32", "whole", "HW", 0.0, 16.0),
        ((6, 4, 3), "float32", "unit", "HWC", 0.0, 1.0),
        ((3, 6, 4), "float32", "real", "CHW", -1.5, 2.0),
        ((6, 4, 1), "uint8", "byte", "HWC", 0.0, 255.0),
        ((4, 6, 4), "uint8", "byte", "CHW", 0.0, 255.0),
    ],
)
def test_rows_have_shape_and_values_of_the_training(
    browser, server, shape, dtype, pixels, axes, low, high
):
    """Twice as high and three times as wide: each value is the mean of 2 by 3 pixels."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, size=(12, 12, 4), dtype=np.uint8)
    picture[..., 3] = 255
    modality = {
        "input": InputSpec("x", "dense", shape, dtype, pixels=pixels).to_dict(),
        "display": Display("image", axes, low, high).to_dict(),
    }
    with visit(browser, server) as page:
        given = [picture.ravel().tolist(), 12, 12, json.loads(json.dumps(modality))]
        row = np.array(page.evaluate(TO_ROW, given))
    n_channels = 1 if len(shape) == 2 else shape[0 if axes == "CHW" else 2]
    levels = picture.reshape(6, 2, 4, 3, 4).mean((1, 3)) / 255
    if n_channels == 1:
        levels = levels[..., :3] @ [[0.299], [0.587], [0.114]]
    levels = levels[..., :n_channels]
    if axes == "CHW":
        levels = levels.transpose(2, 0, 1)
    values = low + (high - low) * levels.reshape(shape)
    assert row.shape == shape
    if pixels in ("byte", "boolean", "whole"):
        assert (row == row.round()).all()
        np.testing.assert_allclose(row, values, rtol=0, atol=0.5 + 1e-9)
    else:
        np.testing.assert_allclose(row, values, rtol=0, atol=1e-9)


def test_the_scale_that_does_not_divide(browser, server):
    """A picture of 3 pixels in 2: each has one and a half of them."""
    modality = {
        "input": InputSpec("x", "dense", (1, 2), "float32", pixels="real").to_dict(),
        "display": Display("image", "HW", 0.0, 1.0).to_dict(),
    }
    grey = np.repeat([0, 255, 0], 3).reshape(3, 3)
    picture = np.column_stack([grey, [255] * 3])
    with visit(browser, server) as page:
        row = page.evaluate(TO_ROW, [picture.ravel().tolist(), 3, 1, modality])
    np.testing.assert_allclose(row, [[1 / 3, 1 / 3]])


def test_grey_is_that_of_pillow(browser, server):
    modality = {
        "input": InputSpec("x", "dense", (5, 5), "uint8", pixels="byte").to_dict(),
        "display": Display("image", "HW").to_dict(),
    }
    picture = np.random.default_rng(0).integers(0, 256, size=(5, 5, 4), dtype=np.uint8)
    with visit(browser, server) as page:
        row = np.array(page.evaluate(TO_ROW, [picture.ravel().tolist(), 5, 5, modality]))
    grey = np.asarray(Image.fromarray(picture[..., :3]).convert("L"), int)
    assert np.abs(row - grey).max() <= 1  # Pillow rounds its weights to 16 bits
