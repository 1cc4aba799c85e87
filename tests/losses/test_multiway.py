"""Laws of the contrastive terms that take all modalities at once."""

import numpy as np
import pytest
import torch

from mibsk import IBAligner
from mibsk.losses import SUFFICIENCY

NAMES = ["confu", "gram", "ova", "ova-signed", "pmrl", "symile", "triangle"]
GROUPS = torch.tensor([0, 1, 0, 2, 1, 0])
ALL = pytest.mark.parametrize("name", NAMES)


def made(name, m=3, d=4, dtype=torch.float64):
    """Return the loss of a term, with the same parameters every time."""
    loss = SUFFICIENCY[name].own_loss()
    if isinstance(loss, torch.nn.Module):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            loss.build(m, d)
        loss.to(dtype)
    return loss


@pytest.fixture
def items(unit_rows):
    return [unit_rows(seed) for seed in range(3)]


@ALL
def test_is_registered_with_all_that_training_may_ask(name):
    term = SUFFICIENCY[name]
    assert not term.pairwise
    assert term.takes_groups
    assert term.takes_positives
    assert term.takes_present


@pytest.mark.parametrize(
    ("name", "m"),
    [(name, m) for name in NAMES for m in range(2, 9) if name != "triangle" or m == 3],
)
@pytest.mark.parametrize("positives", [False, True])
def test_gradient(unit_rows, name, m, positives):
    n = 4 if name != "symile" or m < 7 else 3
    inputs = [unit_rows(seed, n, 9).requires_grad_() for seed in range(m)]
    loss, groups = made(name, m, 9), torch.tensor([0, 1, 0, 2])[:n]

    def value(*embeddings):
        return loss(embeddings, 0.5, groups, positives)

    assert torch.autograd.gradcheck(value, inputs, fast_mode=True)


@ALL
def test_gradient_of_the_temperature(items, name):
    loss, temperature = made(name), torch.tensor(0.5).double().requires_grad_()
    value = loss(items, temperature)
    if name == "pmrl":  # a lower temperature always decreases it
        assert not value.requires_grad
    else:
        assert torch.autograd.gradcheck(lambda t: loss(items, t), temperature)


def positions(m):
    """Return embeddings of 4 rows at special positions."""
    eye = torch.eye(32)
    yield "identical", [eye[:4]] * m
    yield "opposite", [eye[:4] * (-1) ** k for k in range(m)]
    yield "orthogonal", [eye[4 * k : 4 * k + 4] for k in range(m)]
    yield "one apart", [eye[4:8], *[eye[:4]] * (m - 1)]
    yield "collapsed", [eye[:1].expand(4, 32)] * m
    yield "absent", [torch.zeros(4, 32), *[eye[:4]] * (m - 1)]


@pytest.mark.parametrize(
    ("name", "m"), [(name, m) for name in NAMES for m in (3, 8) if name != "triangle" or m == 3]
)
def test_float32_gradients_are_finite_at_special_positions(name, m):
    loss = made(name, m, 32, torch.float32)
    for position, tensors in positions(m):
        inputs = [z.clone().requires_grad_() for z in tensors]
        value = loss(inputs, torch.tensor(0.01))
        value.backward()
        assert value.isfinite(), position
        assert all(z.grad.isfinite().all() for z in inputs), position
        assert max(z.grad.abs().max() for z in inputs) < 1e5, position


@ALL
def test_invariant_to_the_order_of_rows_but_not_to_their_pairing(items, name):
    loss, order = made(name), torch.tensor([3, 1, 5, 0, 2, 4])
    value = loss(items, 0.3).item()
    assert loss([z[order] for z in items], 0.3).item() == pytest.approx(value, abs=1e-12)
    assert loss([items[0][order], *items[1:]], 0.3).item() != pytest.approx(value, abs=1e-3)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "confu"])
def test_invariant_to_the_order_of_modalities(items, name):
    loss = made(name)  # the fusion heads of ConFu belong to pairs
    value = loss(items, 0.3).item()
    assert loss([items[2], items[0], items[1]], 0.3).item() == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("confu", "symile")])
def test_invariant_to_rotation(items, rotation, name):
    loss = made(name)  # a product of three coordinates depends on the axes
    value = loss(items, 0.3).item()
    assert loss([z @ rotation for z in items], 0.3).item() == pytest.approx(value, abs=1e-12)


@ALL
def test_groups_of_one_row_change_nothing(items, name):
    loss, single = made(name), torch.arange(6)
    value = loss(items, 0.3).item()
    for positives in (False, True):
        assert loss(items, 0.3, single, positives).item() == pytest.approx(value, rel=1e-12)


@ALL
def test_rows_of_one_group_are_no_negatives(items, name):
    """Without other groups nothing is compared, except the singular values of PMRL."""
    loss, one = made(name), torch.zeros(6, dtype=torch.int64)
    values = [loss(items, tau, one).item() for tau in (0.3, 0.6)]
    if name != "pmrl":
        assert values == pytest.approx([0.0, 0.0], abs=1e-12)
    assert loss(items, 0.3, GROUPS).item() < loss(items, 0.3).item()


@ALL
@pytest.mark.parametrize("groups", [None, GROUPS])
@pytest.mark.parametrize("positives", [False, True])
def test_masks_without_a_hole_change_nothing(items, name, groups, positives):
    loss, present = made(name), [torch.ones(6, dtype=torch.bool)] * 3
    expected = loss(items, 0.3, groups, positives)
    assert loss(items, 0.3, groups, positives, present).item() == expected.item()


@ALL
def test_absent_rows_neither_matter_nor_move(items, name):
    masks = [torch.arange(6) != row for row in (0, 2, 5)]
    values = []
    for filler in (0.0, 7.0):
        inputs = [
            torch.where(mask[:, None], z, filler).requires_grad_()
            for z, mask in zip(items, masks, strict=True)
        ]
        value = made(name)(inputs, 0.3, GROUPS, True, masks)
        value.backward()
        values.append(value.item())
        for z, mask in zip(inputs, masks, strict=True):
            assert not z.grad[~mask].any()
            assert z.grad[mask].isfinite().all()
            assert z.grad[mask].any()
    assert values[0] == values[1]


@ALL
def test_refuses_what_is_not_aligned(unit_rows, name):
    loss = made(name)
    message = "three modalities, got 1" if name == "triangle" else "two or more modalities"
    with pytest.raises(ValueError, match=message):
        loss([unit_rows(0)], 0.3)
    with pytest.raises(ValueError, match=r"one shape \(n, d\).*\(6, 4\), \(1, 4\), \(6, 4\)"):
        loss([unit_rows(0), unit_rows(1, 1), unit_rows(2)], 0.3)


@ALL
def test_trains_an_aligner(name):
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(96, 2))
    X = {
        key: np.hstack([shared, rng.normal(size=(96, 2))]).astype(np.float32)
        for key in ("a", "b", "c")
    }
    params = {"sufficiency": name, "n_components": 4, "batch_size": 48, "max_epochs": 3}
    first, second = (IBAligner(**params, random_state=0).fit(X) for _ in range(2))
    assert np.isfinite([epoch["train_sufficiency"] for epoch in first.history_]).all()
    np.testing.assert_array_equal(first.embed(X)["b"], second.embed(X)["b"])
