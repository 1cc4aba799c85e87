"""Analogies of rendered scenes: right answers differ by one word, and all of these are found."""

import numpy as np
import pytest

from mibsk.datasets import (
    load_digits_halves,
    make_scenes,
    one_per_picture,
    scene_analogies,
    split_bunch,
)
from mibsk.datasets._scenes import scenes_of
from mibsk.metrics import analogy_recall


@pytest.fixture(scope="module")
def pictures():
    return one_per_picture(make_scenes(600, image_size=16, n_captions=2, random_state=0))


def one_word_apart(a, b):
    """Return the factor and both words if scenes differ in one word of one object, else None."""
    words = [
        (name, getattr(x, name), getattr(y, name))
        for x, y in ((a.first, b.first), (a.second, b.second))
        for name in ("size", "color", "shape")
        if getattr(x, name) != getattr(y, name)
    ]
    return words[0] if len(words) == 1 and a.relation == b.relation else None


def test_right_answers_are_all_pictures_that_differ_by_the_words(pictures):
    scenes = scenes_of(pictures.labels["image"])
    expected = set()
    for i, a in enumerate(scenes):
        for j, b in enumerate(scenes):
            if found := one_word_apart(a, b):
                expected.add((i, *found, j))
    analogies = scene_analogies(pictures)
    names = zip(analogies.query, analogies.factor, analogies.minus, analogies.plus, strict=True)
    keys = [tuple(str(each) if i else int(each) for i, each in enumerate(key)) for key in names]
    assert len(set(keys)) == len(keys) > 100
    rows, columns = np.nonzero(analogies.is_right)
    assert {(*keys[i], int(j)) for i, j in zip(rows, columns, strict=True)} == expected


def test_embeddings_with_a_column_for_each_word_find_the_answers(pictures):
    labels = pictures.labels["image"]
    words = sorted({word for name in ("size", "color", "shape") for word in labels[f"{name}_1"]})

    def counts(rows):
        return np.array([[list(row).count(word) for word in words] for row in rows], float)

    factors = [f"{name}_{i}" for i in (1, 2) for name in ("size", "color", "shape")]
    Z = counts(labels[factors].to_numpy())
    analogies = scene_analogies(pictures, n_analogies=200)
    table = analogy_recall(
        Z,
        analogies.query,
        counts(analogies.minus[:, None]) / np.linalg.norm(Z[0]),
        counts(analogies.plus[:, None]),
        analogies.is_right,
        k=1,
    )
    recall = table["value"].xs("recall_at_1", level="score")
    assert recall["arithmetic"] > recall["picture"] + 0.1
    assert recall["arithmetic"] > recall["word"] + 0.1


def test_some_are_drawn_by_the_seed(pictures):
    everything = scene_analogies(pictures)
    some, same, other = (
        scene_analogies(pictures, n_analogies=20, random_state=seed) for seed in (0, 0, 1)
    )
    assert len(some.query) == 20
    assert len(everything.query) > 20
    for name in ("query", "minus", "plus", "is_right"):
        assert np.array_equal(some[name], same[name])
    assert not np.array_equal(some.query, other.query)


def test_a_part_of_the_scenes_has_its_own_analogies(pictures):
    part, _ = split_bunch(pictures, test_size=0.3, random_state=0)
    analogies = scene_analogies(part)
    assert analogies.is_right.shape[1] == len(part.data)
    assert analogies.query.max() < len(part.data)


def test_other_input_is_refused(pictures):
    with pytest.raises(ValueError, match="got another dataset"):
        scene_analogies(load_digits_halves())
    with pytest.raises(ValueError, match=r"pass one_per_picture\(scenes\)"):
        scene_analogies(make_scenes(5, image_size=16, random_state=0))
    with pytest.raises(ValueError, match="no two of the 2 pictures differ by one word"):
        scene_analogies(one_per_picture(make_scenes(2, image_size=16, random_state=0)))
    with pytest.raises(ValueError, match="n_analogies must be"):
        scene_analogies(pictures, n_analogies=0)
