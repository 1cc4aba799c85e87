"""Scenes: pictures and captions are determined by their factors, and captions parse back."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mibsk.data import Modalities
from mibsk.datasets import Scene, Thing, make_scenes, one_per_picture, scene_of_caption, split_bunch
from mibsk.datasets import _scene_grammar as grammar
from mibsk.datasets._scene_grammar import CHOICES, COLORS, RELATIONS, SHAPES, SIZES, caption
from mibsk.datasets._scenes import IMAGE_ONLY, VALUES, place_objects, scenes_of
from mibsk.datasets.rendering import SceneObjects, _scenes, extent, render_scenes

THINGS = st.builds(Thing, *(st.sampled_from(sorted(words)) for words in (SIZES, COLORS, SHAPES)))
SCENES = st.builds(Scene, THINGS, st.sampled_from(sorted(RELATIONS)), THINGS)
CHOSEN = st.fixed_dictionaries({name: st.integers(0, n - 1) for name, n in CHOICES.items()})
WORDS = sorted(
    {word for table in (SIZES, COLORS, SHAPES) for synonyms in table.values() for word in synonyms}
)


def draw(codes, nuisances, image_size=64):
    """Draw pictures from the codes of all factors."""
    back, front = place_objects(codes, nuisances)
    return render_scenes(
        back, front, nuisances["background"], nuisances["texture"], image_size=image_size
    )


def random_codes(n, relation=None, seed=0):
    rng = np.random.default_rng(seed)
    codes = {name: rng.integers(len(values), size=n) for name, values in VALUES.items()}
    nuisances = {name: rng.integers(size, size=n) for name, size in IMAGE_ONLY.items()}
    if relation is not None:
        codes["relation"][:] = list(RELATIONS).index(relation)
    return codes, nuisances


def codes_of(labels):
    """Return the codes of a table of labels."""
    codes = {name: pd.Categorical(labels[name], VALUES[name]).codes for name in VALUES}
    return codes, {name: labels[name].to_numpy() for name in IMAGE_ONLY}


@pytest.fixture(scope="module")
def scenes():
    return make_scenes(600, image_size=32, n_captions=2, random_state=0)


# the grammar


@given(scene=SCENES, choices=CHOSEN)
def test_every_caption_parses_back_to_its_scene(scene, choices):
    text = caption(scene, choices)
    assert scene_of_caption(text) == scene
    assert scene_of_caption(f"  {text.upper()}!\n") == scene


@given(scene=SCENES, choices=CHOSEN, data=st.data())
def test_another_word_says_something_else(scene, choices, data):
    text = caption(scene, choices)
    places = [m for m in re.finditer(r"\w+", text) if m[0] in WORDS]
    assert len(places) == 6
    place = data.draw(st.sampled_from(places))
    word = data.draw(st.sampled_from([w for w in WORDS if w != place[0]]))
    changed = scene_of_caption(text[: place.start()] + word + text[place.end() :])
    same_meaning = grammar._MEANING[word] == grammar._MEANING[place[0]]
    assert (changed == scene) == same_meaning
    unknown = text[: place.start()] + "zebra" + text[place.end() :]
    assert scene_of_caption(unknown) is None


@given(scene=SCENES, choices=CHOSEN)
def test_objects_exchanged_say_something_else(scene, choices):
    other = scene._replace(first=scene.second, second=scene.first)
    assert (scene_of_caption(caption(other, choices)) == scene) == (scene.first == scene.second)


@given(scene=SCENES, choices=CHOSEN, data=st.data())
def test_a_caption_without_one_of_its_words_is_no_caption(scene, choices, data):
    words = caption(scene, choices).split()
    gone = data.draw(st.integers(0, len(words) - 1))
    rest = " ".join(words[:gone] + words[gone + 1 :])
    # "to the left of" and "is left of" without a word may still be sentences, but say the same
    assert scene_of_caption(rest) in (None, scene)


@given(text=st.text())
def test_other_texts_are_no_captions(text):
    assert scene_of_caption(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "a small red box left of a big blue ring",
        "there is a big azure hoop on the right of a tiny square in crimson",
        "to the left of a large ring in blue there is a little crimson box",
        "A large blue ring, and a small red square: the first is right of the second.",
        "the huge hoop in azure is to the right of the tiny red square",
    ],
)
def test_parser_by_hand(text):
    expected = Scene(Thing("small", "red", "square"), "left of", Thing("large", "blue", "ring"))
    assert scene_of_caption(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a small red box",
        "a red box left of a big blue ring",
        "a small red box of a big blue ring",
        "a small red box left of left of a big blue ring",
    ],
)
def test_incomplete_sentences(text):
    assert scene_of_caption(text) is None


def test_a_text_must_be_a_string():
    with pytest.raises(TypeError, match="text must be a string, got None"):
        scene_of_caption(None)


def test_no_synonym_has_two_meanings():
    assert len(WORDS) == sum(len(s) for t in (SIZES, COLORS, SHAPES) for s in t.values())
    assert len(grammar._RELATION_OF) == 18


# the pictures


def masks(objects, side):
    """Return which pixels (n, side, side) each object covers."""
    found = np.empty((len(objects.shape), side, side), dtype=bool)
    for code in range(len(SHAPES)):
        rows = np.flatnonzero(objects.shape == code)
        corner = np.zeros((2, len(rows)), dtype=np.intp)
        some = objects.rows(rows)
        found[rows] = _scenes._distance(some, code, corner, side, side, (0.0, 0.0))[:, 0] < 0
    return found


@pytest.mark.parametrize("relation", list(RELATIONS))
def test_places_are_those_of_the_relation(relation):
    back, front = place_objects(*random_codes(3000, relation))
    x, y = back.middle - front.middle
    first, second = masks(front, 64), masks(back, 64)
    overlap = (first & second).sum(axis=(1, 2))
    if relation == "in front of":
        visible = (second & ~first).sum(axis=(1, 2)) / second.sum(axis=(1, 2))
        assert overlap.min() >= 1
        assert np.quantile(overlap, 0.05) >= 6
        assert visible.min() > 0.15
        assert np.quantile(visible, 0.05) > 0.4
    else:
        along, across = (x, y) if relation == "left of" else (y, x)
        assert (along > 0).all()
        assert (np.abs(across) <= 0.4 * along + 1e-12).all()
        assert overlap.max() == 0
    for objects in (back, front):
        assert (objects.middle - objects.radius >= 0.03 - 1e-9).all()
        assert (objects.middle + objects.radius <= 0.97 + 1e-9).all()


@pytest.mark.parametrize("code", range(len(SHAPES)), ids=list(SHAPES))
def test_shapes_fill_a_circle_of_radius_1_and_hold_their_middle(code):
    x, y = np.meshgrid(*[np.linspace(-1.3, 1.3, 401)] * 2)
    inside = _scenes.SIGNED_DISTANCES[code](x, y) < 0
    reach = np.hypot(x, y)[inside].max()
    assert 0.85 < reach < 1.02
    area = inside.mean() * 2.6**2
    assert area > 0.9
    assert inside[200, 200] == (list(SHAPES)[code] != "ring")


@pytest.mark.parametrize("code", range(len(SHAPES)), ids=list(SHAPES))
def test_distances_grow_by_the_way_from_the_edge(code):
    distance = _scenes.SIGNED_DISTANCES[code]
    rng = np.random.default_rng(0)
    points = rng.uniform(-1.2, 1.2, size=(2, 4000)).astype(np.float64)
    steps = 1e-3 * rng.normal(size=points.shape)
    change = np.abs(distance(*(points + steps)) - distance(*points))
    assert (change <= np.hypot(*steps) * 1.001 + 1e-6).all()


def test_extent_by_hand():
    shape = np.array([list(SHAPES).index(name) for name in ("circle", "square", "square", "cross")])
    turned = np.array([0.3, 0.0, np.pi / 4, 0.0])
    found = extent(shape, turned, np.array([1.0, 0.0, 0.0, np.pi / 2]))
    np.testing.assert_allclose(found, [0.88, 0.7, 0.7 * np.sqrt(2), 0.92], atol=0.011)


def test_a_circle_by_hand():
    radius = np.array([0.2])
    circle = SceneObjects(
        np.array([[0.5], [0.5]]), radius, np.zeros(1), np.zeros(1, int), np.array([4])
    )
    zero = np.zeros(1, int)
    image = render_scenes(circle, circle, zero, zero, image_size=100)[0]
    np.testing.assert_array_equal(image[50, 50], _scenes.PALETTE[4])
    np.testing.assert_array_equal(image[2, 2], _scenes.BACKGROUNDS[0])
    inward = 0.88 * 20 - np.hypot(16.5, 0.5)  # of this pixel, from the edge, in pixels
    filled = 0.5 + inward - 0.013 * 100  # the share of it that is not outline
    expected = (0.55 + 0.45 * filled) * _scenes.PALETTE[4]
    np.testing.assert_allclose(image[50, 33], expected, atol=0.6)
    below = image[50 + 18, 50 + 4].astype(float).mean()
    assert below < _scenes.BACKGROUNDS[0].mean() - 5  # the shadow


def test_each_factor_changes_the_picture():
    n = 80
    codes, nuisances = random_codes(n, seed=1)
    codes["color_2"] = (codes["color_1"] + 1) % len(COLORS)
    base = draw(codes, nuisances).astype(int)
    sizes = {name: len(values) for name, values in VALUES.items()} | IMAGE_ONLY
    for name, size in sizes.items():
        of = codes if name in codes else nuisances
        moved = {**of, name: (of[name] + 1) % size}
        if name == "color_1":  # not the colour of the second one
            moved[name] = (of[name] + 2) % size
        other = draw(*((moved, nuisances) if of is codes else (codes, moved)))
        changed = (np.abs(other - base).max(axis=-1) > 8).sum(axis=(1, 2))
        if name == "gap":  # of objects that overlap, there is none
            changed = changed[codes["relation"] != 2]
        if name.startswith("rotation"):  # of circles and rings, none is seen
            shapes = codes[f"shape_{name[-1]}"]
            changed = changed[(shapes != 0) & (shapes != 6)]
            assert (changed == 0).mean() < 0.02  # hidden parts
        else:
            assert changed.min() >= 3, name


def test_labels_determine_pictures_and_captions(scenes):
    pictures = one_per_picture(scenes)
    images = draw(*codes_of(pictures.labels["image"]), image_size=32)
    np.testing.assert_array_equal(images, pictures.data["image"])
    table = scenes.labels["text"]
    choices = table[list(CHOICES)].to_dict("records")
    expected = [caption(*each) for each in zip(scenes_of(table), choices, strict=True)]
    assert scenes.data["text"].tolist() == expected


def test_captions_say_what_the_labels_say(scenes):
    found = [scene_of_caption(text) for text in scenes.data["text"]]
    assert found == scenes_of(scenes.labels["image"])


def test_rows_do_not_depend_on_their_neighbours(monkeypatch):
    codes, nuisances = random_codes(20, seed=2)
    together = draw(codes, nuisances, image_size=24)
    alone = [
        draw(*({k: v[i : i + 1] for k, v in of.items()} for of in (codes, nuisances)), 24)
        for i in range(20)
    ]
    np.testing.assert_array_equal(together, np.concatenate(alone))
    monkeypatch.setattr(_scenes, "CHUNK", 7)
    np.testing.assert_array_equal(together, draw(codes, nuisances, image_size=24))


# the dataset


def test_fields(scenes):
    assert set(scenes) == {"data", "labels", "picture", "groups", "shared", "nuisances", "DESCR"}
    assert isinstance(scenes.data, Modalities)
    assert scenes.data["image"].shape == (1200, 32, 32, 3)
    assert scenes.data["image"].dtype == np.uint8
    np.testing.assert_array_equal(scenes.picture, np.arange(600).repeat(2))
    np.testing.assert_array_equal(scenes.data["image"][::2], scenes.data["image"][1::2])
    assert scenes.shared == ["picture", *VALUES]
    assert scenes.nuisances == [*IMAGE_ONLY, *CHOICES]
    assert list(scenes.labels["image"]) == ["picture", *VALUES, *IMAGE_ONLY]
    assert list(scenes.labels["text"]) == ["picture", *VALUES, *CHOICES]
    assert "600 RGB pictures of 32x32" in scenes.DESCR


def test_factors_are_uniform_and_colours_differ():
    bunch = make_scenes(1500, image_size=16, n_captions=1, random_state=3)
    image, text = bunch.labels["image"], bunch.labels["text"]
    sizes = {name: len(values) for name, values in VALUES.items()} | IMAGE_ONLY
    for table, of in ((image, sizes), (text, CHOICES)):
        for name, n_values in of.items():
            counts = table[name].value_counts().to_numpy()
            expected = len(table) / n_values
            chi2 = ((counts - expected) ** 2 / expected).sum()
            assert len(counts) == n_values
            assert chi2 < n_values - 1 + 5 * np.sqrt(2 * (n_values - 1)), name
    assert (image["color_1"] != image["color_2"]).all()


def test_equal_scenes_are_one_group_and_stay_together():
    bunch = make_scenes(4000, image_size=16, n_captions=1, random_state=4)
    keys = pd.Series(scenes_of(bunch.labels["image"]))
    assert len(set(bunch.groups)) == keys.nunique() < 4000
    train, test = split_bunch(bunch, test_size=0.2, random_state=0)
    assert len(test.data) == pytest.approx(800, abs=2)
    both = [set(scenes_of(part.labels["text"])) for part in (train, test)]
    assert not both[0] & both[1]


def test_random_state_makes_it_reproducible():
    first, again, other = (make_scenes(10, image_size=16, random_state=s) for s in (1, 1, 2))
    assert first.data["image"].tobytes() == again.data["image"].tobytes()
    assert first.data["text"].tolist() == again.data["text"].tolist()
    assert first.data["text"].tolist() != other.data["text"].tolist()


@pytest.mark.parametrize("image_size", [16, 17, 33])
def test_small_pictures_raise_no_warning(image_size):
    images = make_scenes(40, image_size=image_size, n_captions=1, random_state=0).data["image"]
    assert images.shape == (40, image_size, image_size, 3)
    assert len(np.unique(images.reshape(40, -1), axis=0)) == 40


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_scenes": 0}, ValueError, "n_scenes must be"),
        ({"image_size": 15}, ValueError, "image_size must be"),
        ({"n_captions": 0}, ValueError, "n_captions must be"),
        ({"n_captions": 2.0}, TypeError, "n_captions must be an integer"),
    ],
)
def test_bad_parameters(arguments, error, message):
    with pytest.raises(error, match=message):
        make_scenes(**arguments)
