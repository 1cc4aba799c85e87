import pytest
import torch
from torch import nn

from mibsk.encoders import ResNet
from mibsk.encoders._resnet import ResidualBlock


def n_parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("depth", "millions"), [(20, "0.27"), (32, "0.46"), (44, "0.66"), (56, "0.85"), (110, "1.7")]
)
def test_sizes_of_table_6_of_he_et_al(depth, millions):
    count = n_parameters(ResNet(depth)((3, 32, 32), 10)) / 1e6
    digits = len(millions.split(".")[1])
    assert f"{count:.{digits}f}" == millions


@pytest.mark.parametrize("depth", [20, 56])
def test_depth_is_the_number_of_layers_with_weights(depth):
    layers = ResNet(depth)((8, 8), 4).modules()
    assert sum(isinstance(layer, nn.Conv2d | nn.Linear) for layer in layers) == depth


def test_shortcut_takes_every_second_position_and_pads_with_zeros():
    block = ResidualBlock(2, 4, stride=2)
    nn.init.zeros_(block.residual[-1].weight)  # so that the block is its shortcut
    x = torch.arange(2.0 * 5 * 5).reshape(1, 2, 5, 5)
    y = block(x)
    assert torch.equal(y[:, :2], x[:, :, ::2, ::2])
    assert torch.equal(y[:, 2:], torch.zeros(1, 2, 3, 3))


def test_layouts_agree():
    x = torch.randn(2, 3, 10, 12)
    first = ResNet(8, width=4)((3, 10, 12), 5).eval()
    last = ResNet(8, width=4)((10, 12, 3), 5).eval()
    last.load_state_dict(first.state_dict())
    torch.testing.assert_close(last(x.permute(0, 2, 3, 1)), first(x))
    grey = ResNet(8, width=4)((1, 10, 12), 5).eval()
    flat = ResNet(8, width=4)((10, 12), 5).eval()
    flat.load_state_dict(grey.state_dict())
    torch.testing.assert_close(flat(x[:, 0]), grey(x[:, :1]))
