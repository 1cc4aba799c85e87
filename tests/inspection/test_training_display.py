from types import SimpleNamespace

import numpy as np
import pytest

from mibsk import IBAligner
from mibsk.inspection import TrainingDisplay
from mibsk.inspection.drawing.style import MODEL_COLORS


def make_history(n_epochs=6, *, shift=0.0, temperature=0.07, last=None, valid=False, gap=True):
    temperatures = np.geomspace(temperature, last or temperature, n_epochs)
    history = []
    for i in range(n_epochs):
        epoch = {
            "epoch": i + 1,
            "train_loss": 5 / (i + 1) + shift,
            "train_sufficiency": 4 / (i + 1) + shift,
            "train_minimality": 1 / (i + 1),
            "train_divergence": 0.9 / (i + 1) + shift / 10,
            "beta": 0.0,
            "temperature": temperatures[i],
            "dur": 1.0,
        }
        epoch |= {"train_modality_gap": 1.2 / (i + 1) + shift} if gap else {}
        if valid:
            epoch |= {"valid_loss": 4.5 / (i + 1), "valid_divergence": 0.95 / (i + 1)}
            epoch |= {"valid_modality_gap": 1.3 / (i + 1)} if gap else {}
        history.append(epoch)
    return history


def lines(ax):
    """Return the lines of the quantity itself, without the edge between the parts of the loss."""
    return [line for line in ax.lines if line.get_label() != "sufficiency"]


def annotations(ax):
    return [text.get_text() for text in ax.texts]


KEYS = ["train_loss", "train_divergence", "temperature", "train_modality_gap"]


def test_lines_hold_the_history(check_saved, style):
    history = make_history()
    display = TrainingDisplay.from_histories(
        {"infonce": history, "ib": make_history(shift=0.5)}, names={"ib": "IB, β = 1"}
    )
    for ax, key in zip(display.axes_, KEYS, strict=True):
        first, second = lines(ax)
        np.testing.assert_array_equal(first.get_xdata(), np.arange(1, 7))
        np.testing.assert_allclose(first.get_ydata(), [epoch[key] for epoch in history])
        assert [first.get_label(), second.get_label()] == ["infonce", "IB, β = 1"]
        assert [first.get_color(), second.get_color()] == list(MODEL_COLORS[:2])
        assert ax.get_xlabel() == "epoch"
        assert ax.get_ylim()[0] == 0
    assert [ax.get_ylabel() for ax in display.axes_] == [
        "nats",
        "divergence",
        "temperature τ",
        "distance of the centres",
    ]
    assert [ax.get_title(loc="left") for ax in display.axes_] == [
        "Loss and its parts",
        "Divergence of pairs",
        "Temperature",
        "Modality gap",
    ]
    for ax in display.axes_[1::2]:  # at the right
        assert annotations(ax)[1:] == ["infonce", "IB, β = 1"]
    check_saved(display)


def test_minimality_is_what_lies_between_sufficiency_and_loss():
    history = make_history()
    ax = TrainingDisplay.from_histories({"ib": history}).axes_[0]
    (shaded,) = ax.collections
    corners = shaded.get_paths()[0].vertices
    for epoch in history:
        heights = corners[corners[:, 0] == epoch["epoch"], 1]
        bounds = [epoch["train_sufficiency"], epoch["train_loss"]]
        np.testing.assert_allclose([heights.min(), heights.max()], bounds)


def other_terms(n_epochs=4, **extra):
    """Return the history of an objective with three summands and neither divergence nor weights."""
    return [
        {"epoch": i, "train_loss": 6 / i, "train_a": 3 / i, "train_b": 2 / i, "train_c": 1 / i}
        | {"train_alignment": 0.1, "train_modality_gap": 0.2, "train_uniformity": -1.0, **extra}
        for i in range(1, n_epochs + 1)
    ]


def test_summands_are_stacked_whatever_their_names(check_inside):
    display = TrainingDisplay.from_histories({"mine": other_terms()})
    assert [ax.get_ylabel() for ax in display.axes_] == ["nats", "distance of the centres"]
    ax, _ = display.axes_
    epochs = np.arange(1, 5)
    drawn = {line.get_label(): line.get_ydata() for line in ax.lines}
    for name, total in (("a", 3), ("b", 5), ("mine", 6)):
        np.testing.assert_allclose(drawn[name], total / epochs)
    assert [band.get_label() for band in ax.collections] == ["mine, b", "mine, c"]
    assert annotations(ax)[0] == "loss = a + b + c, from below"
    check_inside(display)


def test_summands_are_named_where_a_history_has_more(aligner):
    history = other_terms(train_accuracy=0.5)
    display = TrainingDisplay.from_histories({"mine": history}, terms=["a", "b", "c"])
    np.testing.assert_allclose(display.curves["loss"], 6 / np.arange(1, 5))
    estimator = SimpleNamespace(embed=None, history_=history, loss_terms_=["a", "b", "c"])
    both = TrainingDisplay.from_estimator({"mine": estimator, "ib": aligner})
    assert annotations(both.axes_[0])[0] == "from below: its parts, all but the first shaded"
    assert [band.get_label() for band in both.axes_[0].collections] == [
        "mine, b",
        "mine, c",
        "ib, minimality",
    ]


def test_several_runs_become_mean_and_range():
    runs = [make_history(shift=shift) for shift in (0.0, 0.3, 0.9)]
    display = TrainingDisplay.from_histories({"ib": runs})
    ax = display.axes_[1]
    (line,), (band,) = ax.lines, ax.collections
    values = np.array([[epoch["train_divergence"] for epoch in run] for run in runs])
    np.testing.assert_allclose(line.get_ydata(), values.mean(axis=0))
    corners = band.get_paths()[0].vertices
    for i, epoch in enumerate(range(1, 7)):
        heights = corners[corners[:, 0] == epoch, 1]
        np.testing.assert_allclose([heights.min(), heights.max()], [values[0, i], values[2, i]])
    assert display.figure_.get_supxlabel() == "line and band: mean and range of 3 runs"


@pytest.mark.parametrize("n_panels", [3, 4])
def test_histories_without_a_gap(n_panels, check_inside):
    """There is no panel if no model has recorded the gap, and no line for a model that has not."""
    histories = {"old": make_history(gap=False), "new": make_history(gap=n_panels == 4)}
    display = TrainingDisplay.from_histories(histories)
    assert len(display.axes_) == n_panels
    if n_panels == 4:
        assert [line.get_label() for line in display.axes_[3].lines] == ["new"]
    check_inside(display)


def test_a_gap_recorded_from_some_epoch_on():
    history = make_history()
    del history[0]["train_modality_gap"]
    ax = TrainingDisplay.from_histories({"ib": history}).axes_[3]
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), np.arange(2, 7))


def test_histories_of_fitted_aligners(aligner, of_table):
    pipeline, _ = of_table
    display = TrainingDisplay.from_estimator({"a": [aligner, aligner], "b": pipeline})
    assert [len(lines(ax)) for ax in display.axes_] == [2, 2, 2, 2]
    gaps = [epoch["train_modality_gap"] for epoch in aligner.history_]
    np.testing.assert_allclose(display.axes_[3].lines[0].get_ydata(), gaps)
    alone = TrainingDisplay.from_estimator(aligner)
    assert annotations(alone.axes_[1])[1:] == ["IBAligner"]


@pytest.mark.parametrize("estimator", [3, {"a": make_history()}, {"a": IBAligner}])
def test_estimator_of_wrong_type(estimator):
    with pytest.raises(TypeError, match="must be a fitted IBAligner or a Pipeline"):
        TrainingDisplay.from_estimator(estimator)


def test_runs_that_stopped_early_are_averaged_while_all_last():
    runs = [make_history(6), make_history(4, shift=1.0)]
    display = TrainingDisplay.from_histories({"ib": runs})
    np.testing.assert_array_equal(lines(display.axes_[0])[0].get_xdata(), [1, 2, 3, 4])


def test_held_out_pairs_are_dashed():
    display = TrainingDisplay.from_histories(
        {"infonce": make_history(), "ib": make_history(valid=True)}
    )
    assert [len(lines(ax)) for ax in display.axes_] == [3, 3, 2, 3]
    dashed = lines(display.axes_[0])[2]
    assert dashed.is_dashed()
    assert dashed.get_label() == "ib, held-out pairs"
    np.testing.assert_allclose(dashed.get_ydata(), 4.5 / np.arange(1, 7))
    assert display.figure_.get_supxlabel() == "dashed: held-out pairs"


@pytest.mark.parametrize(("last", "scale"), [(0.07 / 4.9, "linear"), (0.07 / 5.1, "log")])
def test_temperature_axis_is_logarithmic_where_it_spans_much(last, scale):
    display = TrainingDisplay.from_histories({"ib": make_history(last=last)})
    assert display.axes_[2].get_yscale() == scale
    assert display.axes_[0].get_yscale() == "linear"


@pytest.mark.parametrize("n_models", [1, 2, 3])
@pytest.mark.parametrize("n_epochs", [1, 40])
def test_no_text_is_cut_off_or_overlaps(n_models, n_epochs, check_inside):
    histories = {
        f"a model with a rather long name {i}": make_history(n_epochs, valid=True)
        for i in range(n_models)
    }
    check_inside(TrainingDisplay.from_histories(histories))


def drop(key):
    return [{k: v for k, v in epoch.items() if k != key} for epoch in make_history()]


@pytest.mark.parametrize(
    ("histories", "message"),
    [
        ({}, "must hold 1 to 6 models, got 0"),
        ({str(i): make_history() for i in range(7)}, "got 7"),
        ({"ib": []}, r"histories\['ib'\] is empty"),
        ({"ib": [make_history(), []]}, r"histories\['ib'\] has no epoch"),
        ({"ib": drop("epoch")}, r"epoch number 0 lacks \['epoch'\]"),
        ({"ib": [*make_history(2), *drop("temperature")[2:]]}, r"2 lacks \['temperature'\]"),
        ({"ib": [*make_history(2), *drop("train_minimality")[2:]]}, r"2 lacks .*_minimality'\]"),
        ({"ib": [{"epoch": 1, "train_loss": 0.5}]}, "has no summand of the loss"),
        ({"ib": make_history(temperature=np.nan)}, "NaN or infinite"),
        ({"ib": make_history() + make_history()}, "count its epochs upwards"),
        ({"ib": [make_history(4)[:2], make_history(4)[2:]]}, "no epoch in common"),
    ],
)
def test_bad_histories(histories, message):
    with pytest.raises(ValueError, match=message):
        TrainingDisplay.from_histories(histories)


@pytest.mark.parametrize(
    ("histories", "message"),
    [
        ([make_history()], "must be a mapping of model -> data"),
        ({"ib": 3}, "must be a list of epochs"),
        ({"ib": make_history()[0]}, "must be a list of epochs"),
        ({"ib": [1, 2]}, "must hold a dict per epoch"),
    ],
)
def test_histories_of_wrong_type(histories, message):
    with pytest.raises(TypeError, match=message):
        TrainingDisplay.from_histories(histories)


def test_two_models_of_one_name():
    with pytest.raises(ValueError, match="must differ between models"):
        TrainingDisplay.from_histories({"a": make_history(), "b": make_history()}, names={"a": "b"})


def test_beta_has_a_panel_where_it_changes():
    rising = [{**epoch, "beta": float(i)} for i, epoch in enumerate(make_history(3))]
    still = [{**epoch, "beta": 2.0} for epoch in make_history(3)]
    axes = TrainingDisplay.from_histories({"a": rising, "b": still}).axes_
    assert axes[-1].get_ylabel() == "β"
    drawn = {line.get_label(): list(line.get_ydata()) for line in axes[-1].lines}
    assert (drawn["a"], drawn["b"]) == ([0, 1, 2], [2, 2, 2])
    labels = [ax.get_ylabel() for ax in TrainingDisplay.from_histories({"b": still}).axes_]
    assert "β" not in labels
