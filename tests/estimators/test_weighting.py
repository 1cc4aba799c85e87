"""Schedules of beta and temperature in training, and what is recorded of them."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from mibsk import IBAligner, Modalities
from mibsk.metrics import alignment, uniformity
from mibsk.schedules import Cosine, Exponential, Learned, Linear, SufficiencyBudget, WarmUp


def linear(shape, n_outputs):
    """The same in training and after."""
    return nn.Linear(*shape, n_outputs)


STILL = {"lr": 1e-20, "optimizer": "SGD", "encoders": linear, "max_epochs": 1}


@pytest.mark.parametrize(
    "schedule", [Linear(0, 3), Cosine(3, 0), Exponential(0.01, 1), WarmUp(2, share=0.5)]
)
def test_beta_follows_its_schedule(views, quick, schedule):
    aligner = quick(beta=schedule, max_epochs=5).fit(views)
    expected = [schedule(epoch / 4) for epoch in range(5)]
    assert [epoch["beta"] for epoch in aligner.history_] == pytest.approx(expected)
    assert aligner.beta_ == expected[-1]
    for epoch in aligner.history_:
        weighed = epoch["beta"] * epoch["train_divergence"]
        assert epoch["train_minimality"] == pytest.approx(weighed, rel=1e-5)


@pytest.mark.parametrize("schedule", [Linear(0.2, 0.05), Cosine(0.05, 0.2), Exponential(1, 0.01)])
def test_the_temperature_follows_its_schedule(views, quick, schedule):
    aligner = quick(temperature=schedule, max_epochs=4).fit(views)
    expected = [schedule(epoch / 3) for epoch in range(4)]
    assert [epoch["temperature"] for epoch in aligner.history_] == pytest.approx(expected, rel=1e-5)


def test_one_epoch_has_the_first_value(views, quick):
    assert quick(beta=Linear(1, 3), max_epochs=1).fit(views).beta_ == 1


def test_a_constant_schedule_is_a_number(views, quick):
    number, schedule = (quick(beta=beta).fit(views) for beta in (0.7, Linear(0.7, 0.7)))
    np.testing.assert_array_equal(number.transform(views), schedule.transform(views))


def test_partial_fit_goes_along_the_schedule_and_stays_at_its_end(views, quick):
    aligner = quick(beta=Linear(0, 2), max_epochs=3)
    seen = [aligner.partial_fit(views).beta_ for _ in range(4)]
    assert seen == [0, 1, 2, 2]


def test_a_warm_start_repeats_the_schedule(views, quick):
    aligner = quick(beta=Linear(0, 1), max_epochs=2, warm_start=True).fit(views).fit(views)
    assert [epoch["beta"] for epoch in aligner.history_] == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("bounds", "end"), [(Learned(0.1, low=0.09, high=0.5), 0.09), (Learned(0.1, high=0.101), 0.101)]
)
def test_a_learned_temperature_stays_within_its_bounds(views, quick, bounds, end):
    """With a large rate the temperature would leave them on either side."""
    sign = 1 if end == bounds.low else -1

    def pushed(params, **kwargs):
        optimizer = torch.optim.SGD(params, lr=1e-3)
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        (temperature,) = [p for p in parameters if p.ndim == 0]
        temperature.register_hook(lambda gradient: torch.full_like(gradient, sign * 1e3))
        return optimizer

    aligner = quick(temperature=bounds, optimizer=pushed, max_epochs=3).fit(views)
    assert aligner.temperature_ == pytest.approx(end, rel=1e-5)


def test_bounds_that_are_not_reached_change_nothing(views, quick):
    free, bounded = (
        quick(temperature=value).fit(views) for value in ("learned", Learned(low=1e-4, high=1e3))
    )
    np.testing.assert_array_equal(free.transform(views), bounded.transform(views))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"temperature": Linear(0.1, 0)}, "whose values are all > 0"),
        ({"temperature": WarmUp(0.1)}, "whose values are all > 0"),
        ({"beta": "auto", "early_stopping": True}, "early_stopping=False"),
        ({"beta": "auto", "max_epochs": 1}, "max_epochs >= 2"),
        ({"beta": "automatic"}, "The 'beta' parameter"),
        ({"beta": Learned()}, "The 'beta' parameter"),
        ({"temperature": "auto"}, "The 'temperature' parameter"),
        ({"temperature": SufficiencyBudget()}, "The 'temperature' parameter"),
        ({"beta": "auto", "budget": 1.0}, "The 'budget' parameter"),
    ],
)
def test_invalid_weights_are_refused_and_the_model_is_kept(views, quick, params, message):
    aligner = quick().fit(views)
    before = aligner.transform(views)
    with pytest.raises(ValueError, match=message):
        aligner.set_params(**params).fit(views)
    np.testing.assert_array_equal(aligner.transform(views), before)


@pytest.mark.parametrize("n_views", [2, 3])
def test_alignment_and_uniformity_of_an_epoch_are_recorded(views, quick, n_views):
    """One batch, with weights that do not move: those of the metrics on all rows."""
    data = Modalities({**views, "text": views["audio"][:, :3]} if n_views == 3 else dict(views))
    aligner = quick(temperature=0.1, batch_size=-1, **STILL).fit(data)
    embedded = list(aligner.embed(data).values())
    pairs = [(z, w) for i, z in enumerate(embedded) for w in embedded[i + 1 :]]
    epoch = aligner.history_[0]
    expected = np.mean([alignment(z, w) for z, w in pairs])
    assert epoch["train_alignment"] == pytest.approx(expected, rel=1e-4)
    potential = np.mean([uniformity(z) for z in embedded])
    assert epoch["train_uniformity"] == pytest.approx(potential, rel=1e-4)


def test_uniformity_over_batches_is_the_mean_potential(views, quick):
    """Of three batches: the logarithm of the mean, not the mean of the logarithms."""
    seen = []

    class Seen:
        def on_batch_end(self, net, embeddings, training, **kwargs):
            seen.append([embedding.mean.detach().numpy() for embedding in embeddings.values()])

        def __getattr__(self, name):
            return lambda *args, **kwargs: None

    aligner = quick(temperature=0.1, callbacks=[("seen", Seen())], **STILL).fit(views)
    assert len(seen) == 3
    means = [np.mean([math.exp(uniformity(batch[i])) for batch in seen]) for i in range(2)]
    expected = np.mean(np.log(means))
    assert aligner.history_[0]["train_uniformity"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.filterwarnings("ignore::mibsk.exceptions.FewHeldOutWarning")  # the data are tiny
@pytest.mark.parametrize(
    "params",
    [
        {"beta": WarmUp(2.0), "temperature": Cosine(0.2, 0.05)},
        {"beta": "auto", "budget": 0.1, "temperature": Learned(low=0.02)},
        {"beta": SufficiencyBudget(0.3, monitor="recall", high=5.0)},
    ],
)
def test_a_file_holds_schedules(views, quick, tmp_path, params):
    aligner = quick(max_epochs=3, **params).fit(views)
    aligner.save(tmp_path / "aligner.safetensors")
    loaded = IBAligner.load(tmp_path / "aligner.safetensors")
    assert loaded.get_params() == aligner.get_params()
    assert (loaded.beta_, loaded.temperature_) == (aligner.beta_, aligner.temperature_)
    np.testing.assert_array_equal(loaded.transform(views), aligner.transform(views))


@pytest.mark.filterwarnings("ignore::mibsk.exceptions.FewHeldOutWarning")  # the data are tiny
@pytest.mark.parametrize(
    "params",
    [{"beta": Linear(0, 2), "temperature": Exponential(0.2, 0.05)}, {"beta": "auto"}],
    ids=["schedules", "auto"],
)
def test_training_under_a_schedule_continues_from_a_checkpoint(views, quick, tmp_path, params):
    class StopError(Exception):
        pass

    class StopAfter:
        def __init__(self, n_epochs):
            self.n_epochs = n_epochs

        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) > self.n_epochs:
                raise StopError

        def __getattr__(self, name):
            return lambda *args, **kwargs: None

    params = {"max_epochs": 6, "lr": 0.01, **params}
    whole = quick(**params).fit(views)
    for n_epochs in (2, 4):
        interrupted = quick(checkpoint=tmp_path, **params)
        interrupted.set_params(callbacks=[("stop", StopAfter(n_epochs))])
        with pytest.raises(StopError):
            interrupted.fit(views)
    finished = quick(checkpoint=tmp_path, **params)
    finished.set_params(callbacks=[("stop", StopAfter(math.inf))])
    finished.fit(views)
    np.testing.assert_array_equal(finished.transform(views), whole.transform(views))
    assert [epoch["beta"] for epoch in finished.history_] == [
        epoch["beta"] for epoch in whole.history_
    ]
