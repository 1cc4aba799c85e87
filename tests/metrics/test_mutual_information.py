"""Lower bounds of the mutual information: against the exact value, their laws, the reference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import ortho_group

from mibsk._checks import blocks
from mibsk.metrics import Estimate, gaussian_mutual_information, mutual_information
from mibsk.metrics._gaussian_information import information_by_chance

from .draws import seeds

BOUNDS = ["infonce", "nwj", "mine"]
bounds = pytest.mark.parametrize("bound", BOUNDS)


def draw(rho, d=2, n=200, seed=0):
    """Jointly Gaussian pairs whose columns correlate by rho."""
    X, noise = np.random.default_rng(seed).standard_normal((2, n, d))
    return X, rho * X + np.sqrt(1 - rho**2) * noise


def optimal(rho):
    """Logarithm of the density ratio of such pairs, but for a constant."""

    def critic(X, Y):
        squares = (X**2).sum(1)[:, None] + (Y**2).sum(1)
        return (rho * X @ Y.T - 0.5 * rho**2 * squares) / (1 - rho**2)

    return critic


def exact(rho, d=2):
    return -0.5 * d * np.log(1 - rho**2)


def naive(f, bound, log_z=None):
    """Bounds of an (n, n) matrix of scores, as in a textbook."""
    n = len(f)
    others = f[~np.eye(n, dtype=bool)]
    if bound == "infonce":
        return np.log(n) + np.mean(np.diag(f) - logsumexp(f, axis=1))
    if bound == "mine":
        return np.diag(f).mean() - np.log(np.exp(others).mean())
    g = 1 + f - log_z
    return np.diag(g).mean() - np.exp(g[~np.eye(n, dtype=bool)]).mean() / np.e


def test_reference_value(reference):
    inputs, values = reference("loss_inputs.npz"), reference("loss_values.json")
    found = mutual_information(inputs["z0"], inputs["z1"], temperature=0.1)
    assert found == pytest.approx(values["infonce_mi_lower_bound_rows"], abs=1e-6)


@pytest.mark.parametrize("tile_size", [1, 130, 2**21])
@pytest.mark.parametrize("bound", ["infonce", "mine"])
def test_equals_the_textbook_in_tiles_of_any_size(bound, tile_size, monkeypatch):
    monkeypatch.setattr(blocks, "TILE_SIZE", tile_size)
    X, Y = draw(0.7, n=60)
    found = mutual_information(X, Y, bound=bound, temperature=0.5)
    assert found == pytest.approx(naive(X @ Y.T / 0.5, bound), abs=1e-10)


def test_nwj_equals_the_textbook_on_each_half():
    X, Y = draw(0.7, n=60)
    order = np.random.default_rng(3).permutation(60)
    a, b = np.sort(order[:30]), np.sort(order[30:])
    parts = []
    for fit, rest in ((a, b), (b, a)):
        scores = X[fit] @ Y[fit].T
        log_z = np.log(np.exp(scores[~np.eye(30, dtype=bool)]).mean())
        parts.append(naive(X[rest] @ Y[rest].T, "nwj", log_z))
    found = mutual_information(X, Y, bound="nwj", temperature=1.0, random_state=3)
    assert found == pytest.approx(np.mean(parts), abs=1e-10)


@bounds
@pytest.mark.parametrize("rho", [0.2, 0.4, 0.6])
def test_the_best_critic_reaches_the_exact_value_and_its_variance_is_known(bound, rho):
    found = np.array(
        [
            mutual_information(
                *draw(rho, seed=seed), bound=bound, critic=optimal(rho), return_variance=True
            )
            for seed in range(100)
        ]
    )
    value, deviation = found[:, 0].mean(), found[:, 0].std(ddof=1)
    assert value == pytest.approx(exact(rho), abs=0.02 + 3 * deviation / 10)
    assert value < exact(rho) + 3 * deviation / 10
    assert 0.8 < np.sqrt(found[:, 1].mean()) / deviation < 1.25


def test_infonce_saturates_and_the_variance_of_mine_grows():
    options = {"d": 10, "n": 100}
    weak, strong = draw(0.5, **options), draw(0.95, **options)
    assert exact(0.95, 10) > np.log(100) + 5
    value = mutual_information(*strong, critic=optimal(0.95))
    assert np.log(100) - 0.3 < value <= np.log(100)
    variances = [
        mutual_information(*pair, bound="mine", critic=optimal(rho), return_variance=True)[1]
        for pair, rho in ((weak, 0.5), (strong, 0.95))
    ]
    assert variances[1] > 5 * variances[0]


@bounds
def test_the_best_temperature_is_a_bound_and_better_than_others(bound):
    X, Y = draw(0.6, d=4, n=400)
    best = mutual_information(X, Y, bound=bound)
    assert 0.5 * exact(0.6, 4) < best < exact(0.6, 4)
    for temperature in (0.3, 30.0):
        assert mutual_information(X, Y, bound=bound, temperature=temperature) < best
    found = np.array([mutual_information(*draw(0.0, seed=s), bound=bound) for s in range(30)])
    assert found.mean() < 3 * found.std() / np.sqrt(30) + 1e-3


@settings(deadline=None, max_examples=10)
@given(seeds, st.sampled_from(BOUNDS))
def test_laws(seed, bound):
    rng = np.random.default_rng(seed)
    X, Y = draw(0.7, d=3, n=50, seed=seed)
    found = mutual_information(X, Y, bound=bound, temperature=1.0)
    rotation = ortho_group.rvs(3, random_state=rng)
    rotated = mutual_information(X @ rotation, Y @ rotation, bound=bound, temperature=1.0)
    assert rotated == pytest.approx(found, abs=1e-9)
    scaled = mutual_information(10 * X, Y, bound=bound, temperature=10.0)
    assert scaled == pytest.approx(found, abs=1e-9)
    if bound != "nwj":  # whose halves are those of the rows' places
        order = rng.permutation(50)
        mixed = mutual_information(X[order], Y[order], bound=bound, temperature=1.0)
        assert mixed == pytest.approx(found, abs=1e-9)
    if bound == "infonce":
        assert found <= np.log(50)
    else:
        swapped = mutual_information(Y, X, bound=bound, temperature=1.0)
        assert swapped == pytest.approx(found, abs=1e-9)
    best = mutual_information(X, Y, bound=bound)
    assert mutual_information(1e-150 * X, 1e200 * Y, bound=bound) == pytest.approx(best, abs=1e-6)


def test_noise_lowers_every_bound():
    X, noise = np.random.default_rng(0).standard_normal((2, 500, 3))
    for bound in BOUNDS:
        found = [mutual_information(X, X + s * noise, bound=bound) for s in (0.3, 1, 3)]
        assert found == sorted(found, reverse=True)


@bounds
@pytest.mark.parametrize("temperature", [None, 1.0])
def test_tensors_on_an_accelerator_agree_in_float32(bound, temperature, accelerated):
    X, Y = draw(0.6, n=100)
    expected = mutual_information(X, Y, bound=bound, temperature=temperature)
    found = mutual_information(accelerated(X), accelerated(Y), bound=bound, temperature=temperature)
    assert found == pytest.approx(expected, abs=1e-4)


@bounds
def test_interval(bound):
    options = {"bound": bound, "critic": optimal(0.6)}
    estimate, variance = mutual_information(*draw(0.6), ci=0.95, return_variance=True, **options)
    assert isinstance(estimate, Estimate)
    assert estimate.value == pytest.approx(mutual_information(*draw(0.6), **options))
    assert estimate.replicates.std() == pytest.approx(np.sqrt(variance), rel=0.1)
    hits = 0
    for seed in range(100):
        found = mutual_information(*draw(0.6, seed=seed), ci=0.9, **options)
        hits += found.low <= exact(0.6) <= found.high
    assert 80 <= hits <= 97


def test_few_and_equal_rows():
    ones = np.ones((6, 2))
    for bound in BOUNDS:
        assert mutual_information(ones, ones, bound=bound) == pytest.approx(0, abs=1e-12)
    assert mutual_information(np.eye(2), np.eye(2), temperature=1.0) < np.log(2)
    with pytest.raises(ValueError, match="at least 4 are needed, got 3"):
        mutual_information(np.eye(3), np.eye(3))


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"bound": "MINE"}, ValueError, "bound must be one of"),
        ({"temperature": 0}, ValueError, "temperature must be a finite number >= 1e-12"),
        ({"temperature": "cold"}, TypeError, "temperature must be a finite number"),
        ({"critic": "dot"}, TypeError, "critic must be a function"),
        ({"critic": optimal(0.1), "temperature": 1.0}, ValueError, "pass it or critic, not both"),
        ({"critic": lambda X, Y: X}, ValueError, r"shape \(200, 200\), got \(200, 2\)"),
        ({"critic": lambda X, Y: X @ Y.T * 1e99}, ValueError, "at most 1e"),
        ({"critic": lambda X, Y: X @ Y.T * np.nan}, ValueError, "NaN or infinite"),
        ({"random_state": -1}, ValueError, "random_state must be"),
        ({"random_state": "a"}, TypeError, "random_state must be"),
    ],
)
def test_bad_arguments(options, error, match):
    with pytest.raises(error, match=match):
        mutual_information(*draw(0.5), **options)


def test_scores_too_large_are_refused():
    X, Y = draw(0.5)
    with pytest.raises(ValueError, match="scores must be at most"):
        mutual_information(1e200 * X, 1e200 * Y, temperature=1.0)
    with pytest.raises(ValueError, match="must lie in one space"):
        mutual_information(X, Y[:, :1])
    huge = np.r_[[1e4], np.ones(9)][:, None]
    with pytest.raises(ValueError, match="nwj bound is below"):
        mutual_information(huge, huge[::-1], bound="nwj", temperature=1.0)


class TestGaussian:
    """The exact value."""

    def test_known_value(self):
        X, Y = draw(0.6, d=3, n=200_000)
        assert gaussian_mutual_information(X, Y) == pytest.approx(exact(0.6, 3), abs=0.01)

    def test_hand_value(self):
        x = np.array([1.0, -1, 1, -1, 0, 0])[:, None]
        y = np.array([1.0, -1, 0, 0, 1, -1])[:, None]  # correlation 1/2
        assert gaussian_mutual_information(x, y) == pytest.approx(-0.5 * np.log(3 / 4))

    @settings(deadline=None, max_examples=20)
    @given(seeds, st.integers(1, 4), st.integers(1, 4))
    def test_equals_determinants_and_is_invariant(self, seed, d, e):
        rng = np.random.default_rng(seed)
        both = rng.standard_normal((40, d + e)) @ rng.standard_normal((d + e, d + e))
        X, Y = both[:, :d], both[:, d:]
        found = gaussian_mutual_information(X, Y)
        log_det = [np.linalg.slogdet(np.atleast_2d(np.cov(Z.T)))[1] for Z in (X, Y, both)]
        assert found == pytest.approx((log_det[0] + log_det[1] - log_det[2]) / 2, rel=1e-5)
        assert found >= 0
        assert gaussian_mutual_information(Y, X) == pytest.approx(found, rel=1e-6)
        moved = 1e150 * X @ ortho_group.rvs(d, random_state=rng) if d > 1 else 1e-150 * X - 1e-150
        order = rng.permutation(40)
        assert gaussian_mutual_information(moved[order], Y[order]) == pytest.approx(found, rel=1e-6)

    def test_accelerator_and_interval(self, accelerated):
        X, Y = draw(0.6, d=3, n=500)
        expected = gaussian_mutual_information(X, Y)
        found = gaussian_mutual_information(X, Y, ci=0.95)
        assert found.value == expected
        assert found.low < exact(0.6, 3) < found.high
        tensors = map(accelerated, (X, Y))
        assert gaussian_mutual_information(*tensors) == pytest.approx(expected, abs=1e-4)

    def test_infinite_information_is_refused(self):
        X, Y = draw(0.6)
        for other in (X, 2 * X[:, :1] + 1, np.c_[Y, Y[:, 0]], np.c_[Y, np.ones(200)]):
            with pytest.raises(ValueError, match="infinite or undefined"):
                gaussian_mutual_information(X, other)
        with pytest.raises(ValueError, match="pass at least 6 rows"):
            gaussian_mutual_information(X[:5], Y[:5])


@pytest.mark.parametrize(("n", "d_x", "d_y"), [(20, 2, 3), (30, 10, 12), (60, 1, 50)])
def test_gaussian_information_of_independent_rows(n, d_x, d_y):
    rng = np.random.default_rng(0)
    values = [
        gaussian_mutual_information(rng.standard_normal((n, d_x)), rng.standard_normal((n, d_y)))
        for _ in range(200)
    ]
    expected = information_by_chance(n, d_x, d_y)
    error = np.std(values) / np.sqrt(200)
    assert np.mean(values) == pytest.approx(expected, abs=4 * error)
    assert expected == pytest.approx(information_by_chance(n, d_y, d_x))
    assert information_by_chance(d_x + d_y + 1, d_x, d_y) == np.inf
