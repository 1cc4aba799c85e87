"""Retrieval with several texts to a picture, both ways."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mibsk.metrics import (
    Bootstrap,
    mean_reciprocal_rank,
    median_rank,
    recall_at_k,
    retrieval_scores,
)

from .draws import few, seeds

CI = Bootstrap(n_resamples=20)


def drawn(seed, n_pictures=12, d=4, noise=0.7):
    """Embeddings of pictures, of one to three texts of each in random order, and their pictures."""
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n_pictures, d))
    of_text = rng.permutation(np.repeat(np.arange(n_pictures), rng.integers(1, 4, n_pictures)))
    return Z, Z[of_text] + noise * rng.standard_normal((len(of_text), d)), of_text


@given(seeds)
@few
def test_values_are_those_of_sorted_scores(seed):
    Z, T, of_text = drawn(seed)
    table = retrieval_scores(Z, T, of_text, k=(1, 3), ci=CI)["value"]
    S = Z @ T.T
    right = np.arange(len(Z))[:, None] == of_text
    for direction, scores, hits in (
        ("picture_to_text", S, right),
        ("text_to_picture", S.T, right.T),
    ):
        order = np.argsort(-scores, axis=1)
        firsts = np.take_along_axis(hits, order, axis=1).argmax(axis=1)
        # the texts before the first right one are all wrong
        found = table[direction]
        assert found["recall_at_1"] == pytest.approx(np.mean(firsts < 1))
        assert found["recall_at_3"] == pytest.approx(np.mean(firsts < 3))
        assert found["mean_reciprocal_rank"] == pytest.approx(np.mean(1 / (firsts + 1)))
        assert found["median_rank"] == np.median(firsts + 1)


@pytest.mark.parametrize("grouped", [False, True])
@given(seeds)
@few
def test_intervals_draw_pictures_or_groups_of_them(grouped, seed):
    Z, T, of_text = drawn(seed)
    groups = np.arange(12) // 2 if grouped else None
    table = retrieval_scores(Z, T, of_text, k=2, ci=Bootstrap(n_resamples=20, groups=groups))
    of_query = {"picture": groups, "text": groups[of_text] if grouped else of_text}
    pictures = np.arange(12)
    for source, target, pair, labels in (
        ("picture", "text", (Z, T), (pictures, of_text)),
        ("text", "picture", (T, Z), (of_text, pictures)),
    ):
        ci = Bootstrap(n_resamples=20, groups=of_query[source])
        expected = {
            "recall_at_2": recall_at_k(*pair, k=2, labels=labels, ci=ci),
            "mean_reciprocal_rank": mean_reciprocal_rank(*pair, labels=labels, ci=ci),
            "median_rank": median_rank(*pair, labels=labels, ci=ci),
        }
        found = table.loc[f"{source}_to_{target}", ["value", "low", "high"]]
        assert found.index.tolist() == list(expected)
        np.testing.assert_allclose(found, [list(each) for each in expected.values()])


@given(seeds)
@few
def test_neither_order_nor_names_of_pictures_matter(seed):
    Z, T, of_text = drawn(seed)
    rng = np.random.default_rng(seed)
    pictures, texts = rng.permutation(len(Z)), rng.permutation(len(T))
    names = np.array([f"file {i}.png" for i in range(len(Z))])
    found = retrieval_scores(
        Z[pictures], T[texts], names[of_text[texts]], picture=names[pictures], ci=CI
    )
    expected = retrieval_scores(Z, T, of_text, ci=CI)
    np.testing.assert_allclose(found["value"], expected["value"])


@given(seeds)
@few
def test_intervals_contain_the_value(seed):
    Z, T, of_text = drawn(seed)
    table = retrieval_scores(Z, T, of_text)
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()


def test_pictures_without_a_text_are_only_in_the_gallery():
    Z, T = np.eye(5), np.eye(5)[[0, 0, 3]]
    table = retrieval_scores(Z, T, [0, 0, 3], k=1, ci=CI)
    assert table["n_queries"].unstack("score")["recall_at_1"].to_dict() == {
        "picture_to_text": 2,
        "text_to_picture": 3,
    }
    assert table["value"].xs("recall_at_1", level="score").tolist() == [1, 1]
    by_chance = table["by_chance"].xs("recall_at_1", level="score")
    assert by_chance["picture_to_text"] == pytest.approx((2 / 3 + 1 / 3) / 2)
    assert by_chance["text_to_picture"] == pytest.approx(1 / 5)


def test_random_embeddings_reach_on_average_what_is_expected_by_chance():
    rng = np.random.default_rng(0)
    of_text = np.repeat(np.arange(30), [1, 2, 3] * 10)
    shapes = (30, 8), (60, 8)
    tables = [
        retrieval_scores(*map(rng.standard_normal, shapes), of_text, k=(1, 10), ci=CI)
        for _ in range(200)
    ]
    values = np.array([table["value"] for table in tables])
    error = values.std(axis=0) / np.sqrt(len(values))
    away = (values.mean(axis=0) - tables[0]["by_chance"]) / error
    is_mean = away.index.get_level_values("score") != "median_rank"
    assert (away[is_mean].abs() < 4).all()
    medians = values.mean(axis=0)[~is_mean]
    np.testing.assert_allclose(medians, tables[0]["by_chance"][~is_mean], rtol=0.05)


def test_a_collapsed_representation_finds_nothing():
    table = retrieval_scores(np.ones((4, 2)), np.ones((8, 2)), np.arange(8) // 2, k=1, ci=CI)
    assert table["value"].tolist() == [0, 1 / 7, 7, 0, 1 / 4, 4]


Z3 = np.eye(3)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((Z3, Z3, [0, 1]), {}, ValueError, "picture_of_text must have one label per row, got 2"),
        ((Z3, Z3, [0, 1, 7]), {}, ValueError, r"1 text\(s\) belong to no picture.*text 2.*7"),
        ((Z3, Z3[:, :2], [0, 1, 2]), {}, ValueError, "Z_picture and Z_text must lie in one space"),
        ((Z3, Z3, [0, 1, 2]), {"k": 4}, ValueError, r"k must be in 1\.\.3"),
        ((Z3, Z3, [0, 1, 2]), {"k": "1"}, TypeError, "k must be an integer"),
        ((Z3, Z3, [0, 1, 2]), {"picture": [0, 1, 1]}, ValueError, "picture once, got 1 twice"),
        ((Z3, Z3, ["a", "b", "c"]), {}, TypeError, "picture and picture_of_text must be of one"),
        ((Z3, Z3, [0, 0, 0]), {}, ValueError, "at least 2 groups"),
        ((Z3, Z3 * np.nan, [0, 1, 2]), {}, ValueError, "Z_text has NaN"),
        (
            (Z3, pd.DataFrame(Z3, index=list("abc")), pd.Series([0, 1, 2], index=list("acb"))),
            {},
            ValueError,
            "picture_of_text has the row names of Z_text in another order",
        ),
    ],
)
def test_other_input_is_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        retrieval_scores(*arguments, **{"k": 1, **options})


@given(st.integers(1, 3))
def test_tensors_and_frames_give_the_same_table(k):
    import torch

    Z, T, of_text = drawn(0)
    expected = retrieval_scores(Z, T, of_text, k=k, ci=CI)
    for cast in (torch.tensor, pd.DataFrame, np.ndarray.tolist):
        found = retrieval_scores(cast(Z), cast(T), of_text, k=k, ci=CI)
        pd.testing.assert_frame_equal(found, expected)
