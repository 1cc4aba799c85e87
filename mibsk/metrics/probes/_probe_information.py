"""Information that probes find in a representation."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..._checks.devices import FloatMatrix, double, to_numpy
from ..._checks.groups import Groups, as_groups_of_parts
from ..._checks.matrices import as_matrix, check_same_columns
from ..._checks.parameters import check_seed
from ..._checks.row_names import check_row_names
from ._damped_whitening import damped_whitening
from ._factors import Factor, encode_factors, scale_alike
from ._outputs import PROBES, linear_outputs, mlp_outputs
from ._penalty import USUAL, Penalty, check_penalty, choose_penalties

COLUMNS = [
    "entropy",
    "cross_entropy",
    "information",
    "fraction",
    "accuracy",
    "n_classes",
    "r2",
    "l2",
]


def probe_information(
    Z: ArrayLike,
    labels: ArrayLike | pd.DataFrame | Mapping[Any, ArrayLike],
    *,
    Z_test: ArrayLike,
    labels_test: ArrayLike | pd.DataFrame | Mapping[Any, ArrayLike],
    l2: Penalty = "auto",
    probe: str = "linear",
    task: str | Mapping[Any, str] = "auto",
    groups: ArrayLike | None = None,
    groups_test: ArrayLike | None = None,
    random_state: int | None = 0,
) -> pd.DataFrame:
    r"""Information about factors that probes find in a representation, in nats.

    For a factor of classes, a multinomial logistic regression :math:`q(n \mid z)`, trained on
    `Z`, gives on held-out rows the lower bound

    .. math:: I(Z; n) \ge H(n) - \mathbb E[-\log q(n \mid z)]

    of the mutual information [1]_, up to sampling error. For a factor of real numbers, a ridge
    regression gives :math:`R^2`, and :math:`-\frac12 \log(1 - R^2)`, which is the information if
    the factor and the prediction are jointly Gaussian.

    The inputs are whitened with the principal components of the training rows, so the result does
    not depend on an invertible linear map of `Z` (nearly so: directions of almost no variance are
    damped). All factors are fitted in one solve, to convergence, each to the minimum of

    .. math:: \frac1n \sum_i -\log q(n_i \mid z_i) + \frac{\lambda}{2n} \|W\|^2
              \quad\text{or}\quad \|y - \hat y\|^2 + \lambda \|w\|^2

    With few rows per class and a weak penalty :math:`\lambda` the probe overfits: on held-out rows
    it is then worse than the marginal, and seems to find no information. So ``l2="auto"`` tries
    0.1, 1, 10, ..., 10,000 and takes for each factor the one with the least cross-entropy, or
    squared error, on a random fifth of the training rows after a fit of the others. Then all
    training rows are fitted. Held-out rows are not used.

    ``probe="mlp"`` adds a hidden layer of 64 units per factor to the linear probe, which it starts
    from, and so finds nonlinear information too. The number of steps is chosen for each factor on
    a fifth of the training rows; if it is 0, the probe is the linear one.

    Parameters
    ----------
    Z : array-like or tensor of shape (n_train, n_features)
        Representations to train the probes on.
    labels : array-like of shape (n_train,), DataFrame or mapping name -> array-like
        Classes or real numbers: one factor, or several.
    Z_test : array-like or tensor of shape (n_test, n_features)
        Held-out representations.
    labels_test : like `labels`, with n_test rows
        The same factors; each class must occur in `labels`.
    l2 : float or "auto", default="auto"
        Penalty :math:`\lambda` of the probes' weights: scikit-learn's ``1 / C`` and `alpha`.
        ``"auto"`` chooses one for each factor; it is 1 if fewer than 5 rows of that fifth are of
        classes that the other rows have, or these are all of one class. A hidden layer has that
        number as its penalty, and 1 for ``"auto"``.
    probe : {"linear", "mlp"}, default="linear"
        The probe.
    task : {"auto", "classification", "regression"} or mapping factor -> one of them, default="auto"
        What the labels are: classes, or real numbers. ``"auto"`` treats floating point labels
        that are not all integers as real numbers, all others as classes.
    groups : array-like of shape (n_train,), default=None
        Groups of rows that are not independent, such as recordings of one speaker: rows of one
        group are held out together where `l2` and the number of steps are chosen.
    groups_test : array-like of shape (n_test,), default=None
        Groups of the held-out rows, none of which may be in `groups`; required with `groups`.
    random_state : int or None, default=0
        Seed of ``probe="mlp"`` and of the fifth for ``l2="auto"``; None: a new one in each call.

    Returns
    -------
    DataFrame
        One row per factor; a single factor is named after its Series, or ``"label"``. Columns
        that apply to no factor are left out; where one does not apply it is NaN:

        - ``entropy`` of the held-out classes and ``cross_entropy``, in nats;
        - ``information`` in nats: their difference, or :math:`-\frac12\log(1 - R^2)`; negative for
          a probe worse than the marginal, or than the mean;
        - ``fraction``: information over entropy, or :math:`R^2`, clipped to [0, 1];
        - ``accuracy`` and ``n_classes`` in training, of classes;
        - ``r2``: :math:`R^2`, of real numbers; negative for a probe worse than the mean;
        - `l2`: the penalty of the linear probe.

    Raises
    ------
    ValueError, TypeError
        If the shapes do not fit together, a factor is constant or does not suit its task, a
        held-out class is not in training, a group is in both parts, or a parameter is out of range.

    Warns
    -----
    ConvergenceWarning
        If the solve ends before its tolerance.

    References
    ----------
    .. [1] Pimentel et al., "Information-Theoretic Probing for Linguistic Structure", ACL 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import probe_information
    >>> Z = np.random.default_rng(0).standard_normal((400, 2))
    >>> factors = {"sign": Z[:, 0] > 0, "chance": np.arange(400) % 2, "sum": Z.sum(axis=1)}
    >>> test = {name: column[300:] for name, column in factors.items()}
    >>> train = {name: column[:300] for name, column in factors.items()}
    >>> found = probe_information(Z[:300], train, Z_test=Z[300:], labels_test=test)
    >>> found["fraction"].round(1)
    sign      0.9
    chance    0.0
    sum       1.0
    Name: fraction, dtype: float64
    """
    found = predict_factors(
        Z,
        labels,
        Z_test,
        labels_test,
        l2=l2,
        probe=probe,
        task=task,
        random_state=random_state,
        groups=groups_of_parts(Z, groups, Z_test, groups_test)[0],
    )
    rows = [each.factor.row(each.outputs) | {"l2": each.l2} for each in found.values()]
    table = pd.DataFrame(rows, index=pd.Index(list(found)), columns=COLUMNS)
    return table.dropna(axis="columns", how="all")


class Predicted(NamedTuple):
    """A factor, the outputs of its probe for the held-out rows, and the probe's penalty."""

    factor: Factor
    outputs: FloatMatrix  # (n_test, n_outputs)
    l2: float


def predict_factors(
    Z: ArrayLike,
    labels: Any,
    Z_test: ArrayLike,
    labels_test: Any,
    *,
    l2: Penalty,
    probe: str,
    task: str | Mapping[Any, str],
    random_state: int | None,
    groups: Groups,
) -> dict[Any, Predicted]:
    """Fit a probe for each factor; what is chosen is chosen on whole groups of training rows."""
    check_row_names({"Z": Z, "labels": labels})
    check_row_names({"Z_test": Z_test, "labels_test": labels_test})
    Z, Z_test = (
        double(to_numpy(X)) for X in (as_matrix(Z, "Z"), as_matrix(Z_test, "Z_test", min_rows=1))
    )
    check_same_columns(Z, Z_test, ("Z", "Z_test"))
    check_penalty(l2)
    check_probe(probe)
    check_seed(random_state)
    factors = encode_factors(labels, len(Z), labels_test, len(Z_test), task)
    Z, Z_test = scale_alike(Z, Z_test, ("Z", "Z_test"))
    mean, components = damped_whitening(Z)
    white, white_test = (Z - mean) @ components, (Z_test - mean) @ components
    every = list(factors.values())
    seed = int(np.random.default_rng(random_state).integers(2**32))
    if isinstance(l2, str):
        penalties, l2 = choose_penalties(white, every, seed, groups), USUAL
    else:
        penalties = np.full(len(every), float(l2))
    if probe == "linear":
        outputs = linear_outputs(white, white_test, every, penalties)
    else:
        outputs = mlp_outputs(white, white_test, every, penalties, l2=l2, seed=seed, groups=groups)
    found = map(Predicted, every, outputs, penalties.tolist())
    return dict(zip(factors, found, strict=True))


def predicted_outputs(
    Z: FloatMatrix,
    labels: "pd.Series[Any]",
    Z_test: FloatMatrix,
    labels_test: "pd.Series[Any]",
    *,
    l2: Penalty,
    probe: str,
    random_state: int | None,
    groups: Groups,
) -> tuple[NDArray[np.intp], FloatMatrix]:
    """Return the codes of held-out classes (n_test,), and a probe's logits (n_test, n_classes)."""
    [found] = predict_factors(
        Z,
        labels,
        Z_test,
        labels_test,
        l2=l2,
        probe=probe,
        task="classification",
        random_state=random_state,
        groups=groups,
    ).values()
    return found.factor.test.astype(np.intp), found.outputs


def groups_of_parts(Z: Any, groups: Any, Z_test: Any, groups_test: Any) -> tuple[Groups, Groups]:
    """Return the groups of the training and of the held-out rows, as numbers."""
    if groups is None and groups_test is None:
        return None, None
    check_row_names({"Z": Z, "groups": groups})
    check_row_names({"Z_test": Z_test, "groups_test": groups_test})
    n, n_test = len(as_matrix(Z, "Z")), len(as_matrix(Z_test, "Z_test", min_rows=1))
    return as_groups_of_parts(groups, n, groups_test, n_test)


def check_probe(probe: Any) -> None:
    """Raise unless `probe` is a known name."""
    if not isinstance(probe, str) or probe not in PROBES:
        raise ValueError(f"probe must be one of {PROBES}, got {probe!r}.")
