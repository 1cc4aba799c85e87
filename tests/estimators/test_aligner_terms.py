"""Losses of the user's own, and frozen towers, in an aligner."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from mibsk import IBAligner
from mibsk.encoders import MLP, Frozen
from mibsk.files.state_file import read_state
from mibsk.losses import MINIMALITY, SUFFICIENCY, LossModule, Sufficiency, infonce
from mibsk.schedules import SufficiencyBudget
from mibsk.training import AlignmentModule


def own_infonce(z, w, temperature):
    return infonce(z, w, temperature)


def own_gaussian(a, b):
    return (a.mean - b.mean).square().sum(1).mean() / 2


class Scale(LossModule):
    """InfoNCE with a learned scale of its own."""

    pace = 5.0

    def __init__(self):
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(()))

    def forward(self, z, w, temperature):
        return infonce(z, w, temperature / self.log_scale.exp())

    @torch.no_grad()
    def after_step(self):
        self.log_scale.clamp_(-0.001, 0.001)


@pytest.fixture(scope="module")
def views():
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(48, 3))
    return {name: hidden @ rng.normal(size=(3, 5)) for name in ("a", "b")}


def new(**params):
    common = {"encoders": MLP((8,)), "n_components": 4, "max_epochs": 2, "batch_size": 16}
    constant = {"lr": 1e-3, "lr_schedule": None, "random_state": 0}
    return IBAligner(**{**common, **constant, **params})


def test_own_functions_train_as_the_registered_ones(views):
    own = new(sufficiency=own_infonce, minimality=own_gaussian, beta=1.0)
    fitted = clone(own).fit(views)
    np.testing.assert_array_equal(
        fitted.transform(views), new(beta=1.0).fit(views).transform(views)
    )
    assert fitted.loss_terms_ == ["sufficiency", "minimality"]
    epoch = fitted.history_[-1]
    parts = sum(epoch[f"train_{name}"] for name in fitted.loss_terms_)
    assert epoch["train_loss"] == pytest.approx(parts)


def test_a_module_is_trained_at_its_pace_and_the_given_one_is_not_changed(views):
    loss = Scale()
    aligner = new(sufficiency=loss, max_epochs=1, batch_size=-1).fit(views)
    # one step of Adam at five times lr would go to 0.005, and is put back to the bound
    assert aligner.module_.objective.sufficiency.log_scale.abs().item() == pytest.approx(0.001)
    groups = aligner.net_.optimizer_.param_groups
    assert sorted(group["lr"] for group in groups) == pytest.approx([1e-3, 5e-3, 1e-2])
    assert loss.log_scale.item() == 0.0


def test_a_file_asks_for_the_loss(views, tmp_path):
    fitted = new(sufficiency=own_infonce).fit(views)
    fitted.save(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"IBAligner.load\(path, sufficiency=\.\.\.\)"):
        IBAligner.load(tmp_path / "model.safetensors")
    loaded = IBAligner.load(tmp_path / "model.safetensors", sufficiency=own_infonce)
    for aligner in (loaded, fitted):
        aligner.set_params(warm_start=True).fit(views)
    np.testing.assert_array_equal(loaded.transform(views), fitted.transform(views))


@pytest.mark.filterwarnings("ignore::mibsk.exceptions.FewHeldOutWarning")  # the data are tiny
def test_a_budget_needs_a_bound_or_recall(views):
    bound = SufficiencyBudget(0.1, monitor="bound")
    with pytest.raises(ValueError, match="does not provide: use monitor='recall'"):
        new(sufficiency=own_infonce, beta=bound).fit(views)
    by_recall = [
        new(sufficiency=own_infonce, beta=SufficiencyBudget(0.1, monitor=m), max_epochs=3).fit(
            views
        )
        for m in ("either", "recall")
    ]
    assert by_recall[0].beta_ == by_recall[1].beta_
    as_bound = Sufficiency(own_infonce, is_bound=True)
    assert new(sufficiency=as_bound, beta=bound, max_epochs=3).fit(views).beta_ >= 0


@pytest.mark.parametrize("parameter", ["sufficiency", "minimality"])
def test_a_loss_that_cannot_be_called_is_refused_before_data_are_read(parameter):
    with pytest.raises(TypeError, match=rf"{parameter} must be a registered name or \("):
        new(**{parameter: lambda x: x}).fit(None)


class Tower(nn.Module):
    """A pretrained tower, with weights and statistics that training would change."""

    def __init__(self, seed=0):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers[0].reset_parameters()

    def forward(self, x):
        return self.layers(x)


class TestFrozen:
    """A frozen tower is neither trained nor stored in checkpoints."""

    def test_its_weights_stay_and_are_not_in_the_optimizer(self, views):
        tower = Tower()
        aligner = new(encoders={"a": Frozen(tower), "b": MLP((8,))}).fit(views)
        inside = aligner.module_.encoder("a").backbone[0].tower
        for own, given in zip(
            inside.state_dict().values(), tower.state_dict().values(), strict=True
        ):
            assert torch.equal(own, given)
        groups = aligner.net_.optimizer_.param_groups
        optimized = {id(weight) for group in groups for weight in group["params"]}
        frozen = {id(weight) for weight in inside.parameters()}
        assert optimized == {id(weight) for weight in aligner.module_.parameters()} - frozen

    def test_a_checkpoint_lacks_its_weights_and_training_resumes(self, views, tmp_path):
        params = {"encoders": {"a": Frozen(Tower())}, "checkpoint": tmp_path, "max_epochs": 3}
        whole = new(**params).fit(views)
        *_, before, last = sorted(tmp_path.glob("*/*.safetensors"))
        stored = read_state(last)["training"]["module"]
        assert "encoders.0.backbone.1.weight" in stored
        assert not [name for name in stored if ".tower." in name]
        last.unlink()
        resumed = new(**params).fit(views)
        assert resumed.n_iter_ == 3
        np.testing.assert_array_equal(resumed.transform(views), whole.transform(views))
        loaded = IBAligner.load(before, encoders={"a": Frozen(Tower())})
        assert loaded.n_iter_ == 2
        with pytest.raises(ValueError, match="frozen weights differ from those of training"):
            IBAligner.load(before, encoders={"a": Frozen(Tower(seed=1))})

    def test_a_model_file_holds_them(self, views, tmp_path):
        fitted = new(encoders={"a": Frozen(Tower())}).fit(views)
        fitted.save(tmp_path / "model.safetensors")
        loaded = IBAligner.load(
            tmp_path / "model.safetensors", encoders={"a": Frozen(Tower(seed=1))}
        )
        np.testing.assert_array_equal(loaded.transform(views), fitted.transform(views))


@pytest.mark.parametrize(
    ("part", "name"),
    [("sufficiency", n) for n in SUFFICIENCY] + [("minimality", n) for n in MINIMALITY],
)
def test_every_registered_term_trains_and_is_reproducible(views, part, name):
    data = {**views, "c": views["a"] - views["b"]}
    first, second = (new(**{part: name}).fit(data) for _ in range(2))
    assert np.isfinite(first.history_[-1]["train_loss"])
    np.testing.assert_array_equal(first.transform(data), second.transform(data))


@pytest.mark.filterwarnings("ignore::mibsk.exceptions.DuplicateRowsWarning")
def test_inputs_of_any_kind_of_rows_are_compared_with_the_embeddings():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 24)
    data = {
        "image": rng.integers(0, 256, (24, 4, 4)).astype(np.uint8),
        "text": [f"word{label} number{i}" for i, label in enumerate(labels)],
        "tower": rng.normal(size=(24, 6)),
    }
    tower = nn.Sequential(nn.Linear(6, 5), nn.Tanh())
    aligner = new(encoders={"tower": Frozen(tower)}, minimality="structure").fit(data)
    assert 0 < aligner.history_[-1]["train_divergence"] < np.log(2)
    classifier = new(minimality="structure").fit(data["tower"], labels)  # one-hot labels
    assert 0 < classifier.history_[-1]["train_divergence"] < np.log(2)


def test_inputs_are_not_read_for_terms_that_do_not_take_them(views, monkeypatch):
    def refuse(*args):
        raise AssertionError("read")

    monkeypatch.setattr(AlignmentModule, "inputs", refuse)
    new().fit(views)
    with pytest.raises(AssertionError, match="read"):
        new(minimality="structure").fit(views)


def test_structure_keeps_the_neighbours_of_the_inputs(views):
    def divergence(beta):
        settings = {"max_epochs": 30, "lr": 1e-2, "bottleneck": None}
        fitted = new(minimality="structure", beta=beta, **settings).fit(views)
        return fitted.history_[-1]["train_divergence"]

    assert divergence(10.0) < 0.5 * divergence(0.0)
