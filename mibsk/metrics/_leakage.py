"""Leakage: the share of a nuisance that can be read from a representation."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.model_selection import train_test_split

from ._arrays import as_factors, as_matrix, is_single_factor
from ._probe import probe_information


def leakage(
    Z: ArrayLike,
    labels: ArrayLike | pd.DataFrame | Mapping[Any, ArrayLike],
    *,
    Z_test: ArrayLike | None = None,
    labels_test: ArrayLike | pd.DataFrame | Mapping[Any, ArrayLike] | None = None,
    test_size: float = 0.25,
    random_state: int | None = 0,
) -> float | dict[Any, float]:
    r"""Share of a factor's entropy that a linear probe reads from a representation.

    .. math:: \frac{H(n) - \mathrm{CE}}{H(n)} \text{ clipped to } [0, 1]

    on held-out rows, with the probe of :func:`probe_information`. For a nuisance, which only one
    modality knows, 0 is the aim; for a shared factor, 1.

    Parameters
    ----------
    Z : array-like or tensor of shape (n_samples, n_features)
        Representations.
    labels : array-like of shape (n_samples,), DataFrame or mapping name -> array-like
        Classes of one factor, or of several.
    Z_test : array-like or tensor of shape (n_test, n_features), optional
        Held-out representations; by default a part of ``Z`` is held out, stratified by the factor
        with the most classes.
    labels_test : like ``labels``, with n_test rows, optional
        Their classes; goes with ``Z_test``.
    test_size : float, default=0.25
        Share of rows held out where ``Z_test`` is not given.
    random_state : int or None, default=0
        Seed of that split; None draws a new one.

    Returns
    -------
    float or dict of name -> float
        In [0, 1]: one number for 1-D ``labels``, one per factor otherwise.

    Raises
    ------
    ValueError
        If only one of ``Z_test`` and ``labels_test`` is given, no stratified split exists, or
        :func:`probe_information` refuses the data.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import leakage
    >>> Z = np.random.default_rng(0).standard_normal((400, 2))
    >>> round(leakage(Z, Z[:, 0] > 0), 1)
    0.9
    >>> round(leakage(Z, np.arange(400) % 2), 1)
    0.0
    """
    if (Z_test is None) != (labels_test is None):
        raise ValueError("Z_test and labels_test belong together: pass both or neither")
    if Z_test is None or labels_test is None:
        matrix = as_matrix(Z, "Z")
        table = pd.DataFrame(as_factors(labels, len(matrix), "labels"))
        train, test = _stratified_split(table, test_size, random_state)
        found = probe_information(
            matrix[train], table.iloc[train], Z_test=matrix[test], labels_test=table.iloc[test]
        )
    else:
        found = probe_information(Z, labels, Z_test=Z_test, labels_test=labels_test)
    fraction = found["fraction"]
    return float(fraction.iloc[0]) if is_single_factor(labels) else fraction.to_dict()


def _stratified_split(
    labels: pd.DataFrame, test_size: float, random_state: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return row numbers of the training and the held-out part."""
    finest = labels.nunique().idxmax()
    try:
        train, test = train_test_split(
            np.arange(len(labels)),
            test_size=test_size,
            random_state=np.random.RandomState(random_state),  # never the global one, even for None
            stratify=labels[finest],
        )
    except ValueError as error:
        raise ValueError(
            f"no split of {len(labels)} rows stratified by {finest!r}: {error} Merge rare classes, "
            f"or pass Z_test and labels_test"
        ) from error
    return train, test
