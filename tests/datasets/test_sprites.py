"""Sprites: against those of an independent renderer, and by properties of their factors."""

import numpy as np
import pytest

from mibsk.data import Modalities
from mibsk.datasets import make_sprites
from mibsk.datasets._sprites import FACTORS
from mibsk.datasets.rendering._sprites import HALF_SIDE, render_sprites


@pytest.fixture(scope="module")
def sprites():
    return make_sprites(2000, random_state=0)


def draw(shape, scale=1.0, orientation=0.0, pos_x=0.5, pos_y=0.5, image_size=64):
    """Draw sprites, as many as the longest argument has values."""
    rows = np.broadcast_arrays(np.atleast_1d(shape), scale, orientation, pos_x, pos_y)
    return render_sprites(*rows, image_size=image_size)


def test_agrees_with_an_independent_renderer(shared_data):
    with np.load(shared_data / "sprites" / "sprites10k.npz") as archive:
        expected = archive["imgs"][:3000] > 0
        _, shape, scale, orientation, pos_x, pos_y = archive["latents_classes"][:3000].T
    images = render_sprites(
        shape,
        0.5 + 0.1 * scale,
        2 * np.pi * orientation / 40,
        pos_x / 31,
        pos_y / 31,
        image_size=64,
    )
    drawn = images >= 128
    iou = (drawn & expected).sum(axis=(1, 2)) / (drawn | expected).sum(axis=(1, 2))
    # measured over all 10,000: 0.978, 0.980, 0.983; pixels on an edge may differ
    for code in range(3):
        assert iou[shape == code].mean() > 0.97
    area = images.sum(axis=(1, 2)) / 255
    np.testing.assert_allclose(area.mean(), expected.sum(axis=(1, 2)).mean(), rtol=0.01)


def test_fields(sprites):
    assert set(sprites) == {"data", "labels", "shared", "nuisances", "DESCR"}
    assert isinstance(sprites.data, Modalities)
    assert sprites.data["image"].shape == (2000, 64, 64)
    assert sprites.data["image"].dtype == np.uint8
    assert sprites.data["factors"].dtype == np.float32
    assert list(sprites.labels["image"]) == list(FACTORS)
    assert list(sprites.labels["factors"]) == sprites.shared == ["shape", "scale", "pos_x"]
    assert sprites.nuisances == ["orientation", "pos_y"]
    assert "2000 images of 64x64" in sprites.DESCR


def test_factors_are_one_hot_codes_of_the_shared_labels(sprites):
    blocks = np.split(sprites.data["factors"], np.cumsum([3, 6]), axis=1)
    for name, block in zip(sprites.shared, blocks, strict=True):
        assert block.shape[1] == FACTORS[name]
        np.testing.assert_array_equal(block.sum(axis=1), 1)
        np.testing.assert_array_equal(block.argmax(axis=1), sprites.labels["image"][name])


def test_factors_follow_the_order_of_shared():
    sprites = make_sprites(20, image_size=8, shared=["pos_y", "shape"], random_state=0)
    np.testing.assert_array_equal(
        sprites.data["factors"][:, :32].argmax(axis=1), sprites.labels["image"]["pos_y"]
    )
    assert sprites.shared == ["pos_y", "shape"]


def test_all_factors_shared_leaves_no_nuisance():
    sprites = make_sprites(5, image_size=8, shared=list(FACTORS), random_state=0)
    assert sprites.nuisances == []
    assert sprites.data["factors"].shape == (5, 113)


def test_factors_are_uniform_and_independent(sprites):
    labels = sprites.labels["image"]
    for name, n_values in FACTORS.items():
        counts = np.bincount(labels[name], minlength=n_values)
        assert len(counts) == n_values
        expected = len(labels) / n_values
        # chi-squared has mean n_values - 1 and variance 2 (n_values - 1)
        chi2 = ((counts - expected) ** 2 / expected).sum()
        assert chi2 < n_values - 1 + 5 * np.sqrt(2 * (n_values - 1))
    correlation = np.corrcoef(labels.to_numpy().T) - np.eye(5)
    assert np.abs(correlation).max() < 5 / np.sqrt(len(labels))


def test_random_state_makes_it_reproducible_without_global_state():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - it is the state that must not move
    first, again, other = (make_sprites(50, image_size=16, random_state=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.data["image"], again.data["image"])
    assert first.labels["image"].equals(again.labels["image"])
    assert not first.labels["image"].equals(other.labels["image"])
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize(
    ("shape", "area"), [(0, 4.0), (1, np.pi * 1.375 * 0.75)], ids=["square", "ellipse"]
)
@pytest.mark.parametrize("image_size", [8, 33, 64, 128])
def test_area_and_centre_are_those_of_the_figure(shape, area, image_size):
    scale, pos_x, pos_y = np.array([0.5, 0.8, 1.0]), np.array([0, 0.3, 1]), np.array([1, 0.6, 0])
    images = draw([shape] * 3, scale, np.array([0.0, 1.0, 2.0]), pos_x, pos_y, image_size) / 255
    unit = HALF_SIDE * image_size * scale
    # edges are exact to a quarter of a pixel, along a perimeter of about 8 units
    np.testing.assert_allclose(images.sum(axis=(1, 2)), area * unit**2, atol=(unit + 1).max())
    grid = np.arange(image_size) + 0.5
    mass = images.sum(axis=(1, 2))
    for axis, position in ((1, pos_x), (2, pos_y)):
        center = images.sum(axis=axis) @ grid / mass
        np.testing.assert_allclose(center, image_size * (0.25 + 0.5 * position), atol=0.15)


@pytest.mark.parametrize("image_size", [8, 64])
def test_rotation_by_a_right_angle_rotates_the_image(image_size):
    turns = np.arange(4)
    for shape in range(3):
        images = draw([shape] * 4, 0.9, np.pi / 2 * turns, image_size=image_size)
        for k in turns:
            difference = np.abs(images[k].astype(int) - np.rot90(images[0], -k))
            # subpixels on an edge may differ
            assert difference.max() <= 32


def test_heart_is_upright_and_symmetric():
    heart = draw(2)[0].astype(int)
    np.testing.assert_array_equal(heart, heart[:, ::-1])
    widths = (heart > 0).sum(axis=1)
    rows = np.flatnonzero(widths)
    assert widths[rows[2]] > 3 * widths[rows[-2]]  # lobes above, tip below


@pytest.mark.parametrize("image_size", [24, 64])
def test_no_sprite_touches_the_border(image_size):
    shape, angle, x, y = (
        grid.ravel()
        for grid in np.meshgrid([0, 1, 2], np.linspace(0, 2 * np.pi, 9), [0.0, 1.0], [0.0, 1.0])
    )
    images = draw(shape.astype(int), 1.0, angle, x, y, image_size)
    assert images.max(axis=(1, 2)).min() == 255
    assert images[:, [0, -1], :].max() == 0
    assert images[:, :, [0, -1]].max() == 0


def test_more_sprites_than_one_chunk_are_drawn_the_same():
    many = draw(np.zeros(2500, dtype=int), image_size=8)
    assert (many == many[0]).all()


def test_misspelt_factor():
    with pytest.raises(ValueError, match=r"unknown factor 'posx'.*Did you mean 'pos_x'"):
        make_sprites(5, shared=["posx"])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"shared": []}, ValueError, "at least one factor"),
        ({"shared": ["shape", "shape"]}, ValueError, "each factor once"),
        ({"shared": "shape"}, TypeError, r"use \['shape'\]"),
        ({"n_samples": 0}, ValueError, "n_samples must be"),
        ({"n_samples": 2.5}, TypeError, "n_samples must be an integer"),
        ({"image_size": 4}, ValueError, "image_size must be"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        make_sprites(**{"n_samples": 5} | arguments)
