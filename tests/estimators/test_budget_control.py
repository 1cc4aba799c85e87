"""Beta set by a budget of sufficiency: within the budget, without collapse or oscillation."""

import math

import numpy as np
import pytest
import torch

from mibsk import ClassPairs, IBAligner, Modalities
from mibsk.data._source import tensor_source
from mibsk.datasets import load_digits_halves
from mibsk.exceptions import FewHeldOutWarning
from mibsk.losses import Temperature, infonce
from mibsk.schedules import SufficiencyBudget
from mibsk.training._budget_control import BEGIN, BudgetControl


class Net:
    """The part of a net that the control reads."""

    device, batch_size, seed = "cpu", 8, 0

    def __init__(self):
        self.module = self
        self.objective = self
        self.beta = 0.0
        self.history = []


def run(budget, monitored, n_epochs=20, n_steps=30):
    """Return beta after every step where bound and recall are ``monitored(beta, share done)``."""
    control = BudgetControl(budget, None, first=0, n_epochs=n_epochs, n_steps=n_steps)
    control._held_out_batches = lambda net: iter(())
    net, betas = Net(), []
    control._look = lambda net: torch.tensor(
        monitored(float(net.beta), len(betas) / (n_epochs * n_steps)), dtype=torch.float32
    ).expand(2)
    control.on_train_begin(net)
    for _ in range(n_epochs):
        net.history.append({})
        control.on_epoch_begin(net)
        for _ in range(n_steps):
            control.on_batch_end(net, training=True)
            betas.append(float(net.beta))
    return np.array(betas)


def test_the_first_share_of_the_epochs_is_uncompressed():
    betas = run(SufficiencyBudget(share=0.3), lambda beta, done: 3.0)
    assert (betas[: 6 * 30] == 0).all()
    assert (betas[6 * 30 + 3 :] > 0).all()


def test_without_a_price_beta_rises_to_its_highest_value():
    betas = run(SufficiencyBudget(high=7.0), lambda beta, done: 3.0)
    assert betas[-1] == pytest.approx(7.0, rel=1e-5)
    assert (np.diff(betas) >= 0).all()


@pytest.mark.parametrize(
    ("budget", "price"),
    [
        (0.02, 0.01),
        (0.02, 0.1),
        (0.1, 0.01),
        (0.1, 0.1),
        (0.1, 1),
        (0.3, 0.01),
        (0.3, 0.1),
        (0.3, 1),
    ],
)
def test_beta_settles_where_the_budget_is_spent(budget, price):
    """What is monitored falls with beta: 3 / (1 + price * beta) spends the budget at one beta."""
    expected = budget / (1 - budget) / price
    betas = run(
        SufficiencyBudget(budget, high=100.0), lambda beta, done: 3 / (1 + price * beta), 40
    )
    assert betas[-1] == pytest.approx(expected, rel=0.25)
    settled = betas[-len(betas) // 5 :]  # the last fifth: no oscillation
    assert settled.max() / settled.min() < 1.5


def test_noise_keeps_beta_near_its_value():
    rng = np.random.default_rng(0)
    betas = run(
        SufficiencyBudget(0.05, high=100.0),
        lambda beta, done: 3 / (1 + 0.05 * beta) + rng.normal(scale=0.05),
        40,
    )
    assert 0.3 < betas[-1] < 3  # 1.05 without noise; the best average is one of noise, too
    assert betas.max() < 10


def test_the_reference_rises_with_what_is_learned():
    """Compression stops learning; a fixed reference would never show it."""
    lost = run(SufficiencyBudget(0.02), lambda beta, done: 1 + done * (beta < 1), 40)
    assert lost[-1] < 2
    assert lost.max() < 10


def test_it_recovers_from_a_fall():
    """A sudden loss, as after a bad step, lowers beta, which then recovers."""
    betas = run(SufficiencyBudget(0.05), lambda beta, done: 1.0 if 0.4 < done < 0.43 else 3.0, 40)
    after = betas[int(0.43 * len(betas)) : int(0.5 * len(betas))]
    assert after.min() < 0.25 * betas[int(0.4 * len(betas))]
    assert betas[-1] > 5


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_beta_stays_where_the_modalities_share_nothing(value):
    betas = run(SufficiencyBudget(), lambda beta, done: value)
    np.testing.assert_allclose(betas[6 * 30 + 3 :], BEGIN, rtol=1e-5)


@pytest.mark.parametrize(
    ("monitor", "bound", "recall", "rises"),
    [
        ("bound", 3 / 2, 0.5, False),
        ("recall", 3 / 2, 0.5, True),
        ("either", 3 / 2, 0.5, True),  # pairs are memorised
        ("either", 3.0, 0.4, True),  # noise
        ("either", 3 / 2, 0.4, False),
        ("either", 3 / 2, 0.99, False),  # at the ceiling recall cannot tell
        ("recall", 3.0, 0.4, False),
        ("bound", 3.0, 0.4, True),
    ],
)
def test_what_raises_beta_under_each_monitor(monitor, bound, recall, rises):
    """Bound and recall are 3 and 0.5, or at their ceiling, until half of the training is done."""
    before = [3.0, max(recall, 0.5)]
    betas = run(
        SufficiencyBudget(monitor=monitor),
        lambda beta, done: before if done < 0.5 else [bound, recall],
    )
    assert (betas[-1] > betas[len(betas) // 2]) == rises or betas[-1] == pytest.approx(10)
    assert (betas[-1] > 1) == rises


@pytest.mark.parametrize("n_steps", [1, 7, 30, 1000])
def test_an_epoch_of_any_length_has_a_few_checks(n_steps):
    control = BudgetControl(SufficiencyBudget(), None, first=0, n_epochs=4, n_steps=n_steps)
    looks = []
    control._held_out_batches = lambda net: iter(())
    control._look = lambda net: looks.append(1) or torch.ones(2)
    net = Net()
    control.on_train_begin(net)
    net.history.append({})
    control.on_epoch_begin(net)
    for _ in range(n_steps):
        control.on_batch_end(net, training=True)
        control.on_batch_end(net, training=False)  # batches that only measure do not count
    assert min(n_steps, 5) <= len(looks) <= 20
    assert len(looks) <= control.n_checks


def held_out_bound(aligner, data):
    """The tightest bound over temperatures, of rows that training has not seen."""
    z, w = map(torch.from_numpy, aligner.embed(data).values())
    taus = np.geomspace(0.005, 1, 30)
    batches = torch.arange(len(z)).split(128)[:-1]
    losses = [np.mean([infonce(z[rows], w[rows], tau).item() for rows in batches]) for tau in taus]
    return math.log(128) - min(losses)


@pytest.fixture(scope="module")
def train_and_test():
    """Digits to train on and digits held out."""
    digits = load_digits_halves().data
    order = np.random.default_rng(0).permutation(len(digits))
    return digits[np.sort(order[:800])], digits[np.sort(order[800:])]


@pytest.fixture(scope="module")
def uncompressed(train_and_test):
    """Held-out bound and score of aligners without compression, of three seeds."""
    train, test = train_and_test
    plain = [IBAligner(beta=0.0, random_state=seed).fit(train) for seed in range(3)]
    return [(held_out_bound(aligner, test), aligner.score(test)) for aligner in plain]


@pytest.mark.parametrize(
    "budget",
    [SufficiencyBudget(0.05), SufficiencyBudget(0.05, monitor="bound", high=1e4)],
    ids=["default", "bound alone, beta without limit"],
)
def test_the_bound_is_kept_on_held_out_rows(train_and_test, uncompressed, budget):
    """Also where beta could go high enough to destroy everything, over three seeds."""
    train, test = train_and_test
    for seed, (bound, score) in enumerate(uncompressed):
        auto = IBAligner(beta=budget, random_state=seed).fit(train)
        assert auto.beta_ > 1
        assert held_out_bound(auto, test) > 0.95 * bound
        if budget.high == 10:
            assert auto.score(test) > 0.95 * score


def test_a_larger_budget_compresses_harder(train_and_test):
    train, _ = train_and_test
    tight, loose = (
        IBAligner(
            encoders="mlp",
            beta=SufficiencyBudget(budget, monitor="bound", high=1e3),
            max_epochs=20,
            lr=1e-3,
            lr_schedule=None,
            random_state=0,
        ).fit(train)
        for budget in (0.02, 0.4)
    )
    assert loose.beta_ > 1.5 * tight.beta_
    assert loose.history_[-1]["train_divergence"] < tight.history_[-1]["train_divergence"]


@pytest.mark.filterwarnings("ignore::mibsk.exceptions.FewHeldOutWarning")  # the data are tiny
@pytest.mark.parametrize("temperature", ["learned", 0.07])
@pytest.mark.parametrize("monitor", ["either", "bound", "recall"])
def test_it_is_reproducible_bit_for_bit(views, quick, temperature, monitor):
    params = {"temperature": temperature, "max_epochs": 5}
    one, two = (quick(beta=SufficiencyBudget(monitor=monitor), **params).fit(views) for _ in "ab")
    assert [epoch["beta"] for epoch in one.history_] == [epoch["beta"] for epoch in two.history_]
    np.testing.assert_array_equal(one.transform(views), two.transform(views))


def test_auto_is_short_for_a_budget(views, quick):
    auto = quick(beta="auto", budget=0.3, max_epochs=4).fit(views)
    same = quick(beta=SufficiencyBudget(0.3), max_epochs=4).fit(views)
    np.testing.assert_array_equal(auto.transform(views), same.transform(views))
    assert auto.beta_ > 0
    assert "valid_sufficiency" in auto.history_[0]


@pytest.mark.filterwarnings("ignore::mibsk.exceptions.FewHeldOutWarning")  # the data are tiny
def test_classes_three_modalities_and_samples_work(views, quick):
    labels = np.arange(48) % 4
    pairs = ClassPairs({"a": (views["audio"], labels), "b": (views["image"], labels)})
    assert quick(beta="auto", max_epochs=3).fit(pairs).beta_ > 0
    three = Modalities({**views, "text": views["audio"][:, :3]})
    assert quick(beta="auto", max_epochs=3, minimality="variational").fit(three).beta_ > 0


def test_the_bound_is_the_tightest_over_temperatures(views, quick):
    """A net whose temperature is far too cold is judged by a better one."""
    aligner = quick(beta=0.0, max_epochs=30, lr=0.01).fit(views)
    n = len(views)
    source = tensor_source(
        {name: np.float32(X) for name, X in views.items()}, torch.device("cpu"), None
    )
    net = aligner.net_
    net.batch_size = -1
    control = BudgetControl(SufficiencyBudget(), source, first=0, n_epochs=2, n_steps=1)
    best = {}
    for tau in (0.005, 0.01, 0.02, 0.04):
        net.module.objective.temperature = Temperature(tau, learned=False)
        net.initialize_criterion()
        control._batches = control._held_out_batches(net)
        z, w = map(torch.from_numpy, aligner.embed(views).values())
        losses = [infonce(z, w, factor * tau).item() for factor in (0.5, 1, 2, 4, 8)]
        best[tau] = math.log(n) - min(losses)
        bound, recall = control._look(net).tolist()
        assert bound == pytest.approx(best[tau], rel=1e-4)
        assert recall == pytest.approx(aligner.score(views), abs=1e-6)
    assert best[0.04] > 0


def test_warns_if_one_held_out_pair_is_more_than_the_budget(halves, quick):
    some = {name: X[:240] for name, X in halves.data.items()}
    message = (
        r"^beta='auto' measures a loss of 0.02 on 24 held-out pairs, of which a single one is "
        r"0.042: pass at least 500 pairs, increase validation_fraction or the budget"
    )
    with pytest.warns(FewHeldOutWarning, match=message):
        quick(beta="auto").fit(some)
    quick(beta="auto", budget=0.05).fit(some)  # no warning: one pair is less
    quick(beta="auto", validation_fraction=0.21).fit(some)
