import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk.encoders._images import ChannelsFirst, image_layout, image_size


@pytest.mark.parametrize(
    ("shape", "layout", "size"),
    [
        ((28, 28), "HW", (1, 28, 28)),
        ((3, 5), "HW", (1, 3, 5)),
        ((1, 28, 28), "CHW", (1, 28, 28)),
        ((3, 32, 48), "CHW", (3, 32, 48)),
        ((32, 48, 4), "HWC", (4, 32, 48)),
        ((16, 32, 32), "CHW", (16, 32, 32)),
        ((32, 32, 16), "HWC", (16, 32, 32)),
        ((4, 4, 3), "HWC", (3, 4, 4)),
        ((4, 3, 3), "CHW", (4, 3, 3)),
    ],
)
def test_layout(shape, layout, size):
    assert image_layout(shape) == layout
    assert image_size(shape) == size


@pytest.mark.parametrize("shape", [(8, 8, 8), (3, 3, 3), (3, 32, 4), (8, 9, 10)])
def test_ambiguous_layout(shape):
    with pytest.raises(ValueError, match="Cannot tell the channel axis"):
        image_layout(shape)


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4, 5)])
def test_not_an_image(shape):
    with pytest.raises(ValueError, match=r"expected \(H, W\), \(C, H, W\) or \(H, W, C\)"):
        image_layout(shape)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 4), st.integers(5, 9), st.integers(5, 9))
def test_channels_first_equals_a_permutation(channels, height, width):
    x = torch.arange(2 * channels * height * width).reshape(2, channels, height, width)
    assert torch.equal(ChannelsFirst((channels, height, width))(x), x)
    channels_last = x.permute(0, 2, 3, 1).contiguous()
    assert torch.equal(ChannelsFirst((height, width, channels))(channels_last), x)


@pytest.mark.parametrize("shape", [(3, 8, 8), (8, 8, 3), (8, 8)])
def test_convolutions_compute_with_adjacent_channels(shape):
    """On a CPU, from the first one on, for each layout; it is faster there."""
    n_channels = image_size(shape)[0]
    first = ChannelsFirst(shape)(torch.zeros(2, *shape))
    z = torch.nn.Conv2d(n_channels, 6, 3)(first)
    assert z.is_contiguous(memory_format=torch.channels_last)
