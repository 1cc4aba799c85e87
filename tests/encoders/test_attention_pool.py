"""Attention over tokens: a function of the set of tokens that are not 0."""

import pytest
import torch

from mibsk.encoders import AttentionPool


@pytest.fixture
def pool():
    torch.manual_seed(0)
    encoder = AttentionPool(heads=2)((5, 6), 3)
    torch.nn.init.normal_(encoder[0].scores.weight)  # they start at 0
    return encoder.eval()


def test_the_order_of_tokens_does_not_matter(pool):
    x = torch.randn(4, 5, 6)
    torch.testing.assert_close(pool(x), pool(x[:, torch.randperm(5)]))
    changed = x.clone()
    changed[:, 0] += torch.randn(6)
    assert (pool(x) - pool(changed)).abs().max() > 1e-3


def test_tokens_of_0_do_not_count(pool):
    x = torch.randn(4, 3, 6)
    filled = torch.nn.functional.pad(x, (0, 0, 0, 2))
    torch.testing.assert_close(pool(filled), pool(x))
    assert pool(torch.zeros(1, 5, 6)).isfinite().all()


def test_a_map_is_a_set_of_tokens(pool):
    x = torch.randn(4, 2, 3, 6)
    torch.testing.assert_close(pool(x), pool(x.flatten(1, 2)))


def test_all_weights_are_equal_at_the_start():
    trunk = AttentionPool(heads=2)((5, 6), 3)[0]
    x = torch.randn(4, 5, 6)
    normed = trunk.norm(x)
    expected = normed.mean(1) + trunk.values(normed).mean(1)
    torch.testing.assert_close(trunk(x), expected)


def test_rows_that_it_does_not_read():
    with pytest.raises(ValueError, match=r"got rows of shape \(6,\): expected \(tokens, d\)"):
        AttentionPool()((6,), 3)
    with pytest.raises(ValueError, match="width 6 are not divisible by heads=4"):
        AttentionPool()((5, 6), 3)
