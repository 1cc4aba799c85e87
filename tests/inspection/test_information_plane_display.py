import copy

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from mibsk.inspection import InformationPlaneDisplay
from mibsk.inspection.drawing.style import MODALITY_COLORS
from mibsk.metrics import leakage

FRACTIONS = {
    10.0: {
        "audio": {"leakage": {"speaker": 0.3, "age": 0.1}, "kept": {"digit": 0.96}},
        "image": {"leakage": {}, "kept": {"digit": 0.9}},
    },
    0: {
        "audio": {"leakage": {"speaker": 0.9, "age": 0.5}, "kept": {"digit": 0.98}},
        "image": {"leakage": {}, "kept": {"digit": 0.5}},
    },
}


def line(ax, name):
    (found,) = [found for found in ax.lines if found.get_label() == name]
    return found


def texts(ax):
    """Return the names of points, without the note below the title."""
    return [text.get_text() for text in ax.texts[1:]]


def path(n, name="m"):
    """Return fractions of one modality along a bent path of `n` steps."""
    return {
        step: {name: {"leakage": {"a": 0.9 * t}, "kept": {"b": 1 - 0.5 * (1 - t) ** 2}}}
        for step, t in enumerate(np.linspace(1, 0.1, n))
    }


def test_points_are_means_over_factors_in_the_order_of_steps(check_saved, check_inside, style):
    display = InformationPlaneDisplay.from_fractions(FRACTIONS, names={"audio": "recordings"})
    (ax,) = display.axes_
    np.testing.assert_allclose(line(ax, "recordings").get_xydata(), [[0.7, 0.98], [0.2, 0.96]])
    assert to_hex(line(ax, "recordings").get_color()) == MODALITY_COLORS[0].lower()
    assert sorted(texts(ax)) == ["β = 0", "β = 0", "β = 10", "β = 10"]
    assert ax.get_title(loc="left") == "Information plane"
    assert 0.7 < ax.get_xlim()[1] < 0.9  # as far as the points reach
    assert ax.get_ylim()[0] < 0.5
    (key,) = display.figure_.legends
    named = [text.get_text() for text in key.get_texts()]
    assert named == ["recordings", "image (has nothing to leak)", "ideal"]
    check_saved(display)
    check_inside(display)


def test_without_nuisance_points_are_open_and_leak_nothing():
    (ax,) = InformationPlaneDisplay.from_fractions(FRACTIONS).axes_
    found = line(ax, "image (has nothing to leak)")
    np.testing.assert_allclose(found.get_xydata(), [[0, 0.5], [0, 0.9]])
    assert found.get_markerfacecolor() == "none"
    assert found.get_linestyle() == "None"


def test_ideal_is_marked_at_the_corner():
    (ax,) = InformationPlaneDisplay.from_fractions(FRACTIONS).axes_
    (star,) = [found for found in ax.lines if found.get_marker() == "*"]
    np.testing.assert_array_equal(star.get_xydata(), [[0, 1]])


def test_axes_extend_from_the_ideal_as_far_as_points_and_error_bars():
    near = {0: {"m": {"leakage": {"a": 0.3}, "kept": {"b": 0.98}}}}
    (ax,) = InformationPlaneDisplay.from_fractions(near).axes_
    assert ax.get_xlim()[0] < 0 < 0.3 < ax.get_xlim()[1] < 0.4
    assert 0.94 < ax.get_ylim()[0] < 0.98 < 1 < ax.get_ylim()[1]
    errors = {0: {"m": {"leakage": 0.2, "kept": 0.1}}}
    (ax,) = InformationPlaneDisplay.from_fractions(near, errors=errors).axes_
    assert 0.5 < ax.get_xlim()[1] < 0.65
    assert 0.8 < ax.get_ylim()[0] < 0.88
    assert not ax.patches  # nothing but points, their names and the ideal


SMALL = {"figure.figsize": (3.3, 2.4), "font.size": 8}


@pytest.mark.parametrize("given", [False, True])
def test_a_small_figure_of_the_users_size_is_readable(given, check_inside):
    import matplotlib.pyplot as plt

    with plt.rc_context(SMALL):
        axes = plt.subplots(layout="constrained")[1] if given else None
        display = InformationPlaneDisplay.from_fractions(FRACTIONS, axes=axes)
        figure, (ax,) = display.figure_, display.axes_
        np.testing.assert_allclose(figure.get_size_inches(), (3.3, 2.4))
        check_inside(display)
        assert ax.xaxis.label.get_size() == 8
        key = ax.get_legend() if given else figure.legends[0]
        box = key.get_window_extent()
        for drawn in ax.lines:
            for point in ax.transData.transform(drawn.get_xydata()):
                assert not box.contains(*point)


def test_errors_are_drawn_as_bars():
    errors = {
        step: {"audio": {"leakage": 0.05, "kept": 0.01}, "image": {"kept": 0.02}}
        for step in FRACTIONS
    }
    display = InformationPlaneDisplay.from_fractions(FRACTIONS, errors=errors)
    across, upwards = (found.get_segments() for found in display.axes_[0].collections)
    np.testing.assert_allclose(across[1], [[0.15, 0.96], [0.25, 0.96]])
    np.testing.assert_allclose(upwards[1], [[0.2, 0.95], [0.2, 0.97]])


@pytest.mark.parametrize("n", [1, 2, 30])
def test_names_of_steps_do_not_overlap(n, check_inside):
    display = InformationPlaneDisplay.from_fractions(path(n), step_name="epoch")
    found = texts(display.axes_[0])
    assert "epoch 0" in found
    assert f"epoch {n - 1}" in found
    assert len(found) <= max(2, n / 2)
    check_inside(display)


def test_a_line_without_length_has_one_name():
    display = InformationPlaneDisplay.from_fractions(dict.fromkeys((0, 0.1, 1), FRACTIONS[0]))
    assert texts(display.axes_[0]) == ["β = 0 … β = 1"] * 2


def test_embeddings_are_probed(bunch):
    display = InformationPlaneDisplay.from_embeddings({2.0: bunch.data}, bunch.labels)
    sound = leakage(bunch.data["sound"], bunch.labels["sound"])
    image = leakage(bunch.data["image"], bunch.labels["image"])
    expected = pd.DataFrame(
        {
            "modality": ["sound", "image"],
            "step": [2.0, 2.0],
            "leaked": [sound["speaker"], np.nan],
            "kept": [sound["digit"], image["digit"]],
        }
    )
    pd.testing.assert_frame_equal(display.points[list(expected)], expected, check_names=False)


def test_runs_become_mean_and_error(bunch):
    other = {name: Z[:, :3] for name, Z in bunch.data.items()}
    runs = [
        InformationPlaneDisplay.from_embeddings({1: data}, bunch.labels).points
        for data in (bunch.data, other)
    ]
    both = InformationPlaneDisplay.from_embeddings({1: [bunch.data, other]}, bunch.labels).points
    kept = np.array([run["kept"] for run in runs])
    np.testing.assert_allclose(both["kept"], kept.mean(axis=0))
    np.testing.assert_allclose(both["kept_error"], kept.std(axis=0, ddof=1))


def test_from_estimator_is_from_its_embeddings(aligner, bunch, of_table):
    display = InformationPlaneDisplay.from_estimator(
        {0: aligner, 1: [aligner, aligner]}, bunch.data, labels=bunch.labels
    )
    expected = InformationPlaneDisplay.from_embeddings({0: aligner.embed(bunch.data)}, bunch.labels)
    columns = ["modality", "leaked", "kept"]
    for step in (0, 1):
        found = display.points[display.points["step"] == step].reset_index(drop=True)
        pd.testing.assert_frame_equal(found[columns], expected.points[columns])
    alone = InformationPlaneDisplay.from_estimator(aligner, bunch.data, labels=bunch.labels)
    assert set(alone.points["step"]) == {1.0}  # its beta
    pipeline, table = of_table
    held_out = InformationPlaneDisplay.from_estimator(
        pipeline, table, labels=bunch.labels, X_test=table, labels_test=bunch.labels
    )
    assert set(held_out.points["step"]) == {1.0}


def test_every_step_needs_held_out_embeddings(bunch):
    with pytest.raises(ValueError, match="must have every step and run of embeddings, for 1"):
        InformationPlaneDisplay.from_embeddings(
            {1: bunch.data}, bunch.labels, embeddings_test={}, labels_test=bunch.labels
        )


def test_at_most_five_modalities():
    fractions = {0: {str(i): FRACTIONS[0]["audio"] for i in range(6)}}
    with pytest.raises(ValueError, match="at most 5 modalities can be told apart, got 6"):
        InformationPlaneDisplay.from_fractions(fractions)


def changed(*place, value):
    result = copy.deepcopy(FRACTIONS)
    inner = result
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return result


@pytest.mark.parametrize(
    ("error", "message", "fractions"),
    [
        (TypeError, "must map steps, such as beta, .* got list", [FRACTIONS]),
        (ValueError, "has no step", {}),
        (TypeError, "steps must be numbers, such as beta, fractions has 'a'", {"a": FRACTIONS[0]}),
        (ValueError, "steps must be finite", {np.inf: FRACTIONS[0]}),
        (TypeError, r"fractions\[0\] must map modalities", changed(0, value=3)),
        (ValueError, "'kept' is missing", changed(0, "audio", value={"leakage": {}})),
        (ValueError, r"must be in \[0, 1\], got 2", changed(0, "audio", "kept", "b", value=2)),
        (
            ValueError,
            "holds no factor",
            changed(0, "audio", "kept", value={}),
        ),
    ],
)
def test_bad_fractions(error, message, fractions):
    with pytest.raises(error, match=message):
        InformationPlaneDisplay.from_fractions(fractions)


@pytest.mark.parametrize(
    ("error", "message", "value"),
    [
        (ValueError, r"\[0\]\['audio'\] is missing", {}),
        (ValueError, "must be at least 0, got -1", {"audio": {"leakage": -1}}),
        (TypeError, "must be a number, got 'a'", {"audio": {"leakage": "a"}}),
    ],
)
def test_bad_errors(error, message, value):
    errors = {step: {"audio": {}, "image": {}} for step in FRACTIONS} | {0: value}
    with pytest.raises(error, match=message):
        InformationPlaneDisplay.from_fractions(FRACTIONS, errors=errors)


def test_a_modality_without_shared_factor(bunch):
    labels = bunch.labels | {"image": pd.DataFrame({"digit": np.zeros(60, dtype=int)})}
    with pytest.raises(ValueError, match="'image' carries no shared factor that varies"):
        InformationPlaneDisplay.from_embeddings(
            {0: bunch.data},
            labels | {"image": pd.DataFrame({"colour": bunch.digit})},
            shared=["digit"],
        )
