"""Lower bounds of the mutual information of paired embeddings, computed in tiles of scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, overload

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

from .._checks import blocks
from .._checks.blocks import tiles
from .._checks.devices import Matrix, double, to_numpy
from .._checks.magnitudes import in_range, largest_magnitude
from .._checks.matrices import as_matrix, as_pair, check_same_columns
from .._checks.parameters import check_positive, check_seed
from ._description import SQUARE, Description
from .rows import take_rows
from .statistics import CI, Bootstrap, Estimate, Values, check_groups, over_values

BOUNDS = ("infonce", "nwj", "mine")
LARGEST = 1e30  # score whose sums stay finite, also in float32
SEARCHED = 7.0  # largest difference of log temperature from the log of the scores' spread

Critic = Callable[[Any, Any], Any]


@overload
def mutual_information(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    bound: str = "infonce",
    temperature: float | None = None,
    critic: Critic | None = None,
    random_state: int | None = 0,
    return_variance: Literal[False] = False,
    ci: None = None,
) -> float: ...
@overload
def mutual_information(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    bound: str = "infonce",
    temperature: float | None = None,
    critic: Critic | None = None,
    random_state: int | None = 0,
    return_variance: Literal[False] = False,
    ci: float | Bootstrap,
) -> Estimate: ...
@overload
def mutual_information(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    bound: str = "infonce",
    temperature: float | None = None,
    critic: Critic | None = None,
    random_state: int | None = 0,
    return_variance: Literal[True],
    ci: CI = None,
) -> tuple[float | Estimate, float]: ...
def mutual_information(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    bound: str = "infonce",
    temperature: float | None = None,
    critic: Critic | None = None,
    random_state: int | None = 0,
    return_variance: bool = False,
    ci: CI = None,
) -> float | Estimate | tuple[float | Estimate, float]:
    r"""Lower bound of the mutual information of two representations, in nats.

    With a critic :math:`f(x, y) = x^\top y / \tau`, which is best where it is the logarithm of the
    density ratio :math:`p(x, y) / p(x)p(y)` plus a constant, and :math:`Z = \mathbb E_{i \ne j}
    e^{f(x_i, y_j)}`:

    - ``"infonce"`` [1]_: :math:`\log n + \mathbb E_i [f(x_i, y_i) - \log \sum_j e^{f(x_i, y_j)}]`,
      never above :math:`\log n` and of low variance;
    - ``"nwj"`` [2]_: :math:`\mathbb E_i [g(x_i, y_i)] - e^{-1} \mathbb E_{i \ne j}
      [e^{g(x_i, y_j)}]` with :math:`g = 1 + f - \log Z'`, where :math:`Z'` is the :math:`Z` of
      other rows, so that no row helps to choose its own critic: unbiased;
    - ``"mine"`` [3]_: :math:`\mathbb E_i [f(x_i, y_i)] - \log Z`, the bound of Donsker and
      Varadhan, biased upwards for few rows.

    The variance of the last two grows exponentially with the information [4]_, [5]_: beyond some
    :math:`\log n` nats, no sample of :math:`n` rows shows how much there is, and the variance that
    is estimated from the sample is too small as well.

    If the temperature is not given, and for :math:`Z'` of ``"nwj"``, these are chosen on a random
    half of the rows and the bound is computed on the other half, and vice versa; the value is the
    mean, and :math:`n` the size of a half.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features)
        One representation.
    Y : array-like or tensor of shape (n_samples, n_features)
        Another one; row `i` is the partner of row `i` of `X`.
    bound : {"infonce", "nwj", "mine"}, default="infonce"
        The bound.
    temperature : float, default=None
        :math:`\tau`; None: the one that maximises the bound.
    critic : callable, default=None
        In place of the inner product: ``(X_rows (m, d_x), Y (n, d_y)) -> scores (m, n)``; the
        numbers of columns may then differ.
    random_state : int or None, default=0
        Seed of the halves; None: new ones in each call.
    return_variance : bool, default=False
        Return the variance of the estimate too.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval such as 0.95, or its settings; None: no interval.

    Returns
    -------
    float or Estimate
        May be negative, for a bad critic or a small sample. With `ci` an :class:`Estimate`, from
        rows drawn with replacement; the effect of a row is its influence, that is, of first order.
    variance : float
        If `return_variance`: the variance of the influences over the number of rows.

    Raises
    ------
    ValueError, TypeError
        If shapes do not fit together, a parameter is out of range, there are too few rows, or the
        scores are too large to be added up.

    References
    ----------
    .. [1] van den Oord, Li and Vinyals, "Representation Learning with Contrastive Predictive
       Coding", arXiv 1807.03748, 2018.
    .. [2] Nguyen, Wainwright and Jordan, "Estimating Divergence Functionals and the Likelihood
       Ratio by Convex Risk Minimization", IEEE Transactions on Information Theory 56, 2010.
    .. [3] Belghazi et al., "Mutual Information Neural Estimation", ICML 2018.
    .. [4] Song and Ermon, "Understanding the Limitations of Variational Mutual Information
       Estimators", ICLR 2020.
    .. [5] McAllester and Stratos, "Formal Limitations on the Measurement of Mutual Information",
       AISTATS 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import gaussian_mutual_information, mutual_information
    >>> X, noise = np.random.default_rng(0).standard_normal((2, 1000, 3))
    >>> Y = X + noise
    >>> mutual_information(X, Y) < gaussian_mutual_information(X, Y)
    True
    >>> value, variance = mutual_information(X, Y, bound="mine", return_variance=True)
    >>> 0.5 < value < 1.1, 0.01 < variance**0.5 < 0.1
    (True, True)
    """
    if not isinstance(bound, str) or bound not in BOUNDS:
        raise ValueError(f"bound must be one of {BOUNDS}, got {bound!r}.")
    check_seed(random_state)
    check_groups(ci, {"X": X, "Y": Y})
    X, Y = as_pair(X, Y)
    if critic is None:
        check_same_columns(X, Y)
    elif not callable(critic):
        raise TypeError(f"critic must be a function of (X, Y), got {type(critic).__name__}.")
    elif temperature is not None:
        raise ValueError("temperature is that of the inner product: pass it or critic, not both.")
    chosen = None if critic is None else _checked(critic)
    if temperature is not None:
        check_positive("temperature", temperature)
        reach = X.shape[1] * largest_magnitude(X) * largest_magnitude(Y) / temperature
        if not reach <= LARGEST:
            raise ValueError(
                f"scores must be at most {LARGEST:g}, these may be {reach:.0e}: scale the "
                f"embeddings, or pass temperature=None."
            )
        chosen = _inner_products(float(temperature))
    if chosen is None:
        X, Y = in_range(X), in_range(Y)
    n = len(X)
    if chosen is not None and bound != "nwj":
        at_once, values = n, _influences(chosen, X, Y, bound)
    else:
        at_once, values = n - n // 2, _cross_fitted(chosen, X, Y, bound, random_state)
    largest = np.log(at_once) if bound == "infonce" else np.inf
    found = over_values(values, ci, (-np.inf, largest))
    return (found, float(values.var(ddof=1) / n)) if return_variance else found


def _inner_products(temperature: float) -> Critic:
    return lambda X, Y: X @ Y.T / temperature


def _checked(critic: Critic) -> Critic:
    """Return a critic that checks its scores, and returns them as a new matrix."""

    def checked(X: Matrix, Y: Matrix) -> Matrix:
        scores = as_matrix(critic(X, Y), "critic(X, Y)", min_rows=1)
        if tuple(scores.shape) != (len(X), len(Y)):
            raise ValueError(
                f"critic(X, Y) must give a score for each row of X with each of Y, of shape "
                f"{(len(X), len(Y))}, got {tuple(scores.shape)}."
            )
        if (largest := largest_magnitude(scores)) > LARGEST:
            raise ValueError(
                f"critic(X, Y) must be at most {LARGEST:g}, got {largest:g}: it is the logarithm "
                f"of a ratio of densities."
            )
        return double(array_namespace(scores).asarray(scores, copy=True))

    return checked


def _cross_fitted(
    critic: Critic | None, X: Matrix, Y: Matrix, bound: str, random_state: int | None
) -> Values:
    """Return one value per row, (n,), for which choices were made on the other half of the rows."""
    n = len(X)
    if n < 4:
        raise ValueError(
            f"half of the rows are used to choose the critic, so at least 4 are needed, got {n}: "
            f"pass more samples."
        )
    order = np.random.default_rng(random_state).permutation(n)
    halves = np.sort(order[: n // 2]), np.sort(order[n // 2 :])
    values = np.empty(n)
    for fit, rest in (halves, halves[::-1]):
        fitted = take_rows(X, fit), take_rows(Y, fit)
        chosen = critic or _inner_products(_best_temperature(*fitted, bound))
        log_z = _sums(chosen, *fitted).log_z if bound == "nwj" else 0.0
        values[rest] = _influences(chosen, take_rows(X, rest), take_rows(Y, rest), bound, log_z)
    return values


def _best_temperature(X: Matrix, Y: Matrix, bound: str) -> float:
    """Return the temperature of the largest bound; it is unique, as the bound is concave in 1/τ."""
    rows = np.arange(min(len(X), int(blocks.TILE_SIZE**0.5)))
    X, Y = double(take_rows(X, rows)), double(take_rows(Y, rows))
    scores = to_numpy(X @ Y.T).astype(np.float64)
    spread = float(scores.std())
    if spread <= 1e-12 * np.abs(scores).max():
        return max(float(np.abs(scores).max()), 1.0)
    positive = np.diag(scores).mean()
    # (n, n) for the sums of rows; or all pairs of different rows, for their sum
    others = scores if bound == "infonce" else scores[None, ~np.eye(len(rows), dtype=bool)]
    peaks = others.max(axis=1, keepdims=True)
    others = others - peaks  # exp of these, at any temperature, cannot overflow
    exponents = np.empty_like(others)

    def loss(log_temperature: float) -> float:
        sharp = np.exp(-log_temperature)
        np.exp(np.multiply(others, sharp, out=exponents), out=exponents)
        normaliser = (np.log(exponents.sum(axis=1)) + sharp * peaks[:, 0]).mean()
        return float(normaliser - positive * sharp)

    centre = np.log(spread)
    found = minimize_scalar(
        loss,
        bounds=(centre - SEARCHED, centre + SEARCHED),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))


class _Sums(NamedTuple):
    """Sums of the scores f(x_i, y_j) that the bounds are made of, each of shape (n,)."""

    positive: Values  # f(x_i, y_i)
    log_sum: Values  # log Σ_j exp f(x_i, y_j)
    received: Values  # Σ_i softmax_j f(x_i, y_j) of each column j
    rows: Values  # Σ_j≠i exp f(x_i, y_j), over its mean
    columns: Values  # Σ_i≠j exp f(x_i, y_j), over its mean
    log_z: float  # log of the mean over i ≠ j of exp f(x_i, y_j)


def _sums(critic: Critic, X: Matrix, Y: Matrix) -> _Sums:
    """Add up the (n, n) scores in tiles (t, n) of rows, so that memory stays bounded."""
    n, Y = len(Y), double(Y)
    positive, log_sum, received, rows, columns = np.zeros((5, n))
    peak = -np.inf  # largest score so far: rows and columns are in units of exp(peak)
    for tile in tiles(n, n):
        scores = critic(double(X[tile]), Y)  # (t, n)
        xp = array_namespace(scores)
        here, there = np.arange(tile.stop - tile.start), np.arange(tile.start, tile.stop)
        positive[tile] = to_numpy(scores[here, there])
        peaks = xp.max(scores, axis=1, keepdims=True)  # (t, 1): exp of a difference cannot overflow
        shares = xp.exp(scores - peaks)
        total = xp.sum(shares, axis=1, keepdims=True)
        log_sum[tile] = to_numpy((peaks + xp.log(total))[:, 0])
        received += to_numpy(xp.sum(shares / total, axis=0))
        scores[here, there] = -np.inf  # the sums below are over i ≠ j
        highest = float(xp.max(scores))
        if highest > peak:
            rows, columns = (part * np.exp(peak - highest) for part in (rows, columns))
            peak = highest
        others = xp.exp(scores - peak)
        rows[tile] = to_numpy(xp.sum(others, axis=1))
        columns += to_numpy(xp.sum(others, axis=0))
    mean = rows.mean()
    log_z = peak + np.log(mean / (n - 1))
    return _Sums(positive, log_sum, received, rows / mean, columns / mean, float(log_z))


def _influences(
    critic: Critic, X: Matrix, Y: Matrix, bound: str, log_z: float = 0.0
) -> NDArray[np.float64]:
    """Return one value per row, whose mean is the bound: the bound plus the row's influence on it.

    A row enters as a pair, and as one half of each pair with another row.
    """
    sums = _sums(critic, X, Y)
    if bound == "infonce":
        return np.log(len(X)) + sums.positive - sums.log_sum - (sums.received - 1)
    others = sums.rows + sums.columns - 1  # of mean 1
    if bound == "mine":
        return sums.positive - sums.log_z - (others - 1)
    excess = sums.log_z - log_z
    if excess > 200:
        raise ValueError(
            f"the nwj bound is below -exp({excess:.0f}): a few pairs have scores far above those "
            f"of all others; raise the temperature, or use another bound."
        )
    return 1 + sums.positive - log_z - np.exp(excess) * others


MUTUAL_INFORMATION = Description(
    metric=mutual_information,
    name="mutual_information",
    title="Mutual information, InfoNCE",
    group="information",
    better="higher",
    meaning="Nats that the sides are sure to share; no more than the logarithm of the rows.",
    source='van den Oord, Li and Vinyals, "Representation Learning with Contrastive Predictive '
    'Coding", arXiv 1807.03748, 2018',
    directions=True,
    one_space=True,
    span="log n",
    max_rows=SQUARE,
)
