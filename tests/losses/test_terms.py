"""Terms of the objective: registered, of the user's own, and with groups of rows."""

import math

import pytest
import torch
from torch import nn

from mibsk.losses import (
    MINIMALITY,
    SUFFICIENCY,
    Embedding,
    IBObjective,
    LossModule,
    Minimality,
    Sufficiency,
    Temperature,
    gaussian_minimality,
    infonce,
    infonce_oneway,
    register_minimality,
    register_sufficiency,
)


def squared(z, w, temperature):
    return (z - w).square().sum(1).mean() / temperature


def absolute(a, b):
    return (a.mean - b.mean).abs().sum(1).mean()


class Scaled(LossModule):
    """A loss with a learned factor that stays positive."""

    pace = 3.0

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(2.0))

    def forward(self, z, w, temperature):
        return self.factor * squared(z, w, temperature)

    @torch.no_grad()
    def after_step(self):
        self.factor.clamp_(min=0.5)


@pytest.fixture
def batch(unit_rows):
    return {name: Embedding(unit_rows(i)) for i, name in enumerate(("audio", "image", "text"))}


@pytest.fixture
def registries():
    """Restores what tests register."""
    before = dict(SUFFICIENCY), dict(MINIMALITY)
    yield
    for registry, items in zip((SUFFICIENCY, MINIMALITY), before, strict=True):
        registry.clear()
        registry.update(items)


@pytest.mark.parametrize("own", [squared, Sufficiency(squared), Scaled, Scaled()])
def test_a_loss_of_ones_own_is_averaged_over_pairs(batch, own):
    parts = IBObjective(own, absolute, 0.5, Temperature(0.2, learned=False))(batch)
    means = [item.mean for item in batch.values()]
    pairs = [(means[0], means[1]), (means[0], means[2]), (means[1], means[2])]
    factor = 1.0 if own is squared or isinstance(own, Sufficiency) else 2.0
    kept = factor * sum(squared(z, w, 0.2) for z, w in pairs).item() / 3
    removed = sum((z - w).abs().sum(1).mean() for z, w in pairs).item() / 3
    assert parts.sufficiency.item() == pytest.approx(kept, rel=1e-6)
    assert parts.minimality.item() == pytest.approx(0.5 * removed, rel=1e-6)


def test_a_loss_may_take_all_modalities(batch):
    def spread(embeddings, temperature):
        return torch.stack(embeddings).var(0).mean() / temperature

    objective = IBObjective(Sufficiency(spread, pairwise=False), beta=0)
    expected = spread([item.mean for item in batch.values()], torch.tensor(0.07))
    assert objective(batch).total.item() == pytest.approx(expected.item(), rel=1e-5)


def test_learned_parameters_of_a_loss_are_its_objectives_own(batch):
    loss = Scaled()
    one, other = IBObjective(loss), IBObjective(loss)
    assert dict(one.paces()) == {"sufficiency": 3.0, "temperature": 10.0}
    one(batch).total.backward()
    assert one.sufficiency.factor.grad is not None
    assert other.sufficiency.factor.grad is loss.factor.grad is None
    with torch.no_grad():
        one.sufficiency.factor.fill_(-1.0)
    one.after_step()
    assert one.sufficiency.factor.item() == 0.5
    assert "sufficiency.factor" in one.state_dict()


def test_registered_losses_are_known_by_name(registries, batch):
    register_sufficiency("squared", squared)
    register_minimality("absolute", Minimality(absolute))
    by_name = IBObjective("squared", "absolute", 0.3)(batch).total
    assert by_name == IBObjective(squared, absolute, 0.3)(batch).total
    with pytest.raises(ValueError, match="named 'squared' exists"):
        register_sufficiency("squared", squared)
    register_sufficiency("squared", infonce, overwrite=True)
    assert SUFFICIENCY["squared"].loss is infonce


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda z, w: z, r"must be .* \(z, w, temperature\) -> Tensor \(\), got .*temperature|too"),
        (nn.Linear, r"\(z, w, temperature\)"),
        (nn.Identity(), r"\(z, w, temperature\)"),
        (dict, r"\(z, w, temperature\)"),
        (3, r"got 3"),
        (Sufficiency(squared, pairwise=False), r"\(embeddings, temperature\)"),
    ],
)
def test_a_loss_with_another_signature_is_refused(registries, given, message):
    with pytest.raises(TypeError, match=message):
        IBObjective(given)
    with pytest.raises(TypeError, match=message):
        register_sufficiency("other", given)
    with pytest.raises(TypeError, match="name must be a string"):
        register_minimality(3, absolute)


def test_a_loss_that_is_not_one_number_is_refused(batch):
    with pytest.raises(ValueError, match=r"returned a tensor of shape \(\d+,\): expected one"):
        IBObjective(lambda z, w, temperature: (z * w).sum(1))(batch)


class TestGroups:
    """Other rows of the same group are not negatives."""

    @pytest.mark.parametrize("loss", [infonce, infonce_oneway])
    def test_groups_of_one_row_change_nothing(self, unit_rows, loss):
        z, w = unit_rows(0), unit_rows(1)
        assert loss(z, w, 0.2, torch.arange(len(z))) == loss(z, w, 0.2)

    @pytest.mark.parametrize("loss", [infonce, infonce_oneway])
    def test_one_group_has_no_negatives(self, unit_rows, loss):
        z, w = unit_rows(0), unit_rows(1)
        assert loss(z, w, 0.2, torch.zeros(len(z), dtype=torch.int64)).item() == 0.0

    def test_naive_reference(self, unit_rows):
        z, w, t = unit_rows(0), unit_rows(1), 0.3
        groups = torch.arange(len(z)) // 2
        losses = []
        for i in range(len(z)):
            kept = [j for j in range(len(z)) if j == i or groups[i] != groups[j]]
            scores = [(z[i] @ w[j]).item() / t for j in kept]
            losses.append(math.log(sum(map(math.exp, scores))) - (z[i] @ w[i]).item() / t)
        expected = sum(losses) / len(losses)
        assert infonce_oneway(z, w, t, groups).item() == pytest.approx(expected, rel=1e-6)
        both = (infonce_oneway(z, w, t, groups) + infonce_oneway(w, z, t, groups)) / 2
        assert infonce(z, w, t, groups).item() == pytest.approx(both.item(), rel=1e-6)

    def test_gradients_are_finite(self, unit_rows):
        z, w = unit_rows(0).requires_grad_(), unit_rows(1)
        infonce(z, w, 0.2, torch.arange(len(z)) // 3).backward()
        assert z.grad.isfinite().all()

    def test_the_objective_passes_them_on(self, batch):
        groups = torch.zeros(len(batch["audio"].mean), dtype=torch.int64)
        assert IBObjective(beta=0)(batch, groups=groups).total.item() == 0.0
        with pytest.raises(ValueError, match="does not support groups of rows"):
            IBObjective(squared)(batch, groups=groups)


class TestInputs:
    """A term may compare embeddings with what the encoders get."""

    @staticmethod
    def shift(a, b, *, inputs):
        return (inputs[0].sum() - 10 * inputs[1].sum()) + 0 * (a.mean + b.mean).sum()

    @pytest.fixture
    def inputs(self, batch):
        return {name: torch.full((6, i + 1), 10.0**i) for i, name in enumerate(batch)}

    def test_a_pairwise_term_gets_those_of_both_modalities(self, batch, inputs):
        objective = IBObjective(minimality=Minimality(self.shift, takes_inputs=True))
        assert objective.takes_inputs
        sums = [6.0, 120.0, 1800.0]
        expected = sum(sums[i] - 10 * sums[j] for i, j in [(0, 1), (0, 2), (1, 2)]) / 3
        assert objective(batch, inputs=inputs).divergence.item() == pytest.approx(expected)

    def test_rows_that_lack_a_modality_are_left_out(self, batch, inputs):
        present = {name: torch.arange(6) < 4 for name in batch}
        objective = IBObjective(minimality=Minimality(self.shift, takes_inputs=True))
        expected = 4 / 6 * objective(batch, inputs=inputs).divergence.item()
        found = objective(batch, inputs=inputs, present=present).divergence.item()
        assert found == pytest.approx(expected)

    def test_they_are_asked_for(self, batch):
        assert not IBObjective().takes_inputs
        with pytest.raises(ValueError, match="needs the inputs of the encoders"):
            IBObjective(minimality="structure")(batch)

    def test_a_loss_without_the_keyword_is_refused(self):
        with pytest.raises(TypeError, match=r"minimality must be .* \(a, b, inputs\) -> Tensor"):
            IBObjective(minimality=Minimality(absolute, takes_inputs=True))


def test_terms_state_their_facts():
    assert SUFFICIENCY["infonce"].is_bound
    assert SUFFICIENCY["infonce-oneway"].takes_groups
    assert MINIMALITY["variational"].needs_variance
    assert not MINIMALITY["gaussian"].needs_variance
    assert MINIMALITY["gaussian"].loss is gaussian_minimality
    assert IBObjective().terms == ("sufficiency", "minimality")
    assert IBObjective().parts == ("sufficiency", "minimality", "divergence")
