"""Leakage and kept: the share of a factor that a probe reads from a representation."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..._checks.devices import FloatMatrix, to_numpy
from ..._checks.groups import as_groups
from ..._checks.labels import as_factors, is_single_factor
from ..._checks.matrices import as_matrix
from ..._checks.row_names import check_row_names
from .._description import SQUARE, Description
from ..statistics import CI, Estimate, SampledFactors, over_values, with_interval
from ._factors import Factor, clip
from ._penalty import Penalty
from ._probe_information import groups_of_parts, predict_factors
from ._splits import split_rows

_PIMENTEL = 'Pimentel et al., "Information-Theoretic Probing for Linguistic Structure", ACL 2020'

Labels = ArrayLike | pd.DataFrame | Mapping[Any, ArrayLike]
Task = str | Mapping[Any, str]


@with_interval
def leakage(
    Z: ArrayLike,
    labels: Labels,
    *,
    Z_test: ArrayLike | None = None,
    labels_test: Labels | None = None,
    test_size: float = 0.25,
    l2: Penalty = "auto",
    probe: str = "linear",
    task: Task = "auto",
    groups: ArrayLike | None = None,
    groups_test: ArrayLike | None = None,
    random_state: int | None = 0,
) -> SampledFactors:
    r"""Share of a nuisance that a probe reads from a representation: 0 is the aim.

    .. math:: \frac{H(n) - \mathrm{CE}}{H(n)}, \text{ or } R^2 \text{ for real numbers, clipped to }
              [0, 1]

    on held-out rows, with the probe of :func:`probe_information`. A nuisance is a factor of one
    modality alone; for a shared factor see :func:`kept`.

    Parameters
    ----------
    Z : array-like or tensor of shape (n_samples, n_features)
        Representations.
    labels : array-like of shape (n_samples,), DataFrame or mapping name -> array-like
        Classes or real numbers: one factor, or several.
    Z_test : array-like or tensor of shape (n_test, n_features), default=None
        Held-out representations; None: hold out a part of `Z`, stratified by the factor with the
        most classes.
    labels_test : like `labels`, with n_test rows, default=None
        Their factors; required with `Z_test`.
    test_size : float, default=0.25
        Share of rows to hold out if `Z_test` is None.
    l2 : float or "auto", default="auto"
        Penalty of the probe's weights. ``"auto"`` chooses one for each factor on the training rows,
        so that a factor with few rows per class does not seem to leak less than it does; see
        :func:`probe_information`.
    probe : {"linear", "mlp"}, default="linear"
        The probe; see :func:`probe_information`.
    task : {"auto", "classification", "regression"} or mapping factor -> one of them, default="auto"
        What the labels are; ``"auto"`` treats floating point labels that are not all integers as
        real numbers, all others as classes.
    groups : array-like of shape (n_samples,), default=None
        Groups of rows that are not independent, such as recordings of one speaker or visits of one
        patient. Rows of one group are held out together (of four groups or more at least
        two), in this split and where the probe chooses its penalty; otherwise a probe that
        recognises the speaker seems to read all that is known of speakers.
    groups_test : array-like of shape (n_test,), default=None
        Groups of the rows of `Z_test`, none of which may be in `groups`; required with both.
    random_state : int or None, default=0
        Seed of the split, of ``l2="auto"`` and of ``probe="mlp"``; None: a new one in each call.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval such as 0.95, or its settings; None: no interval. Held-out
        rows, or groups, are drawn with replacement; the probe is not fitted again.

    Returns
    -------
    float or Estimate, or dict of name -> float or Estimate
        In [0, 1]: one number for 1-D `labels`, one per factor otherwise.

    Raises
    ------
    ValueError, TypeError
        If only one of `Z_test` and `labels_test` is given, no stratified split exists (with groups:
        none in which each class is in a training group), or :func:`probe_information` refuses the
        data.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import leakage
    >>> Z = np.random.default_rng(0).standard_normal((400, 2))
    >>> round(leakage(Z, Z[:, 0] > 0), 1)
    1.0
    >>> round(leakage(Z, np.arange(400) % 2), 1)
    0.0
    >>> found = leakage(Z, Z[:, 0] + Z[:, 1] ** 2, ci=0.95)  # a third of it is linear
    >>> found.low < 1 / 3 < found.high
    True
    >>> leakage(Z, Z[:, 0] + Z[:, 1] ** 2, probe="mlp") > 0.9
    True

    Traits of 40 speakers, drawn at random, seem to leak if the same speakers are held out:

    >>> rng = np.random.default_rng(0)
    >>> speaker = np.repeat(np.arange(40), 10)
    >>> trait = rng.integers(2, size=40)[speaker]
    >>> Z = rng.standard_normal((40, 16))[speaker] + 0.3 * rng.standard_normal((400, 16))
    >>> leakage(Z, trait, probe="mlp") > 0.9
    True
    >>> round(leakage(Z, trait, probe="mlp", groups=speaker), 2)
    0.0
    """
    return _fraction(
        Z,
        labels,
        Z_test,
        labels_test,
        test_size,
        (groups, groups_test),
        l2=l2,
        probe=probe,
        task=task,
        random_state=random_state,
    )


@with_interval
def kept(
    Z: ArrayLike,
    labels: Labels,
    *,
    Z_test: ArrayLike | None = None,
    labels_test: Labels | None = None,
    test_size: float = 0.25,
    l2: Penalty = "auto",
    probe: str = "linear",
    task: Task = "auto",
    groups: ArrayLike | None = None,
    groups_test: ArrayLike | None = None,
    random_state: int | None = 0,
) -> SampledFactors:
    r"""Share of a shared factor that a probe reads from a representation: 1 is the aim.

    .. math:: \frac{H(s) - \mathrm{CE}}{H(s)}, \text{ or } R^2 \text{ for real numbers, clipped to }
              [0, 1]

    computed as in :func:`leakage`. A representation that is aligned and useful keeps the factors
    that both modalities share, and leaks none that only one has.

    Parameters
    ----------
    Z, labels, Z_test, labels_test, test_size, l2, probe, task
        As in :func:`leakage`.
    groups, groups_test, random_state, ci
        As in :func:`leakage`.

    Returns
    -------
    float or Estimate, or dict of name -> float or Estimate
        In [0, 1]: one number for 1-D `labels`, one per factor otherwise.

    Raises
    ------
    ValueError, TypeError
        As :func:`leakage`.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import kept
    >>> Z = np.random.default_rng(0).standard_normal((400, 2))
    >>> shared = {"sign": Z[:, 0] > 0, "sum": Z.sum(axis=1)}
    >>> {name: round(share, 1) for name, share in kept(Z, shared).items()}
    {'sign': 1.0, 'sum': 1.0}
    """
    return _fraction(
        Z,
        labels,
        Z_test,
        labels_test,
        test_size,
        (groups, groups_test),
        l2=l2,
        probe=probe,
        task=task,
        random_state=random_state,
    )


def _fraction(
    Z: ArrayLike,
    labels: Any,
    Z_test: ArrayLike | None,
    labels_test: Any,
    test_size: float,
    groups: tuple[Any, Any],
    *,
    task: Task,
    random_state: int | None,
    **options: Any,
) -> SampledFactors:
    """Return the share of each factor that the probe reads, clipped to [0, 1]."""
    if (Z_test is None) != (labels_test is None):
        raise ValueError("Z_test and labels_test belong together: pass both or neither.")
    single = is_single_factor(labels)
    if Z_test is not None:
        of_train, of_test = groups_of_parts(Z, groups[0], Z_test, groups[1])
    elif groups[1] is not None:
        raise ValueError("groups_test are those of Z_test: pass both or neither.")
    else:
        check_row_names({"Z": Z, "labels": labels, "groups": groups[0]})
        matrix = to_numpy(as_matrix(Z, "Z"))
        table = pd.DataFrame(as_factors(labels, len(matrix), "labels"))
        of_rows = as_groups(groups[0], len(matrix))
        train, test = split_rows(table, task, test_size, random_state, of_rows)
        Z, Z_test = matrix[train], matrix[test]
        labels, labels_test = table.iloc[train], table.iloc[test]
        of_train, of_test = (None if of_rows is None else of_rows[part] for part in (train, test))
    predicted = predict_factors(
        Z,
        labels,
        Z_test,
        labels_test,
        task=task,
        random_state=random_state,
        groups=of_train,
        **options,
    )

    def fraction(factor: Factor, outputs: FloatMatrix, ci: CI) -> Any:
        values = factor.values(outputs)
        found = over_values(values, ci, (0, 1), statistic=factor.fraction, groups=of_test)
        if not isinstance(found, Estimate):
            return clip(found)
        return replace(found, value=clip(found.value), replicates=np.clip(found.replicates, 0, 1))

    def fractions(ci: CI) -> Any:
        found = {name: fraction(each.factor, each.outputs, ci) for name, each in predicted.items()}
        return next(iter(found.values())) if single else found

    return fractions


KEPT = Description(
    metric=kept,
    name="kept",
    title="Kept",
    group="information",
    better="higher",
    meaning="Share of a shared factor that a probe reads: of its entropy, or of its variance.",
    source=_PIMENTEL,
    of="shared",
    max_rows=SQUARE,
)


LEAKAGE = Description(
    metric=leakage,
    name="leakage",
    title="Leaked",
    group="information",
    better="lower",
    meaning="Share of a nuisance that a probe reads: of its entropy, or of its variance.",
    source=_PIMENTEL,
    of="nuisance",
    max_rows=SQUARE,
)


READ = Description(
    metric=kept,
    name="read",
    title="Read",
    group="information",
    better=None,
    meaning="Share of a factor that a probe reads: of its entropy, or of its variance.",
    scored=False,
    source=_PIMENTEL,
    of="other",
    max_rows=SQUARE,
)
