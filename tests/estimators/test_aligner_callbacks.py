"""Callbacks of skorch in a training: they work, or are refused before anything is trained."""

import numpy as np
import pytest
import torch
from skorch import callbacks as skorch_callbacks
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    EpochTimer,
    Freezer,
    GradientNormClipping,
    Initializer,
    InputShapeSetter,
    LoadInitState,
    LRScheduler,
    ParamMapper,
    PassthroughScoring,
    PrintLog,
    ProgressBar,
    TensorBoard,
    TrainEndCheckpoint,
    Unfreezer,
    WarmRestartLR,
)

from mibsk import IBAligner

from .common import assert_same_weights, without_times


class Writer:
    """Stand-in for a writer of TensorBoard."""

    def __init__(self):
        self.names = set()

    def add_scalar(self, tag, *args, **kwargs):
        self.names.add(tag)

    def close(self):
        pass


WORKS = {
    "ProgressBar": lambda: ProgressBar(),
    "ProgressBar that counts": lambda: ProgressBar(batches_per_epoch="count"),
    "Checkpoint of every epoch": lambda: Checkpoint(monitor=None),
    "Checkpoint of the best": lambda: Checkpoint(monitor="train_loss_best", load_best=True),
    "TrainEndCheckpoint": lambda: TrainEndCheckpoint(),
    "LoadInitState": lambda: LoadInitState(Checkpoint(monitor=None, dirname="none")),
    "EarlyStopping": lambda: EarlyStopping(monitor="train_loss"),
    "LRScheduler": lambda: LRScheduler(),
    "LRScheduler of a value": lambda: LRScheduler("ReduceLROnPlateau", monitor="train_loss"),
    "LRScheduler of batches": lambda: LRScheduler(
        "CyclicLR", base_lr=1e-4, max_lr=1e-2, step_every="batch", cycle_momentum=False
    ),
    "WarmRestartLR": lambda: LRScheduler(WarmRestartLR),
    "PrintLog": lambda: PrintLog(sink=str),
    "EpochTimer": lambda: EpochTimer(),
    "GradientNormClipping": lambda: GradientNormClipping(1.0),
    "Freezer": lambda: Freezer("encoders.0.*"),
    "Unfreezer": lambda: Unfreezer("encoders.0.*"),
    "Initializer": lambda: Initializer("*.weight", fn=torch.nn.init.ones_),
    "ParamMapper": lambda: ParamMapper("encoders.0.*", fn=torch.nn.init.zeros_, at=2),
    "PassthroughScoring": lambda: PassthroughScoring("train_loss", on_train=True),
    "TensorBoard": lambda: TensorBoard(Writer()),
    "a class": lambda: EpochTimer,
    "a pair": lambda: ("clip", GradientNormClipping(1.0)),
    "a pair without callback": lambda: ("clip", None),
}
REFUSED = {
    "EpochScoring": (lambda: EpochScoring("accuracy"), "an EpochScoring, which scores"),
    "BatchScoring": (lambda: BatchScoring(len, name="n"), "a BatchScoring, which scores"),
    "InputShapeSetter": (lambda: InputShapeSetter(), "an InputShapeSetter, which is not needed"),
    "Checkpoint": (lambda: Checkpoint(), "use monitor='train_loss_best', or early_stopping=True"),
    "EarlyStopping": (lambda: EarlyStopping(), "use monitor='train_loss', or early_stopping=True"),
    "LRScheduler": (
        lambda: LRScheduler("ReduceLROnPlateau", monitor="valid_alignment"),
        "use monitor='train_alignment'",
    ),
}
LOGGERS = {"MlflowLogger", "NeptuneLogger", "SacredLogger", "WandbLogger"}  # of other packages


def test_all_callbacks_of_skorch_are_here():
    tested = {
        getattr(make(), "__class__", type).__name__
        for make in [*WORKS.values(), *(make for make, _ in REFUSED.values())]
    }
    known = set(skorch_callbacks.__all__) - LOGGERS - {"Callback", "WarmRestartLR"}
    assert known <= tested


@pytest.mark.parametrize("encoders", ["network", "auto"])
@pytest.mark.parametrize("name", WORKS)
def test_callback_works(views, quick, name, encoders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    aligner = quick(callbacks=[WORKS[name]()], encoders=encoders).fit(views)
    n_epochs = aligner.n_iter_
    assert n_epochs == 2 or aligner.closed_form_.is_alone  # after the first
    assert aligner.partial_fit(views).n_iter_ == n_epochs + 1


@pytest.mark.parametrize("name", REFUSED)
def test_callback_is_refused_before_training(views, quick, name):
    make, message = REFUSED[name]
    aligner = quick(callbacks=[EpochTimer(), make()])
    with pytest.raises(ValueError, match=rf"^callbacks\[1\] is .*{message}"):
        aligner.fit(views)
    assert not hasattr(aligner, "net_")


@pytest.mark.parametrize("entry", ["EarlyStopping", EarlyStopping().on_epoch_end, (1, 2), None])
def test_other_things_are_refused(views, quick, entry):
    with pytest.raises(TypeError, match=r"^callbacks\[0\] must be a skorch callback or a pair"):
        quick(callbacks=[entry]).fit(views)


def test_progress_bar_of_a_stream(quick, views):
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return ({name: X[i] for name, X in views.items()} for i in range(len(views)))

    with pytest.raises(ValueError, match=r"use ProgressBar\(batches_per_epoch='count'\)"):
        quick(callbacks=[ProgressBar()]).fit(Stream())
    quick(callbacks=[ProgressBar(batches_per_epoch="count")]).fit(Stream())


def test_checkpoint_of_skorch_restores_the_best_epoch(views, quick, tmp_path):
    checkpoint = Checkpoint(monitor="train_uniformity_best", dirname=tmp_path, load_best=True)
    params = {"beta": 100.0, "lr": 1e-2}  # compression impairs uniformity
    aligner = quick(**params, max_epochs=5, callbacks=[checkpoint]).fit(views)
    values = [epoch["train_uniformity"] for epoch in aligner.history_]
    best = [epoch["train_uniformity_best"] for epoch in aligner.history_]
    assert best == [value < min(values[:i], default=np.inf) for i, value in enumerate(values)]
    assert best[-1]  # the history is restored as well
    assert aligner.n_iter_ < 5
    assert_same_weights(aligner, quick(**params, max_epochs=aligner.n_iter_).fit(views))


def test_a_value_of_another_callback_can_be_monitored(views, quick):
    class Records(Callback):
        def on_epoch_end(self, net, **kwargs):
            net.history.record("valid_recall", 0.5)

    callbacks = [Records(), EarlyStopping(monitor="valid_recall", patience=2)]
    assert quick(callbacks=callbacks, max_epochs=9).fit(views).n_iter_ == 3


def test_callbacks_that_only_watch_change_nothing(views, quick, tmp_path):
    watching = [ProgressBar(), Checkpoint(monitor="train_loss_best", dirname=tmp_path)]
    watched, plain = quick(callbacks=watching).fit(views), quick().fit(views)
    assert_same_weights(watched, plain)
    history = [
        {key: value for key, value in epoch.items() if key not in ("train_loss_best", "event_cp")}
        for epoch in without_times(watched.history_)
    ]
    assert history == without_times(plain.history_)


@pytest.mark.parametrize("optimizer", ["LBFGS", "Muon", "SparseAdam"])
def test_optimizer_is_refused_before_training(views, quick, optimizer):
    with pytest.raises(ValueError, match=rf"^optimizer='{optimizer}' .* '?[Uu]se .*'Adam'"):
        quick(optimizer=optimizer).fit(views)


def test_lbfgs_trains_with_a_fixed_temperature(views):
    params = {"encoders": "linear", "bottleneck": None, "lr_schedule": None, "random_state": 0}
    aligner = IBAligner(
        optimizer="LBFGS", temperature=0.5, lr=0.5, batch_size=-1, max_epochs=5, **params
    ).fit(views)
    losses = [epoch["train_loss"] for epoch in aligner.history_]
    assert losses[-1] < losses[0]
