import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity

from mibsk.inspection import SimilarityDisplay


def make_pair(n=40, d=6, *, seed=0):
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, d))
    return {"a": Z, "b": Z + 0.5 * rng.standard_normal((n, d))}


def drawn(ax):
    return ax.images[0].get_array()


def counts(ax):
    """Return the means in the legend, by name."""
    named = [text.get_text().split(": mean ") for text in ax.get_legend().get_texts()]
    return {name: float(mean.replace("−", "-")) for name, mean in named}


def test_matrix_holds_the_cosines(check_saved, check_inside, style):
    pair = make_pair()
    display = SimilarityDisplay.from_embeddings({"m": pair}, names={"m": "bottleneck"})
    matrix, distribution = display.axes_[0]
    expected = cosine_similarity(pair["a"], pair["b"])
    np.testing.assert_allclose(drawn(matrix), expected)
    assert matrix.get_title(loc="left") == "bottleneck"
    assert (matrix.get_ylabel(), matrix.get_xlabel()) == ("a", "b")
    others = ~np.eye(40, dtype=bool)
    found = counts(distribution)
    assert found == pytest.approx(
        {"partners": np.diag(expected).mean(), "others": expected[others].mean()}, abs=0.006
    )
    check_saved(display)
    check_inside(display)


def test_rows_are_sorted_by_class(check_inside, style):
    pair, labels = make_pair(), np.array(["late", "early"] * 20)
    display = SimilarityDisplay.from_embeddings(pair, labels=labels)
    order = np.r_[1:40:2, 0:40:2]
    expected = cosine_similarity(pair["a"], pair["b"])[np.ix_(order, order)]
    matrix, distribution = display.axes_[0]
    np.testing.assert_allclose(drawn(matrix), expected)
    assert [text.get_text() for text in matrix.get_yticklabels()] == ["early", "late"]
    np.testing.assert_allclose(matrix.get_yticks(), [9.5, 29.5])
    assert [line.get_ydata()[0] for line in matrix.lines[::2]] == [19.5]
    same = labels[:, None] == labels
    unsorted = cosine_similarity(pair["a"], pair["b"])
    found = counts(distribution)
    assert list(found) == ["partners", "same class", "another class"]
    assert found["another class"] == pytest.approx(unsorted[~same].mean(), abs=0.006)
    check_inside(display)


def test_scales_are_those_of_all_models():
    models = {"m": make_pair(), "k": {name: np.abs(Z) for name, Z in make_pair().items()}}
    display = SimilarityDisplay.from_embeddings(models)
    assert display.axes_.shape == (2, 2)
    limits = {ax.images[0].get_clim() for ax in display.axes_[:, 0]}
    assert len(limits) == 1
    low, high = limits.pop()
    assert low < 0
    assert high == 1
    assert len({ax.get_xlim() for ax in display.axes_[:, 1]}) == 1


def test_zero_is_always_on_the_scale():
    display = SimilarityDisplay.from_embeddings({name: np.ones((5, 2)) for name in "ab"})
    assert display.axes_[0, 0].images[0].get_clim() == (0, 1)


def test_at_most_max_pairs_are_drawn_the_same_for_all_models():
    Z = make_pair(300)
    display = SimilarityDisplay.from_embeddings({"m": Z, "k": Z}, max_pairs=20)
    first, second = (drawn(ax) for ax in display.axes_[:, 0])
    assert first.shape == (20, 20)
    np.testing.assert_array_equal(first, second)
    again = SimilarityDisplay.from_embeddings({"m": Z}, max_pairs=20)
    np.testing.assert_array_equal(drawn(again.axes_[0, 0]), first)
    other = SimilarityDisplay.from_embeddings({"m": Z}, max_pairs=20, random_state=1)
    assert not np.array_equal(drawn(other.axes_[0, 0]), first)


@pytest.mark.parametrize("n_classes", [2, 10, 40])
def test_no_text_is_cut_off_or_overlaps(n_classes, check_inside):
    labels = [f"class with a long name {i % n_classes:02d}" for i in range(40)]
    pair = {f"{name} with a long name": Z for name, Z in make_pair().items()}
    display = SimilarityDisplay.from_embeddings(
        {f"a model with a rather long name {i}": pair for i in range(2)}, labels=labels
    )
    assert len(display.axes_[0, 0].lines) == (2 * (n_classes - 1) if n_classes <= 10 else 0)
    check_inside(display)


@pytest.mark.parametrize("scale", [0.0, 1e-300, 1e300])
def test_rows_of_any_length(scale):
    display = SimilarityDisplay.from_embeddings({"a": scale * np.eye(3), "b": np.eye(3)})
    np.testing.assert_allclose(drawn(display.axes_[0, 0]), np.eye(3) * (scale > 0), atol=1e-12)


def test_tensors_are_arrays():
    pair = {name: torch.from_numpy(Z).requires_grad_() for name, Z in make_pair().items()}
    display = SimilarityDisplay.from_embeddings(pair)
    expected = SimilarityDisplay.from_embeddings(make_pair())
    np.testing.assert_array_equal(drawn(display.axes_[0, 0]), drawn(expected.axes_[0, 0]))
    half = {name: Z.bfloat16() for name, Z in pair.items()}
    display = SimilarityDisplay.from_embeddings(half)
    np.testing.assert_allclose(drawn(display.axes_[0, 0]), drawn(expected.axes_[0, 0]), atol=0.02)


def test_from_estimator_is_from_its_embeddings(aligner, bunch, of_table, class_pairs):
    pipeline, table = of_table
    display = SimilarityDisplay.from_estimator({"a": aligner}, bunch.data)
    embedded = aligner.embed(bunch.data)
    np.testing.assert_allclose(
        display.similarities["a"], embedded["sound"] @ embedded["image"].T, atol=1e-6
    )
    assert display.modalities == ("sound", "image")
    turned = SimilarityDisplay.from_estimator(
        aligner, bunch.data, modalities=("image", "sound"), names={"IBAligner": "m"}
    )
    np.testing.assert_array_equal(turned.similarities["m"], display.similarities["a"].T)
    assert SimilarityDisplay.from_estimator(pipeline, table).axes_.shape == (1, 2)
    pairs, of_pairs = class_pairs
    labelled = SimilarityDisplay.from_estimator(of_pairs, pairs)
    np.testing.assert_array_equal(labelled.labels, np.sort(pairs.labels))


Z = np.eye(4)


@pytest.mark.parametrize(
    ("embeddings", "message"),
    [
        ({}, "must hold 1 to 6 models, got 0"),
        ({"a": Z}, "must hold two modalities, got 1"),
        ({"a": Z, "b": Z[:3]}, "unequal numbers of rows"),
        ({"a": Z, "b": Z[:, :3]}, "must lie in one space"),
        ({"a": Z, "b": Z * np.nan}, r"embeddings\['b'\] .* NaN"),
    ],
)
def test_bad_embeddings(embeddings, message):
    with pytest.raises(ValueError, match=message):
        SimilarityDisplay.from_embeddings(embeddings)


def test_bad_arguments():
    with pytest.raises(ValueError, match="one label per row, got 3 for 4 rows"):
        SimilarityDisplay.from_embeddings({"a": Z, "b": Z}, labels=[1, 2, 3])
    with pytest.raises(ValueError, match="max_pairs"):
        SimilarityDisplay.from_embeddings({"a": Z, "b": Z}, max_pairs=1)
    with pytest.raises(TypeError, match=r"got ndarray: pass what aligner.embed returns"):
        SimilarityDisplay.from_embeddings(Z)
