"""What `verbose` shows: a bar in a terminal, short lines elsewhere."""

import io
import sys
import types

import numpy as np
import pytest

from mibsk import IBAligner
from mibsk.exceptions import DivergenceError, NothingSharedWarning


class Terminal(io.StringIO):
    def isatty(self):
        return True


def as_terminal(monkeypatch):
    """Make standard output a terminal, and return it."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "40")
    return stream


def left_of(stream):
    """Return what is left on each line of a terminal in the end."""
    return [line.split("\r")[-1].rstrip() for line in stream.getvalue().split("\n")]


def epochs_of(text):
    return [line.split("   ")[0] for line in text.splitlines()]


def test_ten_short_lines_where_lines_cannot_be_redrawn(views, quick, capsys):
    quick(verbose=1, max_epochs=40).fit(views)
    out, err = capsys.readouterr()
    assert epochs_of(out) == [f"epoch {n:2}/40" for n in range(4, 41, 4)]
    assert max(map(len, out.splitlines())) <= 100
    assert "\r" not in out
    assert err == ""


def test_a_line_for_each_epoch(views, quick, capsys, monkeypatch):
    quick(verbose=2, max_epochs=12).fit(views)
    assert epochs_of(capsys.readouterr().out) == [f"epoch {n:2}/12" for n in range(1, 13)]
    stream = as_terminal(monkeypatch)
    quick(verbose=2, max_epochs=2).fit(views)
    assert epochs_of(stream.getvalue()) == ["epoch 1/2", "epoch 2/2"]


def test_numbers_are_those_of_the_history(views, quick, capsys):
    params = {"early_stopping": True, "validation_fraction": 0.25, "n_iter_no_change": 50}
    aligner = quick(verbose=2, max_epochs=2, **params).fit(views)
    last = aligner.history_[-1]
    line = capsys.readouterr().out.splitlines()[-1]
    for name, key in (("loss", "train_loss"), ("held-out", "valid_loss")):
        assert f"   {name} {last[key]:.4f}   " in line


def test_the_last_epoch_of_a_training_that_stops_early_is_told(views, quick, capsys):
    params = {"early_stopping": True, "validation_fraction": 0.25, "n_iter_no_change": 2}
    aligner = quick(verbose=1, max_epochs=500, lr=0.1, **params).fit(views)
    assert aligner.n_iter_ < 500
    *_, reason, last, kept = capsys.readouterr().out.splitlines()
    assert last.startswith(f"epoch {aligner.n_iter_:3}/500   ")
    assert "Stopping since valid_loss has not improved" in reason
    assert "Restoring best model" in kept


def test_the_reason_to_stop_does_not_break_a_bar(views, quick, monkeypatch):
    stream = as_terminal(monkeypatch)
    params = {"early_stopping": True, "validation_fraction": 0.25, "n_iter_no_change": 2}
    quick(verbose=1, max_epochs=500, lr=0.1, **params).fit(views)
    lines = list(filter(None, left_of(stream)))
    assert [line.split()[0] for line in lines] == ["Stopping", "training:", "Restoring"]


def test_one_bar_in_a_terminal(views, quick, monkeypatch):
    terminal = as_terminal(monkeypatch)
    quick(verbose=1, max_epochs=5).fit(views)
    (line,) = filter(None, left_of(terminal))
    assert line.startswith("training: 100%")
    assert " 5/5 [" in line
    assert "loss " in line
    assert len(line) <= 100


def test_a_bar_that_training_leaves_ends_its_line(views, quick, monkeypatch):
    terminal = as_terminal(monkeypatch)
    with pytest.raises(DivergenceError):
        quick(verbose=1, max_epochs=5, lr=1e29).fit(views)
    assert terminal.getvalue().endswith("\n")


def test_a_notebook_has_a_bar(views, quick, monkeypatch, capsys):
    shell = types.SimpleNamespace(kernel=object(), config={})
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    quick(verbose=1, max_epochs=5).fit(views)
    assert "training: 100%" in capsys.readouterr().out


def test_partial_fit_counts_on(views, quick, capsys):
    aligner = quick(verbose=1)
    aligner.partial_fit(views).partial_fit(views)
    assert epochs_of(capsys.readouterr().out) == ["epoch 1/1", "epoch 2/2"]


def test_epochs_after_a_warm_start_are_counted_from_the_first(views, quick, capsys):
    aligner = quick(verbose=2, max_epochs=2, warm_start=True)
    aligner.fit(views).fit(views)
    told = epochs_of(capsys.readouterr().out)
    assert told == ["epoch 1/2", "epoch 2/2", "epoch 3/4", "epoch 4/4"]


def test_early_stopping_of_a_silent_fit_prints_nothing(capsys):
    rng = np.random.default_rng(0)
    noise = {"a": rng.normal(size=(60, 4)), "b": rng.normal(size=(60, 3))}
    aligner = IBAligner(encoders="network", max_epochs=30, early_stopping=True, random_state=0)
    with pytest.warns(NothingSharedWarning):
        aligner.fit(noise)
    assert capsys.readouterr() == ("", "")
