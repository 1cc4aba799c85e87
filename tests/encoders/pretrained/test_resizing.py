"""Resizing by matrices gives the bytes of Pillow."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk.encoders.pretrained import resize_matrix
from mibsk.encoders.pretrained._pictures import PictureSettings, PixelValues

Image = pytest.importorskip("PIL.Image")
sides = st.integers(1, 40)


@settings(max_examples=60, deadline=None)
@given(sides, sides, sides, sides, st.sampled_from([1, 2, 3]), st.integers(0, 2**32 - 1))
def test_as_pillow(height, width, new_height, new_width, resample, seed):
    rng = np.random.default_rng(seed)
    picture = rng.integers(256, size=(height, width), dtype=np.uint8)
    size = (new_height, new_width)
    # in one call, newer versions resize the height first where that is faster
    expected = Image.fromarray(picture).resize((new_width, height), resample)
    expected = expected.resize((new_width, new_height), resample)
    chosen = PictureSettings(size=size, resample=resample, factor=1.0)
    found = PixelValues(chosen, picture.shape)(torch.from_numpy(picture)[None])
    np.testing.assert_array_equal(found[0, 1].numpy(), np.asarray(expected))


@settings(max_examples=60, deadline=None)
@given(sides, sides, st.sampled_from([1, 2, 3]))
def test_a_constant_stays_the_same(n, m, resample):
    np.testing.assert_allclose(resize_matrix(n, m, resample).sum(1), 1, atol=1e-4)


def test_crops_and_shortest_side():
    chosen = PictureSettings(size=8, crop=(6, 5), factor=1.0)
    picture = np.arange(16 * 20, dtype=np.uint8).reshape(16, 20)
    resized = np.asarray(Image.fromarray(picture).resize((10, 16), 3).resize((10, 8), 3))
    found = PixelValues(chosen, picture.shape)(torch.from_numpy(picture)[None])
    np.testing.assert_array_equal(found[0, 0].numpy(), resized[1:7, 2:7])
    with pytest.raises(ValueError, match="8x10 pixels are smaller than the part of 9x9"):
        PixelValues(PictureSettings(size=8, crop=(9, 9)), picture.shape)
