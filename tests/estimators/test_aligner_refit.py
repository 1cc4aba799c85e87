"""Fitting again: warm starts, and failures that keep the model of the last fit."""

import copy
import pickle

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, LRScheduler
from torch import nn

from mibsk.encoders import MLP
from mibsk.exceptions import DivergenceError

from .common import CUT


class NaNAfter(nn.Module):
    """Linear until a number of training batches is over, then NaN."""

    def __init__(self, n_inputs, n_batches):
        super().__init__()
        self.linear, self.n_batches, self.seen = nn.Linear(n_inputs, 4), n_batches, 0

    def forward(self, x):
        self.seen += self.training
        return self.linear(x) * (float("nan") if self.seen > self.n_batches else 1.0)


class TestWarmStart:
    @pytest.mark.parametrize("optimizer", ["Adam", "SGD"])
    def test_two_and_two_epochs_are_four(self, views, quick, optimizer):
        """Order of batches and state of the optimizer go on where they were."""
        whole = quick(max_epochs=4, optimizer=optimizer).fit(views)
        halves = quick(max_epochs=2, optimizer=optimizer, warm_start=True).fit(views).fit(views)
        assert halves.n_iter_ == 4
        assert [epoch["epoch"] for epoch in halves.history_] == [1, 2, 3, 4]
        np.testing.assert_array_equal(halves.transform(views), whole.transform(views))

    def test_so_they_are_where_training_draws_random_numbers(self, views, quick):
        params = {"minimality": "variational", "encoders": MLP((8,), dropout=0.3)}
        whole = quick(max_epochs=4, **params).fit(views)
        halves = quick(max_epochs=2, warm_start=True, **params).fit(views).fit(views)
        np.testing.assert_array_equal(halves.transform(views), whole.transform(views))

    def test_continues_under_a_schedule_of_the_learning_rate(self, views, quick):
        schedule = LRScheduler("LambdaLR", lr_lambda=lambda epoch: 0.5**epoch)
        whole = quick(max_epochs=4, callbacks=[schedule]).fit(views)
        halves = quick(max_epochs=2, callbacks=[schedule], warm_start=True).fit(views).fit(views)
        np.testing.assert_array_equal(halves.transform(views), whole.transform(views))

    def test_refuses_other_names_in_modalities(self, table, quick):
        aligner = quick(CUT, warm_start=True).fit(table)
        with pytest.raises(ValueError, match="modalities= now names"):
            aligner.set_params(modalities={"a": [0], "b": [1]}).fit(table)

    def test_continues_after_pickling(self, views, quick):
        whole = quick(max_epochs=4).fit(views)
        stored = pickle.dumps(quick(max_epochs=2, warm_start=True).fit(views))
        np.testing.assert_array_equal(
            pickle.loads(stored).fit(views).transform(views), whole.transform(views)
        )

    def test_first_fit_is_an_ordinary_one(self, views, quick):
        np.testing.assert_array_equal(
            quick(warm_start=True).fit(views).transform(views),
            quick().fit(views).transform(views),
        )

    def test_without_warm_start_history_is_new(self, views, quick):
        assert quick(max_epochs=2).fit(views).fit(views).n_iter_ == 2

    def test_takes_the_parameters_as_they_are_now(self, views, quick):
        calls = []

        class Count(Callback):
            def on_epoch_end(self, net, **kwargs):
                calls.append(net.lr)

        aligner = quick(max_epochs=1, warm_start=True).fit(views)
        aligner.set_params(beta=3.0, lr=0.02, temperature=0.5, callbacks=[Count()]).fit(views)
        assert [epoch["beta"] for epoch in aligner.history_] == [0.1, 3.0]
        assert aligner.temperature_ == pytest.approx(0.5)
        assert [group["lr"] for group in aligner.net_.optimizer_.param_groups] == [0.02]
        assert calls == [0.02]

    def test_temperature_may_be_fixed_and_set_free(self, views, quick):
        aligner = quick(warm_start=True).fit(views)
        aligner.set_params(temperature=0.5).fit(views)
        aligner.set_params(temperature="learned").fit(views)
        assert aligner.temperature_ != pytest.approx(0.5, rel=1e-6)
        assert aligner.temperature_ == pytest.approx(0.5, rel=0.3)

    def test_may_change_the_optimizer(self, views, quick):
        aligner = quick(optimizer="SGD", warm_start=True).fit(views)
        aligner.set_params(optimizer="Adam").fit(views)
        assert aligner.n_iter_ == 4

    def test_refuses_data_of_another_shape_and_keeps_the_model(self, views, quick):
        aligner = quick(warm_start=True).fit(views)
        before = aligner.transform(views)
        audio, image = views["audio"], views["image"]
        for other, error, message in (
            ({"audio": audio[:, :3], "image": image}, ValueError, "'audio' is expecting 5"),
            ({"sound": audio, "image": image}, ValueError, "unknown modality 'sound'"),
            (
                {"audio": audio},
                ValueError,
                r"missing modality \['image'\]: training continues with",
            ),
            ({"audio": audio, "image": ["text"] * 48}, TypeError, "'image' was fitted on numbers"),
            (np.hstack([audio, image]), TypeError, "fitted on a mapping"),
        ):
            with pytest.raises(error, match=message):
                aligner.fit(other)
        np.testing.assert_array_equal(aligner.transform(views), before)
        assert aligner.n_iter_ == 2

    @pytest.mark.parametrize(
        "change", [{"n_components": 5}, {"minimality": "variational"}, {"encoders": "conv1d"}]
    )
    def test_refuses_another_architecture_and_keeps_the_model(self, views, quick, change):
        aligner = quick(warm_start=True).fit(views)
        before = aligner.transform(views)
        with pytest.raises(ValueError, match="have changed since"):
            aligner.set_params(**change).fit(views)
        np.testing.assert_array_equal(aligner.transform(views), before)

    def test_divergence_keeps_the_model(self, views, quick):
        aligner = quick(warm_start=True).fit(views)
        before = copy.deepcopy(aligner)
        with pytest.raises(DivergenceError):
            aligner.set_params(lr=1e6).fit(views)
        np.testing.assert_array_equal(aligner.transform(views), before.transform(views))
        assert aligner.history_ == before.history_
        again, expected = (a.set_params(lr=1e-3).fit(views) for a in (aligner, before))
        np.testing.assert_array_equal(again.transform(views), expected.transform(views))


class TestFailure:
    def test_bad_rows_keep_the_model(self, views, quick):
        aligner = quick().fit(views)
        before = aligner.transform(views)
        broken = {name: X.copy() for name, X in views.items()}
        broken["image"][7, 1] = np.nan
        with pytest.raises(ValueError, match=r"'image' contains NaN \(first at row 7"):
            aligner.fit(broken)
        np.testing.assert_array_equal(aligner.transform(views), before)

    def test_bad_table_keeps_the_columns_known(self, table, quick):
        aligner = quick(CUT).fit(table)
        before = aligner.transform(table)
        with pytest.raises(ValueError, match="48 of 48 rows lack every modality"):
            aligner.fit(np.full((48, 12), np.nan))
        assert aligner.n_features_in_ == 9
        np.testing.assert_array_equal(aligner.transform(table), before)

    @pytest.mark.parametrize("params", [{}, {"max_epochs": 1, "batch_size": -1}])
    def test_too_large_a_step_diverges(self, views, quick, params):
        """Also where the last step alone does it, after the last loss was computed."""
        aligner = quick().fit(views)
        before = aligner.transform(views)
        with pytest.raises(DivergenceError, match=r"Lower lr \(now 1e\+06\)"):
            aligner.set_params(lr=1e6, **params).fit(views)
        np.testing.assert_array_equal(aligner.transform(views), before)
        with pytest.raises(DivergenceError):
            quick(lr=1e6, **params).fit(views)

    def test_nan_in_an_encoder_names_the_epoch(self, views, quick):
        encoders = {"audio": NaNAfter(5, n_batches=3)}  # three batches an epoch
        with pytest.raises(DivergenceError, match="training loss became nan in epoch 2"):
            quick(encoders=encoders).fit(views)

    def test_failed_first_fit_leaves_it_unfitted(self, views, quick):
        aligner = quick(lr=1e6)
        with pytest.raises(DivergenceError):
            aligner.fit(views)
        assert not aligner.__sklearn_is_fitted__()

    def test_error_in_a_callback_comes_through(self, views, quick):
        class Broken(Callback):
            def on_epoch_end(self, net, **kwargs):
                raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            quick(callbacks=[Broken()]).fit(views)

    def test_generators_are_left_alone(self, views, quick):
        state = torch.get_rng_state()
        with pytest.raises(DivergenceError):
            quick(lr=1e6).fit(views)
        assert torch.equal(state, torch.get_rng_state())
