import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from sklearn.metrics.pairwise import paired_cosine_distances
from sklearn.preprocessing import StandardScaler

from mibsk.inspection import ModalityGapDisplay
from mibsk.inspection._inputs.pair_projection import project
from mibsk.inspection.drawing.style import CLASS_COLORS, MODALITY_COLORS
from mibsk.metrics import modality_gap


def make_pair(n=60, d=6, *, gap=1.0, seed=0):
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, d))
    W = Z + 0.3 * rng.standard_normal((n, d)) + gap
    return {
        name: X / np.linalg.norm(X, axis=1, keepdims=True)
        for name, X in zip("ab", [Z, W], strict=True)
    }


@pytest.fixture
def models():
    return {"infonce": make_pair(), "ib": make_pair(gap=0.1, seed=1)}


def markers(ax):
    """Return the scatters of both modalities."""
    return [found for found in ax.collections if found.get_label() in ("a", "b")]


def pair_lines(ax):
    (lines,) = [found for found in ax.collections if isinstance(found, LineCollection)]
    return np.array(lines.get_segments())


def test_points_and_pair_lines_meet(models, check_saved, style):
    display = ModalityGapDisplay.from_embeddings(models, names={"ib": "IB"})
    assert [ax.get_title(loc="left") for ax in display.axes_] == ["infonce", "IB"]
    for ax, pair in zip(display.axes_, models.values(), strict=True):
        first, second = markers(ax)
        assert len(first.get_offsets()) == len(second.get_offsets()) == 60
        np.testing.assert_allclose(pair_lines(ax)[:, 0], first.get_offsets())
        np.testing.assert_allclose(pair_lines(ax)[:, 1], second.get_offsets())
        cosine = 1 - paired_cosine_distances(*pair.values()).mean()
        gap = modality_gap(*pair.values())
        assert ax.texts[0].get_text() == f"modality gap {gap:.2f} · pair cosine {cosine:.2f}"
        assert to_hex(first.get_facecolor()[0]) == MODALITY_COLORS[0].lower()
        assert to_hex(second.get_facecolor()[0]) == MODALITY_COLORS[1].lower()
        assert len(first.get_paths()[0]) != len(second.get_paths()[0])  # shapes differ
        assert ax.get_xlabel().startswith("PC 1 (")
    check_saved(display)


def test_axes_are_equal_and_hold_all_points(models):
    display = ModalityGapDisplay.from_embeddings(models)
    limits = {(*ax.get_xlim(), *ax.get_ylim()) for ax in display.axes_}
    assert len(limits) == 1
    low, high, *_ = limits.pop()
    for ax in display.axes_:
        assert ax.get_aspect() == 1
        assert low < pair_lines(ax).min()
        assert pair_lines(ax).max() < high


def test_classes_are_colours(models):
    labels = pd.Series(np.arange(60) % 3).map({0: "α", 1: "β", 2: "γ"})
    display = ModalityGapDisplay.from_embeddings(models, labels=labels)
    for scatter in markers(display.axes_[0]):
        colors = [to_hex(color) for color in scatter.get_facecolor()]
        assert colors == [CLASS_COLORS[i % 3] for i in range(60)]
    (key,) = display.figure_.legends
    assert [text.get_text() for text in key.get_texts()] == ["a", "b", "class:", "α", "β", "γ"]
    display = ModalityGapDisplay.from_embeddings(models, labels=labels.rename("letter"))
    assert "letter:" in [text.get_text() for text in display.figure_.legends[0].get_texts()]


@pytest.mark.parametrize(("n_classes", "n_entries"), [(10, 13), (11, 2)])
def test_more_than_ten_classes_are_not_coloured(models, n_classes, n_entries):
    display = ModalityGapDisplay.from_embeddings(models, labels=np.arange(60) % n_classes)
    assert len(display.figure_.legends[0].get_texts()) == n_entries


def test_at_most_max_pairs_are_drawn_the_same_in_all_panels():
    Z = make_pair(200)
    labels = np.arange(200) % 4
    display = ModalityGapDisplay.from_embeddings({"m": Z, "k": Z}, labels=labels, max_pairs=50)
    first, second = (pair_lines(ax) for ax in display.axes_)
    assert first.shape == (50, 2, 2)
    np.testing.assert_array_equal(first, second)
    again = ModalityGapDisplay.from_embeddings({"m": Z}, max_pairs=50)
    np.testing.assert_array_equal(pair_lines(again.axes_[0]), first)
    other = ModalityGapDisplay.from_embeddings({"m": Z}, max_pairs=50, random_state=1)
    assert not np.array_equal(pair_lines(other.axes_[0]), first)
    everyone = ModalityGapDisplay.from_embeddings({"m": Z}, labels=labels).axes_[0]
    assert {tuple(x) for x in first[:, 0]} <= {tuple(x) for x in pair_lines(everyone)[:, 0]}
    colors = dict(
        zip(
            map(tuple, markers(everyone)[0].get_offsets()),
            np.take(CLASS_COLORS, labels),
            strict=True,
        )
    )
    sampled = markers(display.axes_[0])[0]
    drawn = zip(map(tuple, sampled.get_offsets()), sampled.get_facecolor(), strict=True)
    assert all(colors[place] == to_hex(color) for place, color in drawn)


def test_global_generator_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    ModalityGapDisplay.from_embeddings({"m": make_pair()}, max_pairs=5, random_state=None)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 100))
def test_projection_of_a_plane_keeps_distances(seed):
    rng = np.random.default_rng(seed)
    plane = np.linalg.qr(rng.standard_normal((5, 2)))[0].T  # (2, 5)
    Z, W = (rng.standard_normal((8, 2)) @ plane + 3.0 for _ in range(2))
    found = project({"a": Z, "b": W})
    drawn = np.linalg.norm(found.points["a"] - found.points["b"], axis=1)
    np.testing.assert_allclose(drawn, np.linalg.norm(Z - W, axis=1))
    np.testing.assert_allclose(found.explained_variance_ratio.sum(), 1.0)


def test_projection_shows_the_gap():
    Z = 0.01 * np.random.default_rng(0).standard_normal((20, 4))
    found = project({"a": Z, "b": Z + np.array([0, 0, 3.0, 0])})
    centres = [points.mean(axis=0) for points in found.points.values()]
    np.testing.assert_allclose(np.linalg.norm(centres[0] - centres[1]), 3.0, rtol=1e-4)
    assert found.modality_gap == pytest.approx(3.0)


def test_collapsed_embeddings_are_drawn():
    Z = np.tile([1.0, 0.0, 0.0], (10, 1))
    display = ModalityGapDisplay.from_embeddings({"m": {"a": Z, "b": Z}})
    assert display.axes_[0].texts[0].get_text() == "modality gap 0.00 · pair cosine 1.00"
    assert display.axes_[0].get_xlabel() == "PC 1 (0% of variance)"
    assert display.axes_[0].get_xlim() == (-1e-3, 1e-3)
    display.figure_.canvas.draw()


@pytest.mark.parametrize("n_models", [1, 2, 3, 4])
@pytest.mark.parametrize("labelled", [False, True])
def test_no_text_is_cut_off_or_overlaps(n_models, labelled, check_inside):
    models = {f"a model with a rather long name {i}": make_pair() for i in range(n_models)}
    labels = [f"class number {i % 10}" for i in range(60)] if labelled else None
    check_inside(ModalityGapDisplay.from_embeddings(models, labels=labels))


Z = np.eye(4)


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ({}, "must hold 1 to 6 models, got 0"),
        ({"m": {"a": Z}}, "must hold two modalities, got 1"),
        ({"m": {"a": Z, "b": Z, "c": Z}}, "must hold two modalities, got 3"),
        ({"m": {"a": Z, "b": Z[:3]}}, "unequal numbers of rows .m/a: 4, m/b: 3"),
        ({"m": {"a": Z, "b": Z}, "k": {"a": Z[:2], "b": Z[:2]}}, "unequal numbers of rows"),
        ({"m": {"a": Z, "b": Z[:, :3]}}, "must lie in one space"),
        ({"m": {"a": Z[:, :1], "b": Z[:, :1]}}, "2 columns or more"),
        ({"m": {"a": Z, "b": Z * np.nan}}, r"embeddings\['m'\]\['b'\] .* NaN"),
        ({"m": {"a": Z, "b": Z}, "k": {"a": Z, "c": Z}}, "same modalities in the same order"),
    ],
)
def test_bad_embeddings(models, message):
    with pytest.raises(ValueError, match=message):
        ModalityGapDisplay.from_embeddings(models)


def test_bad_arguments():
    with pytest.raises(TypeError, match="must map modalities to their embeddings"):
        ModalityGapDisplay.from_embeddings([Z, Z])
    with pytest.raises(TypeError, match="must map two modalities"):
        ModalityGapDisplay.from_embeddings({"m": {"a": Z, "b": Z}, "k": [Z, Z]})
    with pytest.raises(ValueError, match="one label per row, got 3 for 4 rows"):
        ModalityGapDisplay.from_embeddings({"m": {"a": Z, "b": Z}}, labels=[1, 2, 3])
    with pytest.raises(ValueError, match="max_pairs"):
        ModalityGapDisplay.from_embeddings({"m": {"a": Z, "b": Z}}, max_pairs=0)
    with pytest.raises(TypeError, match="max_pairs"):
        ModalityGapDisplay.from_embeddings({"m": {"a": Z, "b": Z}}, max_pairs=2.5)


def test_pairs_of_one_model_need_no_name():
    display = ModalityGapDisplay.from_embeddings(make_pair())
    assert display.axes_[0].get_title(loc="left") == "a and b"


def test_from_estimator_is_from_its_embeddings(aligner, bunch, of_table):
    display = ModalityGapDisplay.from_estimator(aligner, bunch.data, labels=bunch.digit)
    assert display.axes_[0].get_title(loc="left") == "IBAligner"
    expected = ModalityGapDisplay.from_embeddings(aligner.embed(bunch.data))
    np.testing.assert_array_equal(pair_lines(display.axes_[0]), pair_lines(expected.axes_[0]))
    pipeline, table = of_table
    drawn = ModalityGapDisplay.from_estimator({"p": pipeline}, table)
    embedded = pipeline[-1].embed(pipeline[:-1].transform(table))
    expected = ModalityGapDisplay.from_embeddings(embedded)
    np.testing.assert_array_equal(pair_lines(drawn.axes_[0]), pair_lines(expected.axes_[0]))


def test_from_estimator_takes_classes_of_class_pairs(class_pairs):
    pairs, aligner = class_pairs
    display = ModalityGapDisplay.from_estimator(aligner, pairs)
    np.testing.assert_array_equal(display.labels, pairs.labels)


def test_modalities_are_chosen(aligner, bunch):
    display = ModalityGapDisplay.from_estimator(aligner, bunch.data, modalities=("image", "sound"))
    assert list(display.projections["IBAligner"].points) == ["image", "sound"]
    with pytest.raises(ValueError, match=r"has 'images', the data have .* Did you mean 'image'"):
        ModalityGapDisplay.from_estimator(aligner, bunch.data, modalities=("images", "sound"))
    with pytest.raises(TypeError, match="must be two different names"):
        ModalityGapDisplay.from_estimator(aligner, bunch.data, modalities="image")
    with pytest.raises(ValueError, match=r"got 1: \['image'\]. Choose with modalities="):
        ModalityGapDisplay.from_estimator(aligner, {"image": bunch.data["image"]})


def test_estimator_of_wrong_type(bunch):
    with pytest.raises(TypeError, match="must be a fitted IBAligner or a Pipeline"):
        ModalityGapDisplay.from_estimator(StandardScaler(), bunch.data)
    with pytest.raises(ValueError, match="must hold 1 to 6 models, got 0"):
        ModalityGapDisplay.from_estimator({}, bunch.data)
