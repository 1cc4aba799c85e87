"""Robot arms: effect of each factor on the image, and positions of the parts of the arm."""

import numpy as np
import pytest

from mibsk.data import Modalities
from mibsk.datasets import make_arm
from mibsk.datasets._arm import FACTORS
from mibsk.datasets.rendering import _arm as arm_renderer
from mibsk.datasets.rendering._arm import CAMERA_HEIGHTS, OBJECT_SIZES, render_arm
from mibsk.datasets.rendering._arm_geometry import FORE, RISE, UPPER, View, pose
from mibsk.datasets.rendering._solids import Vector

SIZES = list(FACTORS.values())
SPHERE = 5


def draw(codes, image_size=64):
    """Draw arms from codes (n, 7)."""
    *kinds, horizontal, vertical = np.asarray(codes).T
    return render_arm(*kinds, horizontal / 39, vertical / 39, image_size=image_size)


def grid(**values):
    """Return all combinations (n, 7) of values of the factors; the default value is 0."""
    axes = [np.atleast_1d(values.get(name, 0)) for name in FACTORS]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 7)


def changed(images, others, levels=10):
    """Return the number of pixels of each pair of images that differ by more than `levels`."""
    difference = np.abs(images.astype(int) - others).max(axis=-1)
    return (difference > levels).sum(axis=(1, 2))


@pytest.fixture(scope="module")
def arms():
    return make_arm(1000, image_size=16, random_state=0)


@pytest.mark.parametrize("factor", list(FACTORS)[:5])
def test_each_pair_of_values_differs(factor):
    values = {"horizontal_axis": [0, 9, 20, 39], "vertical_axis": [0, 14, 39]}
    values |= {"object_size": [0, 1], "object_shape": [1, 5], "camera_height": [0, 1, 2]}
    values[factor] = np.arange(FACTORS[factor])
    codes = grid(**values)
    images = draw(codes)
    column = list(FACTORS).index(factor)
    alike = [images[codes[:, column] == value] for value in values[factor]]
    for i, some in enumerate(alike):
        for others in alike[:i]:
            assert changed(some, others).min() >= 4


@pytest.mark.parametrize("camera", [0, 1, 2])
@pytest.mark.parametrize("moving", ["horizontal_axis", "vertical_axis"])
def test_adjacent_positions_of_a_joint_differ(camera, moving):
    """The hardest case is a small sphere, whose rotation is not visible."""
    resting = ({"horizontal_axis", "vertical_axis"} - {moving}).pop()
    codes = grid(
        object_shape=SPHERE,
        camera_height=camera,
        **{moving: np.arange(40), resting: [0, 10, 20, 30, 39]},
    )
    images = draw(codes)
    last = codes[:, list(FACTORS).index(moving)]
    order = np.lexsort([last, codes[:, list(FACTORS).index(resting)]])
    images = images[order].reshape(5, 40, 64, 64, 3)
    pairs = (part.reshape(-1, 64, 64, 3) for part in (images[:, :-1], images[:, 1:]))
    assert changed(*pairs).min() >= 8


def test_object_appears_where_the_arm_holds_it():
    codes = grid(
        object_color=2,
        object_shape=SPHERE,
        object_size=[0, 1],
        camera_height=[0, 1, 2],
        background_color=1,
        horizontal_axis=[0, 13, 39],
        vertical_axis=[0, 20, 39],
    )
    images = draw(codes).astype(int)
    red = images[..., 0] > 2 * images[..., 1:].max(axis=-1)
    # angles and lengths as documented: -70 to 70 degrees, -45 to 55 degrees
    yaw = np.deg2rad(-70 + 140 * codes[:, 5] / 39)
    pitch = np.deg2rad(-45 + 100 * codes[:, 6] / 39)
    length = FORE + 0.8 * OBJECT_SIZES[codes[:, 2]]
    flat = UPPER * np.cos(RISE) + length * np.cos(pitch)
    height = 1 + UPPER * np.sin(RISE) + length * np.sin(pitch)
    center = Vector(flat * np.sin(yaw), height, flat * np.cos(yaw))
    at = View.of(CAMERA_HEIGHTS[codes[:, 3]], 64).project(center)
    for axis, expected in ((1, at.x), (2, at.y)):
        found = red.sum(axis=axis) @ (np.arange(64) + 0.5) / red.sum(axis=(1, 2))
        np.testing.assert_allclose(found, expected, atol=0.5)


def test_rays_through_a_projected_point_meet_it():
    rng = np.random.default_rng(0)
    point = Vector(*rng.uniform(-1, 1, (3, 20)))
    view = View.of(rng.uniform(0, 3, 20), 64)
    at = view.project(point)
    rays = view.rays(at.x, at.y)
    eye = Vector(np.zeros(20), view.height, np.full(20, 5.0))
    np.testing.assert_allclose(eye.along(at.z, rays), point, atol=1e-12)


def test_links_keep_their_lengths():
    rng = np.random.default_rng(0)
    arm = pose(rng.uniform(-1, 1, 30), rng.uniform(-1, 1, 30), np.full(30, 0.2))

    def length(start, end):
        return np.linalg.norm(np.subtract(end, start), axis=0)

    np.testing.assert_allclose(length(arm.base, arm.shoulder), 1)
    np.testing.assert_allclose(length(arm.shoulder, arm.elbow), UPPER)
    np.testing.assert_allclose(length(arm.elbow, arm.wrist), FORE)
    np.testing.assert_allclose(length(arm.wrist, arm.center), 0.16)


def test_no_object_is_cut():
    """Neither by the border, nor by the window in which it is drawn."""
    codes = grid(
        object_color=2,
        object_shape=np.arange(6),
        object_size=1,
        camera_height=[0, 1, 2],
        background_color=1,
        horizontal_axis=[0, 10, 20, 39],
        vertical_axis=[0, 20, 39],
    )
    images = draw(codes).astype(int)
    red = images[..., 0] > 2 * images[..., 1:].max(axis=-1)
    assert red.sum(axis=(1, 2)).min() > 20
    assert not red[:, [0, -1]].any()
    assert not red[:, :, [0, -1]].any()
    spheres = red[codes[:, 1] == SPHERE]
    extents = [np.ptp(np.flatnonzero(red.any(axis=0))) for red in spheres]
    heights = [np.ptp(np.flatnonzero(red.any(axis=1))) for red in spheres]
    np.testing.assert_allclose(extents, heights, atol=2)


def test_colour_changes_only_the_object():
    images = draw(grid(object_color=np.arange(6), object_shape=1, horizontal_axis=39))
    touched = (images != images[0]).any(axis=(0, -1))
    rows, columns = np.nonzero(touched)
    assert 40 < touched.sum() < 150
    assert np.ptp(rows) < 16
    assert np.ptp(columns) < 16


def test_background_does_not_change_table_and_object():
    images = draw(grid(object_color=2, background_color=[0, 1, 2], horizontal_axis=20))
    same = (images == images[0]).all(axis=(0, -1))
    assert same[-1].all()
    assert not same[0].any()


def test_horizon_is_lower_for_a_lower_camera():
    images = draw(grid(camera_height=[0, 1, 2], background_color=2, horizontal_axis=39))
    edge = images[:, :, 2].astype(int)  # a column away from the arm
    salmon = edge[..., 0] > 1.3 * edge[..., 2]
    horizon = salmon.sum(axis=1)
    assert np.all(np.diff(horizon) > 4)


def test_rows_do_not_depend_on_their_neighbours(monkeypatch):
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(n, size=60) for n in SIZES], axis=1)
    together = draw(codes, image_size=16)
    alone = np.concatenate([draw(codes[i : i + 1], image_size=16) for i in range(60)])
    np.testing.assert_array_equal(together, alone)
    monkeypatch.setattr(arm_renderer, "VALUES_AT_A_TIME", 3 * 16**2)
    np.testing.assert_array_equal(together, draw(codes, image_size=16))


def test_odd_and_small_images_raise_no_warning():
    for image_size in (8, 9, 33):
        images = draw(grid(object_shape=np.arange(6), horizontal_axis=[0, 20]), image_size)
        assert images.shape == (12, image_size, image_size, 3)


def test_fields(arms):
    assert set(arms) == {"data", "labels", "shared", "nuisances", "DESCR"}
    assert isinstance(arms.data, Modalities)
    assert arms.data["image"].shape == (1000, 16, 16, 3)
    assert arms.data["image"].dtype == np.uint8
    assert arms.data["factors"].shape == (1000, 52)
    assert list(arms.labels["image"]) == list(FACTORS)
    assert arms.shared == ["object_color", "object_shape", "horizontal_axis"]
    assert list(arms.labels["factors"]) == arms.shared
    assert arms.nuisances == [name for name in FACTORS if name not in arms.shared]
    assert "1000 RGB images of 16x16" in arms.DESCR


def test_factors_encode_the_shared_labels_only(arms):
    blocks = np.split(arms.data["factors"], np.cumsum([6, 6]), axis=1)
    for name, block in zip(arms.shared, blocks, strict=True):
        np.testing.assert_array_equal(block.sum(axis=1), 1)
        np.testing.assert_array_equal(block.argmax(axis=1), arms.labels["image"][name])


def test_labels_match_the_images(arms):
    np.testing.assert_array_equal(arms.data["image"], draw(arms.labels["image"], 16))


def test_random_state_makes_it_reproducible():
    first, again, other = (make_arm(40, image_size=8, random_state=s) for s in (1, 1, 2))
    assert first.data["image"].tobytes() == again.data["image"].tobytes()
    assert first.labels["image"].equals(again.labels["image"])
    assert not first.labels["image"].equals(other.labels["image"])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"shared": []}, ValueError, "at least one factor"),
        ({"shared": ["colour"]}, ValueError, "unknown factor 'colour'"),
        ({"shared": "object_size"}, TypeError, r"use \['object_size'\]"),
        ({"n_samples": 0}, ValueError, "n_samples must be"),
        ({"image_size": 7}, ValueError, "image_size must be"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        make_arm(**{"n_samples": 5} | arguments)
