"""Training that was interrupted and continues from its checkpoint."""

import functools
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, LRScheduler
from torch.utils.data import IterableDataset

from mibsk import ClassPairs, IBAligner
from mibsk.encoders import MLP, SparseMLP
from mibsk.exceptions import DivergenceError
from mibsk.losses import ConFu, Sufficiency, infonce
from mibsk.training import _checkpoint
from mibsk.training._net import AlignmentNet

from .common import Items, assert_same_weights, without_times


class Killed(BaseException):
    """A BaseException that the library does not catch, as sudden as a power cut."""


@pytest.fixture
def steps(monkeypatch):
    """Count the steps of training, and end it in the one numbered `kill_at`."""

    class Steps:
        n_done, kill_at, error = 0, None, Killed

        def restart(self, kill_at=None, error=Killed):
            self.n_done, self.kill_at, self.error = 0, kill_at, error

    counter, step = Steps(), AlignmentNet.train_step_single

    def counted(net, batch, **kwargs):
        counter.n_done += 1
        if counter.n_done == counter.kill_at:
            raise counter.error
        return step(net, batch, **kwargs)

    monkeypatch.setattr(AlignmentNet, "train_step_single", counted)
    return counter


def files(folder):
    return sorted(folder.glob("*/epoch-*.safetensors"))


def assert_same(one, other, data):
    """Weights, temperature and history are equal bit for bit; only seconds may differ."""
    assert_same_weights(one, other)
    assert without_times(one.history_) == without_times(other.history_)
    np.testing.assert_array_equal(one.transform(data), other.transform(data))


CASES = {
    "plain": {},
    "momentum": {"optimizer": "SGD", "lr": 0.1},
    "fixed temperature": {"temperature": 0.2},
    "random numbers": {
        "minimality": "variational",
        "encoders": MLP((8,), dropout=0.3),
    },
    "early stopping": {
        "early_stopping": True,
        "validation_fraction": 0.25,
        "n_iter_no_change": 2,
        "lr": 0.1,
    },
    "closed form beside the networks": {"encoders": "auto", "bottleneck": "canonical"},
    "rate along a cosine": {"lr_schedule": "cosine"},
    "rate along a cosine by step": {"lr_schedule": "cosine-by-step"},
    "schedule of epochs": {"callbacks": [("lr", LRScheduler("StepLR", step_size=2, gamma=0.1))]},
    "schedule of batches": {
        "callbacks": [
            LRScheduler(
                torch.optim.lr_scheduler.OneCycleLR, max_lr=0.05, total_steps=12, step_every="batch"
            ),
        ]
    },
    "schedule that looks at the loss": {
        "callbacks": [LRScheduler("ReduceLROnPlateau", monitor="train_loss", patience=0)]
    },
}


def interrupted(aligner, data, steps, kill_at, error=Killed):
    """Fit until it is killed; True if it was."""
    steps.restart(kill_at, error)
    try:
        aligner.fit(data)
    except Killed:
        return True
    finally:
        steps.restart()
    return False


@pytest.fixture(scope="module")
def finished():
    """Trainings that were not stopped, one for each case."""
    return {}


@pytest.mark.parametrize("kill_at", [1, 3, 4, 8, 12])
@pytest.mark.parametrize("case", CASES)
def test_a_killed_training_ends_like_one_that_was_not(
    views, quick, tmp_path, steps, finished, case, kill_at
):
    """Three batches an epoch, four epochs: killed in the first, in the last, between."""
    params = {"max_epochs": 4, "encoders": MLP((8,)), **CASES[case]}
    if case not in finished:
        finished[case] = quick(**params).fit(views)
    whole = finished[case]
    make = functools.partial(quick, **params, checkpoint=tmp_path)
    n_steps = 3 * whole.n_iter_
    assert interrupted(make(), views, steps, kill_at) == (kill_at <= n_steps)
    again = make().fit(views)
    assert_same(again, whole, views)
    if kill_at <= n_steps:
        assert steps.n_done == n_steps - 3 * ((kill_at - 1) // 3)


def test_killed_again_and_again(views, quick, tmp_path, steps):
    make = functools.partial(quick, max_epochs=4, minimality="variational", checkpoint=tmp_path)
    for _ in range(3):
        assert interrupted(make(), views, steps, kill_at=5)
    assert_same(make().fit(views), make(checkpoint=None).fit(views), views)


def test_ctrl_c_leaves_a_fitted_aligner_and_fit_continues(views, quick, tmp_path, steps):
    aligner = quick(max_epochs=4, checkpoint=tmp_path)
    assert not interrupted(aligner, views, steps, kill_at=8, error=KeyboardInterrupt)
    assert aligner.n_iter_ == 2
    assert_same(aligner.fit(views), quick(max_epochs=4).fit(views), views)


@pytest.mark.parametrize("bottleneck", [None, "canonical"])
@pytest.mark.parametrize("kill_at", [4, 11])
def test_ctrl_c_with_a_closed_form_beside_the_networks(
    views, quick, tmp_path, steps, kill_at, bottleneck
):
    """The closed form of a training that goes on is not that of the first call."""
    make = functools.partial(quick, max_epochs=4, encoders="auto", bottleneck=bottleneck, lr=0.05)
    whole = make().fit(views)
    assert not interrupted(make(checkpoint=tmp_path), views, steps, kill_at, KeyboardInterrupt)
    again = make(checkpoint=tmp_path).fit(views)
    assert_same(again, whole, views)
    assert again.selection_.equals(whole.selection_)


def test_early_stopping_with_a_closed_form_is_not_run_again(views, quick, tmp_path, steps):
    params = {"max_epochs": 40, "encoders": "auto", "bottleneck": "canonical", "lr": 0.05}
    params |= {"early_stopping": True, "n_iter_no_change": 2, "checkpoint": tmp_path}
    first = quick(**params).fit(views)
    assert first.n_iter_ < 40
    steps.restart()
    again = quick(**params).fit(views)
    assert steps.n_done == 0
    assert_same(again, first, views)
    last = max(tmp_path.glob("*/*"))
    np.testing.assert_array_equal(IBAligner.load(last).transform(views), first.transform(views))


@pytest.mark.parametrize("case", ["plain", "early stopping"])
def test_a_finished_training_is_not_run_again(views, quick, tmp_path, steps, case):
    params = {"max_epochs": 6, **CASES[case], "checkpoint": tmp_path}
    first = quick(**params).fit(views)
    steps.restart()
    again = quick(**params).fit(views)
    assert steps.n_done == 3 * (case == "early stopping" and first.n_iter_ < 6)
    assert_same(again, first, views)
    assert_same(again.fit(views), first, views)


def test_at_most_two_are_kept(views, quick, tmp_path):
    quick(max_epochs=5, checkpoint=tmp_path).fit(views)
    assert [file.name for file in files(tmp_path)] == [
        "epoch-00004.safetensors",
        "epoch-00005.safetensors",
    ]


class TestTorn:
    @pytest.fixture
    def stopped(self, views, quick, tmp_path, steps):
        assert interrupted(quick(max_epochs=5, checkpoint=tmp_path), views, steps, kill_at=10)
        assert len(files(tmp_path)) == 2
        return tmp_path

    @pytest.mark.parametrize("n_bytes", [0, 7, 1000, -1])
    def test_the_one_before_is_used(self, views, quick, stopped, steps, n_bytes):
        newer = files(stopped)[-1]
        newer.write_bytes(newer.read_bytes()[:n_bytes])
        with pytest.warns(UserWarning, match=f"{newer.name}.*ignored"):
            again = quick(max_epochs=5, checkpoint=stopped).fit(views)
        assert steps.n_done == 3 * 3
        assert_same(again, quick(max_epochs=5).fit(views), views)

    def test_a_changed_byte_is_noticed(self, views, quick, stopped):
        newer = files(stopped)[-1]
        content = bytearray(newer.read_bytes())
        content[-100] ^= 1
        newer.write_bytes(content)
        with pytest.warns(UserWarning, match=newer.name):
            again = quick(max_epochs=5, checkpoint=stopped).fit(views)
        assert_same(again, quick(max_epochs=5).fit(views), views)

    def test_without_a_complete_checkpoint_it_restarts(self, views, quick, stopped):
        for file in files(stopped):
            file.write_bytes(b"")
        with pytest.warns(UserWarning, match="ignored"):
            again = quick(max_epochs=5, checkpoint=stopped).fit(views)
        assert_same(again, quick(max_epochs=5).fit(views), views)

    def test_killed_while_writing(self, views, quick, tmp_path, monkeypatch):
        """The file appears whole or not at all."""
        replace, n_written = os.replace, []

        def killed(source, target):
            n_written.append(target)
            if len(n_written) == 3:
                raise Killed
            replace(source, target)

        monkeypatch.setattr(os, "replace", killed)
        with pytest.raises(Killed):
            quick(max_epochs=5, checkpoint=tmp_path).fit(views)
        assert [file.name[:11] for file in files(tmp_path)] == ["epoch-00001", "epoch-00002"]
        monkeypatch.setattr(os, "replace", replace)
        again = quick(max_epochs=5, checkpoint=tmp_path).fit(views)
        assert_same(again, quick(max_epochs=5).fit(views), views)


class Weighted(torch.nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def forward(self, z, w, temperature):
        return self.weight * infonce(z, w, temperature)


class TestNotTheSameTraining:
    @pytest.fixture
    def stopped(self, views, quick, tmp_path, steps):
        assert interrupted(quick(max_epochs=3, checkpoint=tmp_path), views, steps, kill_at=7)
        return tmp_path

    @pytest.mark.parametrize(
        "change",
        [
            {"random_state": 1},
            {"beta": 0.2},
            {"lr": 0.002},
            {"batch_size": 12},
            {"max_epochs": 4},
            {"n_components": 5},
            {"optimizer": "AdamW"},
            {"temperature": 0.07},
            {"encoders": {"audio": MLP((8,))}},
            {"callbacks": [LRScheduler("StepLR", step_size=2)]},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_other_parameters(self, views, quick, stopped, change):
        params = {"max_epochs": 3, **change}
        again = quick(**params, checkpoint=stopped).fit(views)
        assert_same(again, quick(**params).fit(views), views)
        assert len(list(stopped.iterdir())) == 2

    def test_other_data(self, views, quick, stopped, steps):
        other = {name: X.copy() for name, X in views.items()}
        other["image"][40, 2] += 1e-3
        again = quick(max_epochs=3, checkpoint=stopped).fit(other)
        assert steps.n_done == 9
        assert_same(again, quick(max_epochs=3).fit(other), other)

    def test_another_module_of_the_same_class(self, views, quick, tmp_path):
        for seed in (0, 1):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                module = torch.nn.Linear(5, 4)
            quick(encoders={"audio": module}, checkpoint=tmp_path).fit(views)
        assert len(list(tmp_path.iterdir())) == 2

    @pytest.mark.parametrize("kind", ["loss of a user", "ConFu"])
    def test_other_settings_of_a_loss(self, views, quick, tmp_path, kind):
        def loss(weight):
            if kind == "ConFu":
                flags = dict.fromkeys(("takes_groups", "takes_positives", "takes_present"), True)
                return Sufficiency(ConFu(weight), pairwise=False, **flags)
            return Weighted(weight)

        three = {**views, "sum": views["audio"][:, :2] + views["image"][:, :2]}
        for weight in (0.2, 0.8):
            again = quick(sufficiency=loss(weight), checkpoint=tmp_path).fit(three)
            assert_same(again, quick(sufficiency=loss(weight)).fit(three), three)
        assert len(list(tmp_path.iterdir())) == 2

    def test_a_warm_start_is_another_training(self, views, quick, tmp_path, steps):
        make = functools.partial(quick, max_epochs=3, warm_start=True)
        aligner = make(checkpoint=tmp_path).fit(views)
        assert_same(aligner.fit(views), make().fit(views).fit(views), views)
        aligner = make(checkpoint=tmp_path).fit(views)
        assert interrupted(aligner.set_params(lr=0.01), views, steps, kill_at=5)
        aligner.fit(views)
        assert steps.n_done == 6
        assert_same(aligner, make().fit(views).set_params(lr=0.01).fit(views), views)

    @pytest.mark.parametrize("change", [{"verbose": 1}, {"device": "cpu"}, {"fusion": "mean"}])
    def test_what_does_not_change_the_model_does_not_count(
        self, views, quick, stopped, steps, change
    ):
        quick(max_epochs=3, checkpoint=stopped, **change).fit(views)
        assert steps.n_done == 3


def test_verbose_names_the_checkpoint_it_continues_from(views, quick, tmp_path, steps, capsys):
    interrupted(quick(max_epochs=3, checkpoint=tmp_path), views, steps, kill_at=7)
    quick(max_epochs=3, checkpoint=tmp_path, verbose=1).fit(views)
    assert "Resuming after epoch 2, from " in capsys.readouterr().out


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(0)])
def test_needs_a_seed(views, quick, tmp_path, random_state):
    with pytest.raises(ValueError, match="checkpoint= needs random_state to be an integer"):
        quick(checkpoint=tmp_path, random_state=random_state).fit(views)


def test_folder_that_is_a_file(views, quick, tmp_path, steps):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        quick(checkpoint=tmp_path / "file").fit(views)
    assert steps.n_done == 0


def test_full_disk_costs_no_training(views, quick, tmp_path, monkeypatch):
    def full(path, state):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_checkpoint, "write_state", full)
    with pytest.warns(UserWarning, match=r"no checkpoint could be written.*No space left"):
        aligner = quick(checkpoint=tmp_path).fit(views)
    assert_same(aligner, quick().fit(views), views)


def test_history_that_no_file_can_hold_costs_no_training(views, quick, tmp_path):
    class Records(Callback):
        def on_epoch_end(self, net, **kwargs):
            net.history.record("what", object())

    with pytest.warns(UserWarning, match=r"no checkpoint could be written.*'what'"):
        assert quick(checkpoint=tmp_path, callbacks=[Records()]).fit(views).n_iter_ == 2


@pytest.mark.parametrize(("age", "stays"), [(0, True), (10_000, False)])
def test_what_a_killed_process_left_is_removed_in_time(views, quick, tmp_path, age, stays):
    quick(checkpoint=tmp_path).fit(views)
    aside = files(tmp_path)[0].with_name(".epoch-00001.safetensors.123.tmp")
    aside.write_bytes(b"")
    os.utime(aside, (time.time() - age,) * 2)
    quick(checkpoint=tmp_path).fit(views)
    assert aside.exists() == stays


class TestDivergence:
    def test_names_the_last_finite_checkpoint(self, views, quick, tmp_path):
        grow = LRScheduler("LambdaLR", lr_lambda=lambda epoch: 1e9 if epoch == 2 else 1.0)
        with pytest.raises(DivergenceError, match=r"epoch 3.*finite checkpoint is") as caught:
            quick(max_epochs=5, callbacks=[grow], checkpoint=tmp_path).fit(views)
        newest = files(tmp_path)[-1]
        assert newest.name == "epoch-00002.safetensors"
        assert str(newest) in str(caught.value)
        loaded = IBAligner.load(newest)
        assert loaded.n_iter_ == 2
        expected = quick(max_epochs=2).fit(views)
        np.testing.assert_array_equal(loaded.transform(views), expected.transform(views))

    def test_in_the_first_epoch(self, views, quick, tmp_path):
        with pytest.raises(DivergenceError, match="There is no finite checkpoint"):
            quick(lr=1e6, batch_size=-1, checkpoint=tmp_path).fit(views)
        assert files(tmp_path) == []

    def test_without_checkpoints(self, views, quick):
        with pytest.raises(DivergenceError, match="With checkpoint=<folder>, the model of the"):
            quick(lr=1e6).fit(views)


class TestForms:
    def test_table_and_pair(self, views, table, quick, tmp_path, steps):
        cut = {"audio": slice(0, 5), "image": slice(5, 9)}
        for modalities, args in (
            (cut, (table,)),
            (None, (views["audio"], views["image"])),
            (None, (views["audio"], np.arange(48) % 3)),
        ):
            make = functools.partial(quick, modalities, max_epochs=3)
            steps.restart(kill_at=5)
            with pytest.raises(Killed):
                make(checkpoint=tmp_path).fit(*args)
            steps.restart()
            again = make(checkpoint=tmp_path).fit(*args)
            assert steps.n_done == 6
            assert_same(again, make().fit(*args), args[0])

    def test_class_pairs(self, quick, tmp_path, steps):
        rng, labels = np.random.default_rng(0), np.arange(48) % 3
        arrays = {name: (rng.normal(size=(48, 3)), labels) for name in "ab"}
        pairs, others = (ClassPairs(arrays, random_state=seed) for seed in (0, 1))
        make = functools.partial(quick, max_epochs=3, early_stopping=True, validation_fraction=0.3)
        assert interrupted(make(checkpoint=tmp_path), pairs, steps, kill_at=7)
        assert_same(make(checkpoint=tmp_path).fit(pairs), make().fit(pairs), pairs)
        assert_same(make(checkpoint=tmp_path).fit(others), make().fit(others), others)

    def test_datasets(self, views, quick, tmp_path, steps):
        class Stream(IterableDataset):
            def __iter__(self):
                return iter(Items(views)[i] for i in range(48))

        for data in (Items(views), Stream()):
            make = functools.partial(quick, max_epochs=3)
            assert interrupted(make(checkpoint=tmp_path), data, steps, kill_at=5)
            again = make(checkpoint=tmp_path).fit(data)
            assert steps.n_done == 6
            assert_same(again, make().fit(data), views)

    def test_sparse_rows_and_text(self, quick, tmp_path, steps):
        data = {"text": [f"no. {i}" for i in range(48)], "y": sp.csr_array(np.eye(48))}
        make = functools.partial(quick, max_epochs=3, encoders={"text": SparseMLP((8,))})
        assert interrupted(make(checkpoint=tmp_path), data, steps, kill_at=5)
        assert_same(make(checkpoint=tmp_path).fit(data), make().fit(data), data)


def test_a_grid_search_continues_too(views, quick, tmp_path, steps):
    """Each of its fits has a folder of its own; those that were finished are not run again."""
    grid = {"beta": [0.0, 1.0]}

    def search(**params):
        return GridSearchCV(quick(**params), grid, cv=2, error_score="raise")

    expected = search().fit(views)
    steps.restart(kill_at=12)  # four steps a fit: in the third of four
    with pytest.raises(Killed):
        search(checkpoint=tmp_path).fit(views)
    steps.restart()
    again = search(checkpoint=tmp_path).fit(views)
    assert steps.n_done == 2 + 4 + 6
    for key in ("mean_test_score", "params"):
        assert list(again.cv_results_[key]) == list(expected.cv_results_[key])
    np.testing.assert_array_equal(again.transform(views), expected.transform(views))


PROGRAM = """
    import os, signal, sys
    import numpy as np
    from skorch.callbacks import Callback
    from mibsk import IBAligner

    class Suicide(Callback):
        def on_batch_end(self, net, training, **kwargs):
            if os.environ.get("KILL_AT") == str(len(net.history)):
                os.kill(os.getpid(), signal.SIGKILL)

    rng = np.random.default_rng(0)
    data = {name: rng.normal(size=(64, 6)) for name in ("a", "b")}
    aligner = IBAligner(
        n_components=4, max_epochs=4, batch_size=16, random_state=0, minimality="variational",
        callbacks=[Suicide()], checkpoint=sys.argv[1] or None,
    )
    np.save(sys.argv[2], aligner.fit(data).transform(data))
"""


@pytest.mark.slow  # three processes that each import torch
def test_kill_9(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))

    def run(folder, target, kill_at=""):
        return subprocess.run(
            [sys.executable, program, folder, tmp_path / target],
            env={**os.environ, "KILL_AT": kill_at},
            check=False,
        ).returncode

    folder = tmp_path / "checkpoints"
    assert run(folder, "killed.npy", kill_at="3") == -signal.SIGKILL
    assert not (tmp_path / "killed.npy").exists()
    assert [file.name[:11] for file in files(folder)] == ["epoch-00001", "epoch-00002"]
    assert run(folder, "again.npy") == 0
    assert run("", "whole.npy") == 0
    np.testing.assert_array_equal(np.load(tmp_path / "again.npy"), np.load(tmp_path / "whole.npy"))


def test_folders_can_be_moved_and_shared(views, quick, tmp_path, steps):
    assert interrupted(quick(max_epochs=3, checkpoint=tmp_path / "here"), views, steps, 7)
    shutil.move(tmp_path / "here", tmp_path / "there")
    steps.restart()
    quick(max_epochs=3, checkpoint=str(tmp_path / "there")).fit(views)
    assert steps.n_done == 3
