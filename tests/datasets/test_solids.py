"""Rays and solids: against points sampled along each ray, and by properties of convex solids."""

import numpy as np
import pytest

from mibsk.datasets.rendering import _solids as solids
from mibsk.datasets.rendering._solids import FAR, Vector

# whether points (n, 3) are inside, from the descriptions of the solids
INSIDE = {
    "cube": lambda x, y, z: np.maximum(np.maximum(abs(x), abs(y)), abs(z)) <= 0.8,
    "cylinder": lambda x, y, z: (np.hypot(x, z) <= 0.85) & (abs(y) <= 0.9),
    "sphere": lambda x, y, z: x * x + y * y + z * z <= 1,
    "capsule": lambda x, y, z: x * x + (y - np.clip(y, -0.55, 0.55)) ** 2 + z * z <= 0.65**2,
    "hexagonal_prism": lambda x, y, z: (
        (abs(y) <= 0.7)
        & (abs(x) <= 0.95 * np.sqrt(3) / 2)
        & (abs(x) / 2 + abs(z) * np.sqrt(3) / 2 <= 0.95 * np.sqrt(3) / 2)
    ),
    "pyramid": lambda x, y, z: (
        (y >= -0.95) & (np.maximum(abs(x), abs(z)) <= 0.95 * (0.95 - y) / 1.9)
    ),
    "cone": lambda x, y, z: (y >= -0.95) & (y <= 0.95) & (np.hypot(x, z) <= (0.95 - y) / 2),
}
STEPS = np.linspace(0, 6, 6001)
NAMES = list(INSIDE)


def rays(n=300, seed=0, dtype=np.float64):
    """Return rays from a sphere of radius 3, most of which hit a solid in its middle."""
    rng = np.random.default_rng(seed)
    start = rng.standard_normal((n, 3))
    start *= 3 / np.linalg.norm(start, axis=1, keepdims=True)
    direction = 0.6 * rng.standard_normal((n, 3)) - start
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return Vector(*start.T.astype(dtype)), Vector(*direction.T.astype(dtype))


@pytest.mark.parametrize("name", NAMES)
def test_entry_and_exit_agree_with_sampled_points(name):
    origin, direction = rays()
    span = getattr(solids, name)(origin, direction)
    points = (o[:, None] + STEPS * d[:, None] for o, d in zip(origin, direction, strict=True))
    inside = INSIDE[name](*points)
    longer = inside.sum(axis=1) > 2  # shorter intervals may fall between two samples
    assert 100 < longer.sum() < 300
    enter, leave = STEPS[inside.argmax(axis=1)], STEPS[5999 - inside[:, ::-1].argmax(axis=1)]
    np.testing.assert_allclose(span.enter[longer], enter[longer], atol=0.0011)
    np.testing.assert_allclose(span.leave[longer], leave[longer], atol=0.0022)
    never = ~inside.any(axis=1)
    assert np.all(span.leave[never] - span.enter[never] < 0.01)


@pytest.mark.parametrize("name", NAMES)
def test_normals_point_outwards_across_the_surface(name):
    origin, direction = rays(seed=1)
    span = getattr(solids, name)(origin, direction)
    hit = span.leave - span.enter > 0.01
    normal = np.stack(np.broadcast_arrays(*span.normal, span.enter)[:3])[:, hit]
    normal /= np.linalg.norm(normal, axis=0)
    assert np.all((normal * np.stack(direction)[:, hit]).sum(axis=0) < 1e-9)
    point = np.stack(origin.along(span.enter, direction))[:, hit]
    step = 1e-4
    assert not INSIDE[name](*(point + step * normal)).any()
    # near an edge, a step inwards along a normal may leave through an adjacent face
    assert INSIDE[name](*(point - step * normal)).mean() > 0.98


@pytest.mark.parametrize("name", NAMES)
def test_single_precision_hits_what_double_precision_hits(name):
    wide, narrow = (getattr(solids, name)(*rays(seed=2, dtype=d)) for d in (float, np.float32))
    sure = abs(wide.leave - wide.enter) > 0.01
    assert narrow.first_hit().dtype == np.float32
    np.testing.assert_allclose(narrow.first_hit()[sure], wide.first_hit()[sure], rtol=2e-3)


@pytest.mark.parametrize("name", NAMES)
def test_vertical_rays_and_rays_along_the_axes(name):
    steps = Vector(*(np.array([3.0, 0, 0, 0, 3]), np.array([0, 3.0, -3, 0, 3]), np.zeros(5)))
    towards = Vector(np.array([-1.0, 0, 0, 0, 0]), np.array([0, -1.0, 1, 1, -1]), np.zeros(5))
    hits = getattr(solids, name)(steps, towards).first_hit()
    assert np.all((hits[:3] > 1.5) & (hits[:3] < 3))
    assert hits[3] == FAR  # begins inside
    assert hits[4] == FAR  # passes by


def test_ray_that_points_away_hits_nothing():
    origin, direction = rays()
    away = Vector(*(-d for d in direction))
    for name in NAMES:
        assert np.all(getattr(solids, name)(origin, away).first_hit() == FAR)


def test_turning_about_the_vertical_axis():
    cos, sin = np.cos(0.3), np.sin(0.3)
    turned = Vector(0.0, 5.0, 1.0).turned(cos, sin)
    np.testing.assert_allclose(turned, (sin, 5.0, cos))
    np.testing.assert_allclose(turned.turned(cos, -sin), (0, 5, 1), atol=1e-15)


def test_half_heights_match_the_solids():
    for solid, half in solids.HALF_HEIGHT.items():
        up = Vector(np.zeros(1), np.ones(1), np.zeros(1))
        below = Vector(np.zeros(1), np.full(1, -3.0), np.zeros(1))
        np.testing.assert_allclose(solid(below, up).enter, 3 - half, rtol=1e-6)
