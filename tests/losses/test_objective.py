"""The objective: its parts, their weights, and what it draws."""

import math
from itertools import combinations

import pytest
import torch

from mibsk.losses import (
    MINIMALITY,
    SUFFICIENCY,
    Embedding,
    IBObjective,
    LossParts,
    Temperature,
    infonce,
)

MODALITIES = ("audio", "image", "text", "touch")


@pytest.fixture(scope="module")
def batch(unit_rows):
    """Function of the number of modalities: Gaussian embeddings of each."""

    def make(m: int) -> dict[str, Embedding]:
        return {
            name: Embedding(unit_rows(i), unit_rows(10 + i))
            for i, name in enumerate(MODALITIES[:m])
        }

    return make


def fixed(value=0.1):
    return Temperature(value, learned=False)


def test_reference_values(loss_inputs, loss_values):
    batch = {"image": Embedding(loss_inputs["z0"]), "text": Embedding(loss_inputs["z1"])}
    parts = IBObjective(beta=0.5, temperature=fixed())(batch)
    assert parts.sufficiency.item() == pytest.approx(loss_values["infonce_symmetric"], abs=1e-6)
    assert parts.divergence.item() == pytest.approx(loss_values["minimality_cosine"], abs=1e-6)
    total = loss_values["infonce_symmetric"] + 0.5 * loss_values["minimality_cosine"]
    assert parts.total.item() == pytest.approx(total, abs=1e-6)
    oneway = IBObjective("infonce-oneway", beta=0, temperature=fixed())(batch)
    assert oneway.total.item() == pytest.approx(loss_values["infonce_rows"], abs=1e-6)


PAIRWISE = [name for name, term in SUFFICIENCY.items() if term.pairwise]
PAIRWISE_MINIMALITY = [name for name, term in MINIMALITY.items() if term.pairwise]


@pytest.mark.parametrize("m", [2, 3, 4])
@pytest.mark.parametrize("sufficiency", PAIRWISE)
@pytest.mark.parametrize("minimality", PAIRWISE_MINIMALITY)
def test_the_parts_are_pairwise_means_and_sum_to_the_loss(batch, sufficiency, minimality, m):
    objective = IBObjective(sufficiency, minimality, 0.7, fixed(0.3)).eval()
    items = batch(m)
    parts = objective(items)
    pairs = list(combinations(items.values(), 2))
    kept = [objective.sufficiency(a.mean, b.mean, 0.3).item() for a, b in pairs]
    removed = [objective.minimality(a, b).item() for a, b in pairs]
    assert parts.sufficiency.item() == pytest.approx(sum(kept) / len(kept), abs=1e-6)
    assert parts.divergence.item() == pytest.approx(sum(removed) / len(removed), abs=1e-6)
    assert parts.minimality.item() == pytest.approx(0.7 * parts.divergence.item())
    assert parts.total.item() == (parts.sufficiency + parts.minimality).item()


def test_total_leaves_the_unweighted_divergence_out():
    parts = LossParts(torch.tensor(1.0), torch.tensor(2.0), torch.tensor(40.0))
    assert parts.total.item() == 3.0


def test_beta_zero_is_the_contrastive_loss_alone(batch):
    parts = IBObjective(beta=0)(batch(3))
    assert parts.total == parts.sufficiency
    assert parts.divergence > 0  # still measured


def test_zero_case():
    z = Embedding(torch.eye(4))
    parts = IBObjective(beta=3.0, temperature=fixed(0.01))({"image": z, "text": z})
    assert parts.total.item() == pytest.approx(0.0, abs=1e-6)


def test_temperature_is_learned_from_seven_hundredths_by_default(batch):
    objective = IBObjective()
    assert objective.temperature().item() == pytest.approx(0.07)
    assert objective.state_dict()["temperature.log_value"].item() == pytest.approx(math.log(0.07))
    objective(batch(2)).total.backward()
    assert objective.temperature.log_value.grad.isfinite()
    assert objective.temperature.log_value.grad != 0


@pytest.mark.parametrize("minimality", MINIMALITY)
def test_gradients_are_finite_for_every_modality(unit_rows, minimality):
    tensors = [unit_rows(i).float().requires_grad_() for i in range(6)]
    items = {name: Embedding(tensors[i], tensors[3 + i]) for i, name in enumerate(MODALITIES[:3])}
    inputs = {name: unit_rows(20 + i).float() for i, name in enumerate(items)}
    IBObjective(minimality=minimality)(items, inputs=inputs).total.backward()
    assert all(t.grad.isfinite().all() and t.grad.any() for t in tensors)


def test_gradient_of_the_total(batch):
    objective = IBObjective(minimality="variational", beta=0.3).double().eval()
    inputs = [t.clone().requires_grad_() for item in batch(3).values() for t in item]

    def total(*tensors):
        items = zip(tensors[::2], tensors[1::2], strict=True)
        return objective({str(i): Embedding(*item) for i, item in enumerate(items)}).total

    assert torch.autograd.gradcheck(total, inputs)


def test_samples_are_drawn_while_training_only(batch):
    objective = IBObjective(minimality="variational", temperature=fixed())
    items = batch(2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        before = torch.get_rng_state()
        training = objective(items).sufficiency.item()
        assert not torch.equal(torch.get_rng_state(), before)
        state = torch.get_rng_state()
        evaluated = objective.eval()(items).sufficiency.item()
        assert torch.equal(torch.get_rng_state(), state)
    mean_alone = infonce(items["audio"].mean, items["image"].mean, 0.1).item()
    assert evaluated == pytest.approx(mean_alone, abs=1e-6)
    assert training != pytest.approx(mean_alone, abs=1e-3)


def test_deterministic_embeddings_draw_nothing_while_training(unit_rows):
    items = {"image": Embedding(unit_rows(0)), "text": Embedding(unit_rows(1))}
    before = torch.get_rng_state()
    IBObjective()(items)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_order_of_modalities_does_not_count(batch):
    objective = IBObjective(minimality="variational", temperature=fixed()).eval()
    items = batch(4)
    turned = dict(reversed(items.items()))
    assert objective(items).total.item() == pytest.approx(objective(turned).total.item())


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sufficiency": "infonse"}, r"sufficiency must be one of .* Did you mean 'infonce'\?"),
        ({"minimality": "gausian"}, r"minimality must be one of .* Did you mean 'gaussian'\?"),
        ({"beta": -0.1}, "beta must be a finite number >= 0, got -0.1"),
        ({"beta": math.nan}, "beta must be a finite number >= 0, got nan"),
    ],
)
def test_refuses_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        IBObjective(**parameters)


def test_refuses_a_single_modality(batch):
    with pytest.raises(ValueError, match="at least two modalities, got 1"):
        IBObjective()(batch(1))


def test_variational_refuses_deterministic_encoders(unit_rows):
    items = {"image": Embedding(unit_rows(0)), "text": Embedding(unit_rows(1))}
    with pytest.raises(ValueError, match="probabilistic=True"):
        IBObjective(minimality="variational")(items)
