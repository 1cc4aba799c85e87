import torch
from torch import nn

from mibsk.encoders import ViT
from mibsk.encoders._vit import Attention, TransformerBlock


def test_attention_equals_torch_multihead_attention():
    attention = Attention(12, heads=3)
    other = nn.MultiheadAttention(12, 3, batch_first=True)
    with torch.no_grad():
        other.in_proj_weight.copy_(attention.qkv.weight)
        other.in_proj_bias.copy_(attention.qkv.bias)
        other.out_proj.weight.copy_(attention.out.weight)
        other.out_proj.bias.copy_(attention.out.bias)
    x = torch.randn(4, 7, 12)
    torch.testing.assert_close(attention(x), other(x, x, x, need_weights=False)[0])


def test_block_equals_torch_encoder_layer():
    block = TransformerBlock(12, 3, n_hidden=20)
    other = nn.TransformerEncoderLayer(
        12, 3, 20, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    norm_1, attention = block.attention
    norm_2, linear_1, _, linear_2 = block.mlp
    pairs = [
        (other.norm1, norm_1),
        (other.norm2, norm_2),
        (other.self_attn.out_proj, attention.out),
        (other.linear1, linear_1),
        (other.linear2, linear_2),
    ]
    for target, source in pairs:
        target.load_state_dict(source.state_dict())
    with torch.no_grad():
        other.self_attn.in_proj_weight.copy_(attention.qkv.weight)
        other.self_attn.in_proj_bias.copy_(attention.qkv.bias)
    x = torch.randn(4, 7, 12)
    torch.testing.assert_close(block(x), other(x))


def test_sees_where_a_patch_is():
    module = ViT(dim=12, depth=1)((8, 8), 4)
    x = torch.zeros(2, 8, 8)
    x[0, :4, :4] = 1.0
    x[1, 4:, 4:] = 1.0
    first, second = module(x)
    assert (first - second).abs().max() > 1e-6


def test_size_of_vit_tiny():
    # Touvron et al. give 5.7M at 16x16 patches, 14x14 positions, 1000 classes
    module = ViT(patch_size=16)((3, 224, 224), 1000)
    count = sum(parameter.numel() for parameter in module.parameters())
    assert round(count / 1e6, 1) == 5.7
