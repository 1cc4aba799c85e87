"""Training: what it learns, and what its parameters do."""

import functools
from itertools import combinations

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

from mibsk import Modalities
from mibsk.encoders import MLP, make_encoder
from mibsk.metrics import modality_gap


def pair_distance(aligner, data):
    """Mean distance of the two embeddings of a pair."""
    z, w = aligner.embed(data).values()
    return np.linalg.norm(z - w, axis=1).mean()


class Recorder(Callback):
    """Keep a copy of all weights after every epoch."""

    def __init__(self):
        self.epochs = []

    def on_epoch_end(self, net, **kwargs):
        self.epochs.append({k: v.clone() for k, v in net.module_.state_dict().items()})


class InterruptAfter(Callback):
    """What Ctrl-C does, in a given epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


def test_retrieval_of_unseen_digits_is_far_above_chance(halves, quick):
    """Chance is one in 597; half of a digit finds its other half more than 20 times as often."""
    data = halves.data
    aligner = quick(n_components=16, max_epochs=8, batch_size=128).fit(data[:1200])
    assert aligner.score(data[1200:]) > 20 / 597
    losses = [epoch["train_loss"] for epoch in aligner.history_]
    assert losses[-1] < losses[0] / 2


def test_minimality_draws_pairs_together(halves, quick):
    data = halves.data[:400]
    near, far = (
        quick(n_components=16, beta=beta, max_epochs=5, batch_size=64).fit(data)
        for beta in (10.0, 0.0)
    )
    assert pair_distance(near, data) < 0.6 * pair_distance(far, data)
    assert all(epoch["train_minimality"] == 0 for epoch in far.history_)


@pytest.mark.parametrize("minimality", ["gaussian", "variational"])
def test_the_modality_gap_of_an_epoch_is_recorded(views, quick, minimality):
    """With weights that hardly move it is that of the embeddings of all rows."""

    def linear(shape, n_outputs):  # the same in training and after
        return nn.Linear(*shape, n_outputs)

    data = Modalities({**views, "text": views["audio"][:, :3]})
    still = {"lr": 1e-20, "optimizer": "SGD", "temperature": 0.1, "max_epochs": 1}
    aligner = quick(encoders=linear, minimality=minimality, **still).fit(data)
    pairs = list(combinations(aligner.embed(data).values(), 2))
    expected = np.mean([modality_gap(z, w) for z, w in pairs])
    assert aligner.history_[0]["train_modality_gap"] == pytest.approx(expected, rel=1e-4)
    assert "valid_modality_gap" not in aligner.history_[0]


def test_the_modality_gap_of_held_out_pairs_is_recorded(views, quick):
    held_out = []

    class Seen(Callback):
        def on_batch_end(self, net, batch, training, **kwargs):
            held_out.extend([] if training else [batch])

    params = {"early_stopping": True, "validation_fraction": 0.5, "max_epochs": 1}
    aligner = quick(callbacks=[Seen()], **params).fit(views)
    rows = {name: torch.cat([batch[name] for batch in held_out]).numpy() for name in views}
    assert len(held_out) == 2  # the mean is over more than one batch
    expected = modality_gap(*aligner.embed(rows).values())
    assert aligner.history_[0]["valid_modality_gap"] == pytest.approx(expected, rel=1e-4)


def test_the_trained_module_is_in_evaluation_mode(views, quick):
    assert not any(module.training for module in quick().fit(views).module_.modules())


def test_learned_temperature_moves_and_a_number_stays(views, quick):
    learned, fixed = quick().fit(views), quick(temperature=0.2).fit(views)
    assert learned.temperature_ != pytest.approx(0.07, rel=1e-6)
    assert learned.temperature_ == learned.history_[-1]["temperature"]
    assert fixed.temperature_ == pytest.approx(0.2)
    assert all(epoch["temperature"] == pytest.approx(0.2) for epoch in fixed.history_)


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("SGD", torch.optim.SGD),
        (torch.optim.AdamW, torch.optim.AdamW),
        (functools.partial(torch.optim.SGD, momentum=0.9), torch.optim.SGD),
    ],
    ids=["name", "class", "partial"],
)
def test_optimizer(views, quick, by, expected):
    aligner = quick(optimizer=by, lr=0.01).fit(views)
    used = aligner.net_.optimizer_
    assert type(used) is expected
    group_of = {id(p): group for group in used.param_groups for p in group["params"]}
    assert set(group_of) == {id(p) for p in aligner.module_.parameters()}
    weights = group_of[id(next(aligner.module_.encoder("audio").parameters()))]
    assert weights["lr"] == 0.01
    assert weights.get("momentum", 0) == (0.9 if "partial" in str(by) else 0)


def test_bfloat16_is_near_float32(views, quick):
    full, half = quick(precision="float32").fit(views), quick(precision="bfloat16").fit(views)
    assert half.transform(views).dtype == np.float32
    assert next(half.module_.parameters()).dtype == torch.float32
    difference = np.abs(full.transform(views) - half.transform(views)).max()
    assert 0 < difference < 0.1
    first = [a.history_[0]["train_loss"] for a in (full, half)]
    assert first[1] == pytest.approx(first[0], rel=0.02)


def test_batch_sizes(views, quick):
    """All pairs at once is another training than batches; both see every pair."""
    for batch_size in (-1, 2, 1000):
        aligner = quick(batch_size=batch_size, max_epochs=1).fit(views[:9])
        assert np.isfinite(aligner.history_[0]["train_loss"])


class TestEncoders:
    def test_module_of_the_user_is_not_changed(self, views, quick):
        module = nn.Linear(5, 4)
        before = {k: v.clone() for k, v in module.state_dict().items()}
        aligner = quick(encoders={"audio": module}).fit(views)
        trained = aligner.module_.encoder("audio").backbone
        assert isinstance(trained, nn.Linear)
        assert not torch.equal(trained.weight, before["weight"])
        for key, value in module.state_dict().items():
            assert torch.equal(value, before[key])

    def test_one_module_for_all_is_copied_for_each(self, quick):
        X = np.random.default_rng(0).normal(size=(20, 5))
        aligner = quick(encoders=nn.Linear(5, 4)).fit({"a": X, "b": X[::-1]})
        weights = [aligner.module_.encoder(name).backbone.weight for name in "ab"]
        assert not torch.equal(*weights)

    def test_by_factory_and_by_name(self, views, quick):
        aligner = quick(encoders={"audio": MLP(hidden=()), "image": "mlp"}).fit(views)
        sizes = [sum(p.numel() for p in aligner.module_.encoder(n).parameters()) for n in views]
        expected = [make_encoder(MLP(()), (5,), 4), make_encoder("mlp", (4,), 4)]
        assert sizes == [sum(p.numel() for p in module.parameters()) for module in expected]

    def test_factory_is_asked_for_mean_and_variance(self, views, quick):
        asked = []

        def factory(input_shape, n_outputs):
            asked.append((input_shape, n_outputs))
            return nn.Linear(*input_shape, n_outputs)

        quick(encoders=factory, minimality="variational", beta=0.01).fit(views)
        assert asked == [((5,), 8), ((4,), 8)]


class TestEarlyStopping:
    def test_keeps_the_best_epoch_with_its_temperature(self, views, quick):
        recorder = Recorder()
        aligner = quick(
            early_stopping=True,
            validation_fraction=0.25,
            n_iter_no_change=2,
            max_epochs=40,
            lr=0.05,
            callbacks=[recorder],
        ).fit(views)
        losses = [epoch["valid_loss"] for epoch in aligner.history_]
        best = int(np.argmin(losses))
        assert best < len(losses) - 1 < 39  # it did stop, and not at the best
        for key, value in aligner.module_.state_dict().items():
            assert torch.equal(value, recorder.epochs[best][key]), key
        assert aligner.temperature_ == pytest.approx(aligner.history_[best]["temperature"])
        assert aligner.temperature_ != aligner.history_[-1]["temperature"]

    def test_validation_pairs_are_not_trained_on(self, views, quick):
        seen = []

        class Rows(Callback):
            def on_batch_begin(self, net, batch, training, **kwargs):
                seen.append((training, batch["audio"]))

        quick(early_stopping=True, validation_fraction=0.25, max_epochs=1, callbacks=[Rows()]).fit(
            views
        )
        trained, held = (
            {tuple(row) for flag, rows in seen for row in rows.tolist() if flag is side}
            for side in (True, False)
        )
        assert (len(trained), len(held)) == (36, 12)
        assert not trained & held

    def test_without_it_all_pairs_are_trained_on(self, views, quick):
        aligner = quick(validation_fraction=0.5).fit(views)
        assert "valid_loss" not in aligner.history_[0]
        np.testing.assert_array_equal(aligner.transform(views), quick().fit(views).transform(views))


class TestInterrupt:
    def test_leaves_a_fitted_aligner(self, views, quick):
        aligner = quick(max_epochs=5, callbacks=[InterruptAfter(2)]).fit(views)
        assert aligner.n_iter_ == 2
        expected = quick(max_epochs=2).fit(views).transform(views)
        np.testing.assert_array_equal(aligner.transform(views), expected)

    @pytest.mark.parametrize("early_stopping", [False, True])
    @pytest.mark.parametrize(("at_batch", "n_epochs"), [(1, 0), (5, 1)])
    def test_in_mid_epoch_leaves_whole_epochs_in_the_history(
        self, views, quick, early_stopping, at_batch, n_epochs
    ):
        class InterruptAt(Callback):
            n_batches = 0

            def on_batch_end(self, net, training=False, **kwargs):
                self.n_batches += 1
                if self.n_batches == at_batch:
                    raise KeyboardInterrupt

        # four batches an epoch, and one to validate
        size = {"batch_size": 12, "validation_fraction": 0.25, "early_stopping": early_stopping}
        data = {name: X[:48] for name, X in views.items()}
        callbacks = [InterruptAt()]
        if early_stopping:
            callbacks[0].n_batches = -n_epochs  # a validation batch is counted too
        aligner = quick(max_epochs=3, callbacks=callbacks, **size).fit(data)
        assert aligner.n_iter_ == n_epochs
        assert all("train_loss" in epoch for epoch in aligner.history_)
        assert np.isfinite(aligner.transform(data)).all()

    def test_of_early_stopping_keeps_the_best_epoch_so_far(self, views, quick):
        recorder = Recorder()
        aligner = quick(
            early_stopping=True,
            validation_fraction=0.25,
            max_epochs=9,
            lr=0.1,
            callbacks=[recorder, InterruptAfter(4)],
        ).fit(views)
        assert aligner.n_iter_ == 4
        losses = [epoch["valid_loss"] for epoch in aligner.history_]
        best = int(np.argmin(losses[:3]))  # the fourth was interrupted before it was judged
        for key, value in aligner.module_.state_dict().items():
            assert torch.equal(value, recorder.epochs[best][key]), key


def test_verbose(views, quick, capsys):
    quick(early_stopping=True, validation_fraction=0.25).fit(views)
    assert capsys.readouterr() == ("", "")
    quick(verbose=1, max_epochs=3).fit(views)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("   ")[0] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
