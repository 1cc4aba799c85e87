"""Analogies: picture minus word plus word."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from mibsk.metrics import Bootstrap, analogy_recall

from .draws import few, seeds

CI = Bootstrap(n_resamples=20)


def drawn(seed, n=15, m=20, d=4):
    """Embeddings of pictures and words, with random right answers, several for some pictures."""
    rng = np.random.default_rng(seed)
    query = rng.integers(m, size=n)
    is_right = rng.random((n, m)) < 0.2
    is_right[np.arange(n), (query + 1) % m] = True
    Z, minus, plus = (rng.standard_normal((rows, d)) for rows in (m, n, n))
    return Z, query, minus, plus, is_right


@pytest.mark.parametrize("weight", [1.0, 0.3])
@given(seeds)
@few
def test_values_are_those_of_sorted_cosines(weight, seed):
    Z, query, minus, plus, is_right = drawn(seed)
    table = analogy_recall(Z, query, minus, plus, is_right, weight=weight, k=(1, 4), ci=CI)["value"]
    unit, a, b = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (Z, minus, plus))
    for name, Q in (
        ("arithmetic", unit[query] + weight * (b - a)),
        ("picture", unit[query]),
        ("word", b),
    ):
        ranks = []
        for z, own, right in zip(Q, query, is_right, strict=True):
            order = [row for row in np.argsort(-unit @ z) if row != own]
            ranks.append(1 + min(place for place, row in enumerate(order) if right[row]))
        ranks = np.array(ranks)
        assert table[name, "recall_at_1"] == pytest.approx(np.mean(ranks <= 1))
        assert table[name, "recall_at_4"] == pytest.approx(np.mean(ranks <= 4))
        assert table[name, "mean_reciprocal_rank"] == pytest.approx(np.mean(1 / ranks))
        assert table[name, "median_rank"] == np.median(ranks)


def test_the_picture_itself_is_no_answer():
    # the words say nothing, and the picture itself would be the nearest
    Z = np.array([[1.0, 0], [0.9, 0.1], [0, 1]])
    words = np.ones((2, 2))
    is_right = np.array([[True, True, False], [True, False, False]])
    table = analogy_recall(Z, [0, 1], words, words, is_right, k=1, ci=CI)
    assert table.loc[("arithmetic", "recall_at_1"), "value"] == 1
    assert table.loc[("picture", "recall_at_1"), "value"] == 1
    assert table.loc[("picture", "recall_at_1"), "by_chance"] == 1 / 2
    assert table.loc[("picture", "recall_at_1"), "p_value"] == 1
    assert np.isnan(table.loc[("arithmetic", "recall_at_1"), "p_value"])


def test_arithmetic_beats_both_parts_where_factors_add_up():
    rng = np.random.default_rng(0)
    colors, shapes = rng.standard_normal((2, 8, 32))
    color, shape = (codes.ravel() for codes in np.indices((8, 8)))
    Z = colors[color] + shapes[shape]
    query, new = (codes.ravel() for codes in np.indices((64, 8)))
    query, new = query[color[query] != new], new[color[query] != new]
    is_right = (color == new[:, None]) & (shape == shape[query][:, None])
    table = analogy_recall(Z, query, colors[color[query]], colors[new], is_right, k=1)
    recall = table.xs("recall_at_1", level="score")
    assert recall.loc["arithmetic", "value"] > 0.95
    assert recall.loc[["picture", "word"], "value"].max() < 0.5
    assert (recall.loc[["picture", "word"], "p_value"] < 0.01).all()
    assert recall["by_chance"].tolist() == pytest.approx([1 / 63] * 3)


def test_collapsed_embeddings_find_nothing():
    _, query, _, _, is_right = drawn(0)
    table = analogy_recall(
        np.ones((20, 3)), query, np.ones((15, 3)), np.ones((15, 3)), is_right, k=1, ci=CI
    )
    assert (table["value"].xs("recall_at_1", level="score") == 0).all()


@given(seeds)
@few
def test_neither_scale_nor_order_matters_and_intervals_contain_the_value(seed):
    Z, query, minus, plus, is_right = drawn(seed)
    table = analogy_recall(Z, query, minus, plus, is_right, ci=CI)
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    rng = np.random.default_rng(seed)
    order, pictures = rng.permutation(len(query)), rng.permutation(len(Z))
    found = analogy_recall(
        3 * Z[pictures],
        np.argsort(pictures)[query[order]],
        5 * minus[order],
        plus[order] / 7,
        is_right[order][:, pictures],
        ci=CI,
    )
    np.testing.assert_allclose(found["value"], table["value"])
    np.testing.assert_allclose(found["by_chance"], table["by_chance"])


def test_all_analogies_of_a_picture_are_drawn_together():
    arguments = drawn(0)
    table = analogy_recall(*arguments)
    same = analogy_recall(*arguments, ci=Bootstrap(groups=arguments[1]))
    pd.testing.assert_frame_equal(table, same)
    alone = analogy_recall(*arguments, ci=Bootstrap(groups=np.arange(15)))
    assert (alone["low"] != table["low"]).any()


Z4, WORDS, RIGHT = np.eye(4), np.eye(4)[:2], np.array([[0, 1, 0, 0], [0, 0, 0, 1]], bool)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((Z4, [0, 4], WORDS, WORDS, RIGHT), {}, ValueError, "rows of Z, 0 to 3, got 0 to 4"),
        ((Z4, [0.0, 2.0], WORDS, WORDS, RIGHT), {}, TypeError, "query must be integers"),
        ((Z4, [[0, 2]], WORDS, WORDS, RIGHT), {}, ValueError, r"query must have shape.*\(1, 2\)"),
        ((Z4, [0, 2], WORDS[:1], WORDS, RIGHT), {}, ValueError, "Z_minus must have one row for"),
        ((Z4, [0, 2], WORDS, WORDS[:, :3], RIGHT), {}, ValueError, "Z and Z_plus must lie in one"),
        ((Z4, [0, 2], WORDS, WORDS, RIGHT.T), {}, ValueError, r"is_right.*\(2, 4\), got \(4, 2\)"),
        ((Z4, [0, 2], WORDS, WORDS, RIGHT * 1), {}, TypeError, "is_right must be booleans"),
        ((Z4, [0, 3], WORDS, WORDS, RIGHT), {}, ValueError, "no right picture, such as analogy 1"),
        ((Z4, [0, 2], WORDS, WORDS, RIGHT), {"k": 4}, ValueError, r"k must be in 1\.\.3"),
        ((Z4, [0, 2], WORDS, WORDS, RIGHT), {"weight": 0}, ValueError, "weight must be a finite"),
        ((Z4, [0, 0], WORDS, WORDS, RIGHT), {}, ValueError, "at least 2 groups"),
    ],
)
def test_other_input_is_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        analogy_recall(*arguments, **{"k": 1, **options})
