"""Rooms: effect of each factor on the image, and pixels computed by hand."""

import colorsys

import numpy as np
import pytest

from mibsk.data import Modalities
from mibsk.datasets import make_room
from mibsk.datasets._room import FACTORS
from mibsk.datasets.rendering import _room as room_renderer
from mibsk.datasets.rendering._room import hue_to_rgb, render_room

SIZES = list(FACTORS.values())


def draw(codes, image_size=64):
    """Draw rooms from codes (n, 6)."""
    floor, wall, thing, scale, shape, turn = np.asarray(codes).T
    return render_room(
        floor / 10,
        wall / 10,
        thing / 10,
        0.75 + 0.5 * scale / 7,
        shape,
        -30 + 60 * turn / 14,
        image_size=image_size,
    )


def changed(images, others):
    """Return the number of pixels of each pair of images that differ by more than 10 levels."""
    difference = np.abs(images.astype(int) - others).max(axis=-1)
    return (difference > 10).sum(axis=(1, 2))


@pytest.fixture(scope="module")
def rooms():
    return make_room(1200, image_size=16, random_state=0)


@pytest.fixture(scope="module")
def scenes():
    """All shapes, scales and orientations: images of shape (8, 4, 15, 64, 64, 3)."""
    grid = np.indices(SIZES[3:]).reshape(3, -1).T
    codes = np.hstack([np.tile([3, 6, 0], (len(grid), 1)), grid])
    return draw(codes).reshape(*SIZES[3:], 64, 64, 3)


@pytest.mark.parametrize("axis", [0, 1, 2], ids=list(FACTORS)[3:])
def test_adjacent_values_of_every_scene_differ(scenes, axis):
    moved = np.moveaxis(scenes, axis, 0)
    pairs = (part.reshape(-1, 64, 64, 3) for part in (moved[:-1], moved[1:]))
    assert changed(*pairs).min() >= 10


@pytest.mark.parametrize("factor", [0, 1, 2], ids=list(FACTORS)[:3])
@pytest.mark.parametrize("others", [0, 4, 9])
def test_adjacent_hues_differ(factor, others):
    codes = np.full((10, 6), others)
    codes[:, 3:] = [0, 2, 7]
    codes[:, factor] = np.arange(10)
    images = draw(codes)
    assert changed(images, np.roll(images, 1, axis=0)).min() >= 40


def test_hues_change_only_their_own_surface(scenes):
    base = scenes[7, 0, 7].astype(int)
    surfaces = []
    for factor, value in ((0, 8), (1, 8), (2, 8)):
        codes = [3, 6, 0, 7, 0, 7]
        codes[factor] = value
        surfaces.append(np.abs(draw([codes])[0] - base).max(axis=-1) > 0)
    # pixels on an edge belong to two surfaces; few belong to all three
    assert np.sum(surfaces, axis=0).max() <= 3
    assert (np.sum(surfaces, axis=0) > 1).mean() < 0.06
    floor, wall, thing = surfaces
    assert floor[-1].all()
    assert wall[14:22, 0].all()
    assert thing[36, 32]
    assert not np.any(surfaces, axis=0)[0].any()  # the sky


def test_floor_pixel_by_hand():
    image = draw([[0, 5, 5, 0, 2, 7]], image_size=64)[0]
    row, column = 63, 50
    # the ray through its middle, from a camera at (0, 2, 4.4) directed at (0, 0.95, 0)
    ahead = np.array([0, 0.95 - 2, -4.4])
    ahead /= np.linalg.norm(ahead)
    up = np.cross([1.0, 0, 0], ahead)
    right, rise = (column + 0.5) / 64 - 0.5, 0.5 - (row + 0.5) / 64
    ray = ahead + right * np.array([1.0, 0, 0]) + rise * up
    point = np.array([0, 2, 4.4]) - 2 / ray[1] * ray
    to_lamp = np.array([2.2, 4.8, 2.4]) - point
    light = 0.35 + 0.65 * to_lamp[1] / np.linalg.norm(to_lamp)
    np.testing.assert_allclose(image[row, column], [255 * light, 0, 0], atol=1.5)


def test_brightest_point_of_a_sphere_faces_the_lamp_and_its_shadow_is_behind():
    base, other = draw([[3, 3, 0, 7, 2, 7], [3, 3, 5, 7, 2, 7]]).astype(int)
    red = base[..., 0] * (base[..., 1] == 0)
    row, column = np.unravel_index(red.argmax(), red.shape)
    assert column > 33  # the lamp hangs at the right
    assert row < 32
    floor = np.where(np.abs(base - other).max(axis=-1) == 0, base[..., 1], 255)[40:]
    _, dark = np.unravel_index(floor.argmin(), floor.shape)
    assert dark < 32


def test_larger_scale_covers_more(scenes):
    thing = (scenes[..., 0] > scenes[..., 1]) & (scenes[..., 0] > scenes[..., 2])
    area = thing.sum(axis=(-2, -1))
    assert np.all(np.diff(area, axis=0) > 0)


def test_rows_do_not_depend_on_their_neighbours(monkeypatch):
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(n, size=60) for n in SIZES], axis=1)
    together = draw(codes, image_size=16)
    alone = np.concatenate([draw(codes[i : i + 1], image_size=16) for i in range(60)])
    np.testing.assert_array_equal(together, alone)
    monkeypatch.setattr(room_renderer, "VALUES_AT_A_TIME", 3 * 16**2)
    np.testing.assert_array_equal(together, draw(codes, image_size=16))


def test_odd_and_small_images_raise_no_warning():
    for image_size in (8, 9, 33):
        images = draw([[1, 2, 3, 4, shape, 7] for shape in range(4)], image_size)
        assert images.shape == (4, image_size, image_size, 3)
        assert len(np.unique(images.reshape(4, -1), axis=0)) == 4


def test_hues_equal_those_of_hsv():
    hues = np.linspace(0, 1, 31)
    expected = [colorsys.hsv_to_rgb(hue, 1, 1) for hue in hues]
    np.testing.assert_allclose(hue_to_rgb(hues), expected, atol=1e-12)


def test_fields(rooms):
    assert set(rooms) == {"data", "labels", "shared", "nuisances", "DESCR"}
    assert isinstance(rooms.data, Modalities)
    assert rooms.data["image"].shape == (1200, 16, 16, 3)
    assert rooms.data["image"].dtype == np.uint8
    assert rooms.data["factors"].shape == (1200, 22)
    assert list(rooms.labels["image"]) == list(FACTORS)
    assert list(rooms.labels["factors"]) == rooms.shared == ["object_hue", "scale", "shape"]
    assert rooms.nuisances == ["floor_hue", "wall_hue", "orientation"]
    assert "1200 RGB images of 16x16" in rooms.DESCR


def test_factors_encode_the_shared_labels_only(rooms):
    blocks = np.split(rooms.data["factors"], np.cumsum([10, 8]), axis=1)
    for name, block in zip(rooms.shared, blocks, strict=True):
        np.testing.assert_array_equal(block.sum(axis=1), 1)
        np.testing.assert_array_equal(block.argmax(axis=1), rooms.labels["image"][name])


def test_labels_match_the_images(rooms):
    np.testing.assert_array_equal(rooms.data["image"], draw(rooms.labels["image"], 16))


def test_every_value_is_drawn(rooms):
    for name, n_values in FACTORS.items():
        counts = np.bincount(rooms.labels["image"][name], minlength=n_values)
        expected = 1200 / n_values
        chi2 = ((counts - expected) ** 2 / expected).sum()
        assert len(counts) == n_values
        assert chi2 < n_values - 1 + 5 * np.sqrt(2 * (n_values - 1))


def test_random_state_makes_it_reproducible():
    first, again, other = (make_room(40, image_size=8, random_state=s) for s in (1, 1, 2))
    assert first.data["image"].tobytes() == again.data["image"].tobytes()
    assert first.labels["image"].equals(again.labels["image"])
    assert not first.labels["image"].equals(other.labels["image"])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"shared": []}, ValueError, "at least one factor"),
        ({"shared": ["wall_hu"]}, ValueError, "unknown factor 'wall_hu'.*Did you mean 'wall_hue'"),
        ({"shared": "shape"}, TypeError, r"use \['shape'\]"),
        ({"n_samples": 0}, ValueError, "n_samples must be"),
        ({"image_size": 7}, ValueError, "image_size must be"),
        ({"image_size": 16.0}, TypeError, "image_size must be an integer"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        make_room(**{"n_samples": 5} | arguments)
