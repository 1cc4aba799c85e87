"""Information that a linear probe finds in a representation."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp
from scipy.stats import entropy as empirical_entropy

from ._arrays import (
    FloatMatrix,
    as_factors,
    as_matrix,
    check_positive,
    check_same_columns,
    is_single_factor,
)
from ._multinomial import fit_multinomials

RIDGE = 1e-6  # of the largest variance: directions below it are noise, and stay small
NULL = 1e-12  # of the largest variance: directions below it are rounding, and are dropped


def probe_information(
    Z: ArrayLike,
    labels: ArrayLike | pd.DataFrame | Mapping[Any, ArrayLike],
    *,
    Z_test: ArrayLike,
    labels_test: ArrayLike | pd.DataFrame | Mapping[Any, ArrayLike],
    l2: float = 1.0,
) -> pd.DataFrame:
    r"""Information about factors that linear probes find in a representation, in nats.

    A multinomial logistic regression :math:`q(n \mid z)` per factor, trained on ``Z``, gives on
    held-out rows the lower bound

    .. math:: I(Z; n) \ge H(n) - \mathbb E[-\log q(n \mid z)]

    of the mutual information [1]_, up to sampling error. The inputs are whitened with the principal
    components of the training rows, so the result does not depend on an invertible linear map of
    ``Z`` (nearly so: directions of almost no variance are damped). All factors are fitted in one
    solve, to convergence.

    Parameters
    ----------
    Z : array-like or tensor of shape (n_train, n_features)
        Representations to train the probes on.
    labels : array-like of shape (n_train,), DataFrame or mapping name -> array-like
        Classes of one factor, or of several.
    Z_test : array-like or tensor of shape (n_test, n_features)
        Held-out representations.
    labels_test : like ``labels``, with n_test rows
        Classes of the same factors; each class must occur in ``labels``.
    l2 : float, default=1.0
        Penalty of the probes' weights: scikit-learn's ``1 / C``.

    Returns
    -------
    DataFrame
        One row per factor; a single factor is named after its Series, or ``"label"``. Columns:
        ``entropy`` of the held-out labels, ``cross_entropy``, ``information`` (their difference,
        negative for a probe worse than the marginal) in nats; ``fraction``, information over
        entropy clipped to [0, 1]; ``accuracy``; ``n_classes`` in training.

    Raises
    ------
    ValueError
        If the shapes do not fit together, a factor is constant, or a held-out class was never seen.

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
    >>> factors = {"sign": Z[:, 0] > 0, "chance": np.arange(400) % 2}
    >>> test = {name: column[300:] for name, column in factors.items()}
    >>> train = {name: column[:300] for name, column in factors.items()}
    >>> found = probe_information(Z[:300], train, Z_test=Z[300:], labels_test=test)
    >>> found["fraction"].round(1)
    sign      0.8
    chance    0.0
    Name: fraction, dtype: float64
    """
    Z, Z_test = as_matrix(Z, "Z"), as_matrix(Z_test, "Z_test", min_rows=1)
    check_same_columns(Z, Z_test, ("Z", "Z_test"))
    check_positive(l2, "l2")
    train = as_factors(labels, len(Z), "labels")
    test = as_factors(labels_test, len(Z_test), "labels_test")
    if is_single_factor(labels) and is_single_factor(labels_test):
        test = dict(zip(train, test.values(), strict=True))  # the name is the training one
    if set(train) != set(test):
        raise ValueError(
            f"labels and labels_test must hold the same factors, got {list(train)} and {list(test)}"
        )
    encoded = [_encode(name, train[name], test[name]) for name in train]
    codes, codes_test, n_classes = zip(*encoded, strict=True)

    Z, Z_test = _in_range(Z, Z_test)
    mean, components = _whitening(Z)
    fit = fit_multinomials((Z - mean) @ components, codes, n_classes, l2=l2)
    logits = (Z_test - mean) @ components @ fit.coef.T + fit.intercept
    scores = [
        _score(logits[:, columns], code)
        for columns, code in zip(fit.segments, codes_test, strict=True)
    ]
    table = pd.DataFrame(scores, index=pd.Index(list(train)))
    return table.assign(n_classes=n_classes)


def _encode(
    name: Any, train: "pd.Series[Any]", test: "pd.Series[Any]"
) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """Return class codes from 0 in training and held-out rows, and the number of classes."""
    codes, classes = pd.factorize(train)
    codes_test = classes.get_indexer(pd.Index(test))
    unseen = pd.unique(test[codes_test < 0])
    if len(unseen):
        raise ValueError(
            f"factor {name!r} has {len(unseen)} held-out class(es) never seen in training, such as "
            f"{unseen[0]}: stratify the split by this factor or drop those rows"
        )
    for rows, labels in (("training", train), ("held-out", test)):
        if labels.nunique() < 2:
            raise ValueError(
                f"factor {name!r} is constant in the {rows} rows (class {labels.iloc[0]}), so "
                f"there is no information to find: drop the factor or pass rows of other classes"
            )
    return codes, codes_test, len(classes)


def _in_range(Z: FloatMatrix, Z_test: FloatMatrix) -> tuple[FloatMatrix, FloatMatrix]:
    """Divide both by one power of two if products of values in `Z` might over- or underflow."""
    largest, largest_test = np.abs(Z).max(), np.abs(Z_test).max()
    if 0 < largest < largest_test * 1e-100:
        raise ValueError(
            f"Z_test has values up to {largest_test:.1g}, far from those of Z, up to "
            f"{largest:.1g}: pass held-out rows of the same embedding"
        )
    if 1e-100 < largest < 1e100 or largest == 0:
        return Z, Z_test
    exponent = -int(np.frexp(largest)[1])
    return np.ldexp(Z, exponent), np.ldexp(Z_test, exponent)


def _whitening(Z: FloatMatrix) -> tuple[FloatMatrix, FloatMatrix]:
    """Return the mean and the matrix that turns centred rows white: (n_features, n_kept)."""
    mean = Z.mean(axis=0)
    centred = Z - mean
    n, d = Z.shape
    if n >= d:
        variances, axes = np.linalg.eigh(centred.T @ centred / n)
    else:
        _, singular, axes_t = np.linalg.svd(centred, full_matrices=False)
        variances, axes = singular**2 / n, axes_t.T
    largest = variances.max()
    rounding = (8 * np.finfo(np.float64).eps * np.abs(mean).max()) ** 2
    kept = variances > max(NULL * largest, rounding)
    return mean, axes[:, kept] / np.sqrt(variances[kept] + RIDGE * largest)


def _score(logits: FloatMatrix, codes: NDArray[np.intp]) -> dict[str, float]:
    """Compare one probe's logits with the classes of the held-out rows."""
    entropy = float(empirical_entropy(np.bincount(codes)))
    true = logits[np.arange(len(codes)), codes]
    cross_entropy = float(np.mean(logsumexp(logits, axis=1) - true))
    information = entropy - cross_entropy
    return {
        "entropy": entropy,
        "cross_entropy": cross_entropy,
        "information": information,
        "fraction": min(max(information / entropy, 0.0), 1.0),
        "accuracy": float(np.mean(logits.argmax(axis=1) == codes)),
    }
