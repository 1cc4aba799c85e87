"""Callbacks of scikit-learn: they see each epoch, and change nothing."""

import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from mibsk import CanonicalBottleneck, IBAligner, IBAlignerCV, ModalityEncoder, fit_together
from mibsk.exceptions import DivergenceError
from mibsk.metrics import get_scorer

from .common import CUT, assert_same_weights, without_times

sk = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9 has callbacks")

LABELS = np.arange(48) % 2


class Recorder:
    """Record the events of each task, and the embeddings as if the fit stopped there."""

    def __init__(self, stop_at=None, rows=None, event="on_fit_task_end"):
        self.stop_at, self.rows, self.event = stop_at, rows, event
        self.events, self.embedded, self.models = [], {}, {}

    def setup(self, estimator, context):
        self.events.append(("setup", type(estimator).__name__))

    def teardown(self, estimator, context):
        self.events.append(("teardown", type(estimator).__name__))

    def on_fit_task_begin(self, estimator, context, *, X, y, fitted_estimator):
        self.events.append(("begin", context.task_name))
        self._look("on_fit_task_begin", context, fitted_estimator)

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        self.events.append(("end", context.task_name))
        self.X, self.y, self.n_subtasks = X, y, context.max_subtasks
        self._look("on_fit_task_end", context, fitted_estimator)
        return context.task_name == "epoch" and context.task_id == self.stop_at

    def _look(self, event, context, fitted):
        if event == self.event and fitted is not None and self.rows is not None:
            key = context.task_id if context.task_name == "epoch" else context.task_name
            self.embedded[key], self.models[key] = fitted.embed(self.rows), fitted


class Passing(Recorder):
    """The same for all nested estimators."""

    max_propagation_depth = None


def assert_same(one, other):
    assert list(one) == list(other)
    for name, z in one.items():
        np.testing.assert_array_equal(z, other[name])


KINDS = {
    "networks": {},
    "bottleneck": {"bottleneck": "canonical"},
    "closed form beside": {"encoders": "auto", "bottleneck": "canonical"},
    "schedules": {"beta": "auto", "budget": 0.5, "validation_fraction": 0.3},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 2, "validation_fraction": 0.3},
    "diverse": {"lr_schedule": "cosine", "minimality": "variational", "optimizer": "SGD"},
}


@pytest.mark.parametrize("params", KINDS.values(), ids=KINDS)
def test_training_is_the_same_with_callbacks(quick, views, params):
    plain = quick(max_epochs=4, **params).fit(views)
    recorder = Recorder(rows=views)
    watched = quick(max_epochs=4, **params).set_callbacks(recorder).fit(views)
    assert_same_weights(watched, plain)
    assert without_times(watched.history_) == without_times(plain.history_)
    assert_same(watched.embed(views), plain.embed(views))
    assert_same(recorder.embedded["fit"], plain.embed(views))
    assert_same(recorder.embedded[watched.n_iter_ - 1], plain.embed(views))


@pytest.mark.parametrize("params", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("epoch", [0, 2])
def test_model_of_an_epoch_is_that_of_a_training_that_stops_there(quick, views, params, epoch):
    recorder, stopper = Recorder(rows=views), Recorder(stop_at=epoch)
    quick(max_epochs=4, **params).set_callbacks(recorder).fit(views)
    stopped = quick(max_epochs=4, **params).set_callbacks(stopper).fit(views)
    assert stopped.n_iter_ == epoch + 1
    assert stopper.events.count(("end", "epoch")) == epoch + 1
    assert_same(recorder.embedded[epoch], stopped.embed(views))
    seen = recorder.models[epoch]
    assert without_times(seen.history_) == without_times(stopped.history_)
    assert_same_weights(seen, stopped)


def test_model_of_an_epoch_has_the_best_weights_so_far(quick, views):
    """As a training with early stopping restores the best epoch wherever it stops."""
    params = {"early_stopping": True, "n_iter_no_change": 3, "validation_fraction": 0.3}
    params |= {"lr": 0.3, "max_epochs": 6}
    recorder = Recorder(rows=views)
    aligner = quick(**params).set_callbacks(recorder).fit(views)
    losses = [epoch["valid_loss"] for epoch in aligner.history_]
    best = int(np.argmin(losses))
    assert 0 < best < len(losses) - 1
    for epoch in range(best, len(losses)):
        assert_same(recorder.embedded[epoch], recorder.embedded[best])
    assert not np.array_equal(recorder.embedded[best]["audio"], recorder.embedded[0]["audio"])


def test_model_at_the_begin_of_an_epoch_is_that_after_the_epoch_before(quick, views):
    begins = Recorder(rows=views, event="on_fit_task_begin")
    ends = Recorder(rows=views)
    quick(max_epochs=3).set_callbacks(begins, ends).fit(views)
    assert sorted(begins.embedded) == [0, 1, 2]
    assert begins.models[0].n_iter_ == 0
    assert_same(begins.embedded[1], ends.embedded[0])
    assert_same(begins.embedded[2], ends.embedded[1])


def test_model_of_an_epoch_is_a_whole_aligner(quick, views, tmp_path):
    recorder = Recorder(rows=views)
    whole = quick(max_epochs=3).set_callbacks(recorder).fit(views)
    half = recorder.models[0]
    half.save(tmp_path / "half")
    assert_same(IBAligner.load(tmp_path / "half").embed(views), recorder.embedded[0])
    half.partial_fit(views)
    assert half.n_iter_ == 2
    assert whole.n_iter_ == 3
    assert_same(whole.embed(views), recorder.embedded["fit"])


def test_tasks_of_a_fit(quick, views):
    recorder = Recorder()
    aligner = quick(max_epochs=2).set_callbacks(recorder).fit(views, LABELS)
    epochs = [("begin", "epoch"), ("end", "epoch")] * 2
    fit = [("begin", "fit"), *epochs, ("end", "fit")]
    assert recorder.events == [("setup", "IBAligner"), *fit, ("teardown", "IBAligner")]
    assert recorder.X is views
    assert recorder.y is LABELS
    assert recorder.n_subtasks == 2
    recorder.events.clear()
    aligner.partial_fit(views)
    assert recorder.events[1:-1] == [
        ("begin", "partial-fit"),
        *epochs[:2],
        ("end", "partial-fit"),
    ]
    recorder.events.clear()
    aligner.set_params(encoders="canonical").fit(views)  # trains no network
    assert recorder.events[1:-1] == [fit[0], fit[-1]]
    assert recorder.n_subtasks == 0
    recorder.events.clear()
    aligner.set_callbacks().fit(views)
    assert recorder.events == []


def test_interrupted_epoch_ends_without_a_model(quick, views):
    from skorch.callbacks import Callback

    class CtrlC(Callback):
        def on_batch_end(self, net, **kwargs):
            if len(net.history) == 2:
                raise KeyboardInterrupt

    recorder = Recorder(rows=views)
    aligner = quick(callbacks=[CtrlC()]).set_callbacks(recorder).fit(views)
    assert aligner.n_iter_ == 1
    assert recorder.events.count(("end", "epoch")) == 2
    assert sorted(recorder.embedded, key=str) == [0, "fit"]


def test_callbacks_are_torn_down_after_an_error(quick, views):
    recorder = Recorder(rows=views)
    aligner = quick(lr=1e20, optimizer="SGD", max_epochs=5).set_callbacks(recorder)
    with pytest.raises(DivergenceError, match=r"not finite after epoch|loss became"):
        aligner.fit(views)
    assert recorder.events[-1] == ("teardown", "IBAligner")
    assert not hasattr(aligner, "net_")
    assert not hasattr(aligner, "_callback_fit_ctx")


def test_columns_of_an_earlier_table_are_forgotten(quick, views, table):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(table, columns=[f"c{i}" for i in range(table.shape[1])])
    aligner = quick(CUT).fit(frame)
    recorder = Recorder(rows=table)
    aligner.set_callbacks(recorder).fit(table)  # without a warning that names are missing
    assert sorted(recorder.embedded, key=str) == [0, 1, "fit"]


def test_checkpoints_do_not_depend_on_callbacks(quick, views, tmp_path):
    params = {"max_epochs": 3, "checkpoint": tmp_path, "bottleneck": "canonical"}
    plain = quick(max_epochs=3, bottleneck="canonical").fit(views)
    stopped = quick(**params).set_callbacks(Recorder(stop_at=0, rows=views)).fit(views)
    assert stopped.n_iter_ == 1
    resumed = quick(**params).fit(views)
    assert_same(resumed.embed(views), plain.embed(views))
    recorder = Recorder(rows=views)
    loaded = quick(**params).set_callbacks(recorder).fit(views)
    assert_same(loaded.embed(views), plain.embed(views))
    assert ("begin", "epoch") not in recorder.events


def scores(monitor, **params):
    return [row for row in monitor.get_logs(**params).data if row["task_name"] == "epoch"]


def test_scoring_monitor_logs_each_epoch(quick, views):
    monitor = sk.ScoringMonitor(scoring={"recall": IBAligner.score, "cka": get_scorer("cka")})
    aligner = quick(max_epochs=3).set_callbacks(monitor).fit(views, LABELS)
    rows = scores(monitor)
    assert [row["task_id"] for row in rows] == [0, 1, 2]
    assert rows[-1]["recall"] == aligner.score(views)
    assert rows[-1]["cka"] == get_scorer("cka")(aligner, views)
    assert rows[0]["cka"] != rows[-1]["cka"]
    aligner.fit(views)  # the monitor passes X and y to the scorer only if there is a y
    assert [row.keys() & {"recall", "cka"} for row in scores(monitor)] == [set()] * 3


def test_scoring_monitor_of_two_tables(quick, views):
    monitor = sk.ScoringMonitor(scoring={"recall": IBAligner.score})
    X, Y = views["audio"], views["image"]
    aligner = quick(max_epochs=3).set_callbacks(monitor).fit(X, Y)
    assert [row["recall"] for row in scores(monitor)][-1] == aligner.score(X, Y)


def test_canonical_bottleneck_is_one_task(views):
    recorder = Recorder(rows=views)
    bottleneck = CanonicalBottleneck().set_callbacks(recorder).fit(views)
    fit = [("setup", "CanonicalBottleneck"), ("begin", "fit"), ("end", "fit")]
    assert recorder.events == [*fit, ("teardown", "CanonicalBottleneck")]
    assert_same(recorder.embedded["fit"], bottleneck.embed(views))
    with pytest.raises(ValueError, match="at least 2"):
        bottleneck.fit(views[:1])
    assert recorder.events[-1] == ("teardown", "CanonicalBottleneck")


def test_search_has_tasks_of_folds_and_betas(quick, views):
    recorder = Passing()
    search = IBAlignerCV(quick(), betas=[0, 1], cv=2, rule="best", path_epochs=1)
    found = clone(search).set_callbacks(recorder).fit(views)
    names = [name for event, name in recorder.events if event == "begin"]
    chosen = int(np.flatnonzero(found.betas_ == found.beta_)[0])
    path = ["beta", "epoch", "epoch", "beta", "epoch"]
    path = ["fit" if name == "beta" else name for name in path]  # merged with the fit of a beta
    refit = ["refit", *path[: 5 if chosen else 3]]
    assert names == ["fit", "fold", *path, "fold", *path, *refit]
    assert_same(found.embed(views), search.fit(views).embed(views))


def test_monitor_of_the_aligner_of_a_search_is_one_run(quick, views):
    monitor = sk.ScoringMonitor(scoring={"recall": IBAligner.score})
    search = IBAlignerCV(quick().set_callbacks(monitor), betas=[0, 1], cv=2, n_jobs=2)
    search.fit(views, LABELS)
    (log,) = monitor.get_logs(select="all")
    assert log.estimator_name == "IBAlignerCV"
    assert {row["task_id_path"][:2] for row in log.data} == {(0, 0), (0, 1), (0, 2)}


def test_search_without_callbacks_sends_itself_to_no_other_process(quick, views):
    rows = np.arange(len(views))
    folds = ((rows[i::2], rows[1 - i :: 2]) for i in range(2))  # a generator cannot be pickled
    IBAlignerCV(quick(), betas=[0, 1], cv=folds, n_jobs=2).fit(views)


def progress(capsys):
    return capsys.readouterr().out


def test_progress_bar_of_an_aligner(quick, views, capsys):
    quick().set_callbacks(sk.ProgressBar()).fit(views)
    out = progress(capsys)
    assert "IBAligner - fit" in out
    assert "100%" in out


def test_progress_bar_of_a_pipeline(quick, table, capsys):
    model = make_pipeline(quick(CUT), LogisticRegression())
    model.set_callbacks(sk.ProgressBar()).fit(table, LABELS)
    assert "IBAligner - fit #0" in progress(capsys)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress_bar_of_a_grid_search(quick, views, capsys, n_jobs):
    search = GridSearchCV(quick(), {"beta": [0.0, 1.0]}, cv=2, n_jobs=n_jobs)
    search.set_callbacks(sk.ProgressBar()).fit(views)
    out = progress(capsys)
    assert out.count("candidate-split") == 4
    assert out.count("refit-with") == 1


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress_bar_of_a_search_of_beta(quick, views, capsys, n_jobs):
    search = IBAlignerCV(quick(), betas=[0, 1], cv=2, n_jobs=n_jobs)
    search.set_callbacks(sk.ProgressBar()).fit(views)
    out = progress(capsys)
    assert out.count("IBAlignerCV - fold") == 2
    assert out.count("IBAlignerCV - refit") == 1


def test_modality_encoder_passes_callbacks_on(quick, views, capsys):
    recorder = Passing()
    encoder = ModalityEncoder(quick(), "audio").set_callbacks(recorder).fit(views)
    assert recorder.events.count(("end", "epoch")) == 2
    assert recorder.events[-2:] == [("end", "fit"), ("teardown", "ModalityEncoder")]
    frozen = ModalityEncoder(FrozenEstimator(encoder.aligner_), "audio")
    recorder.events.clear()
    frozen.set_callbacks(recorder).fit(views)
    assert recorder.events[1:-1] == [("begin", "fit"), ("end", "fit")]
    model = make_pipeline(ModalityEncoder(quick(), "audio"), LogisticRegression())
    model.set_callbacks(sk.ProgressBar(max_propagation_depth=None)).fit(views, LABELS)
    assert "fit-aligner" in progress(capsys)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_fit_together_reports_each_fit(quick, views, n_jobs):
    monitor = sk.ScoringMonitor(scoring={"recall": IBAligner.score})
    sweep = [quick(beta=beta).set_callbacks(monitor) for beta in (0.0, 1.0)]
    fit_together(sweep, views, LABELS, n_jobs=n_jobs)
    assert [len(log.data) for log in monitor.get_logs(select="all")] == [3, 3]


def test_pickled_aligner_keeps_its_callbacks(quick, views):
    aligner = quick().set_callbacks(sk.ScoringMonitor(scoring={"recall": IBAligner.score}))
    again = pickle.loads(pickle.dumps(aligner.fit(views, LABELS)))
    assert_same(again.embed(views), aligner.embed(views))
    assert_same(again.fit(views, LABELS).embed(views), aligner.embed(views))


def test_callback_in_the_wrong_place_is_told_where_to_go(quick, views):
    with pytest.raises(TypeError, match=r"callbacks\[0\] must be a skorch .* to set_callbacks\."):
        quick(callbacks=[Recorder()]).fit(views)


def test_without_the_module_everything_fits():
    """Scikit-learn before 1.9 has no module `sklearn.callback`."""
    program = """
    import sys
    import numpy as np
    import sklearn.linear_model, sklearn.model_selection, sklearn.pipeline
    sys.modules["sklearn.callback"] = None
    from mibsk import CanonicalBottleneck, IBAligner, IBAlignerCV, ModalityEncoder
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(40, 2))
    X = {name: Z @ rng.normal(size=(2, 3)) for name in "ab"}
    aligner = IBAligner(max_epochs=1, random_state=0)
    models = [aligner, CanonicalBottleneck(), ModalityEncoder(aligner, "a")]
    for model in [*models, IBAlignerCV(aligner, betas=[0, 1], cv=2)]:
        assert not hasattr(model, "set_callbacks")
        model.fit(X).transform(X)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
