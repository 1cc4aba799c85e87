"""Redundant, unique and synergistic information of two representations about a label."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.cluster import KMeans

from ..._checks.devices import double, to_numpy
from ..._checks.groups import as_groups
from ..._checks.labels import as_labels
from ..._checks.matrices import as_matrix, check_same_rows
from ..._checks.row_names import check_row_names
from ..probes import Penalty, predicted_outputs, split_rows
from ..statistics import CI, Bootstrap, Estimate, over_draws
from ._held_out import Matrix
from ._union_information import CLOSE, mutual_information_of, union_information

FEWEST_BINS = 8
ROWS_PER_CELL = 5  # of held-out rows, on average, in the table of a class and a bin
N_RESAMPLES = 100
CLOSE_ENOUGH = 1e-5  # nats, for the spread of the replicates
DIGITS = 4  # of the root of a probability: closer predictions are one value
NAMES = ("redundant", "unique_x", "unique_y", "synergistic", "total")


class PartialInformation(NamedTuple):
    """Parts of the information of two representations about a label, in nats.

    Parameters
    ----------
    redundant : float or Estimate
        What either of them has.
    unique_x, unique_y : float or Estimate
        What one of them has and the other has not.
    synergistic : float or Estimate
        What only both together have.
    total : float or Estimate
        The sum: what both together have.
    """

    redundant: float | Estimate
    unique_x: float | Estimate
    unique_y: float | Estimate
    synergistic: float | Estimate
    total: float | Estimate


def partial_information(
    X: ArrayLike,
    Y: ArrayLike,
    labels: ArrayLike,
    *,
    test_size: float = 0.5,
    l2: Penalty = "auto",
    probe: str = "mlp",
    groups: ArrayLike | None = None,
    random_state: int | None = 0,
    ci: CI = None,
) -> PartialInformation:
    r"""Redundant, unique and synergistic information about classes, in nats.

    What two representations know of a label `L` is decomposed as by Williams and Beer [1]_, with
    the unique information of Bertschinger et al. [2]_: with the least information that any joint
    distribution of `X` and `Y` has that agrees with what each alone says of the label,

    .. math:: I_\cup = \min_q I_q(L; X, Y), \quad q(l, x) = p(l, x), \; q(l, y) = p(l, y),

    `Y` adds :math:`U_Y = I_\cup - I(L; X)` to `X`, `X` adds :math:`U_X = I_\cup - I(L; Y)` to `Y`,
    either has :math:`R = I(L; X) + I(L; Y) - I_\cup`, and the synergy :math:`I(L; X, Y) - I_\cup`
    needs both at once.

    What `X` says of the label is its posterior :math:`p(l \mid x)`, which no decomposition of this
    kind distinguishes from `X`. A probe, as that of :func:`probe_information`, predicts it on
    held-out rows; so do one for `Y` and one for both side by side. The predictions of each are
    grouped into at least as many bins as there are classes, and the information of bins and labels
    is counted on the held-out rows, as in [3]_.

    **Limits.** It is the information of the bins of what these probes predict: a lower bound of
    each mutual information, up to the bias of counts, about
    ``(n_classes - 1) * (n_bins - 1) / (2 * n_test)``. The parts are differences of such bounds and
    are no bounds themselves: where a probe of both has too few rows, the synergy is
    underestimated, and where that of `X` has, what `X` alone knows. Other definitions of redundancy
    exist, and give other parts.

    Parameters
    ----------
    X, Y : array-like or tensor of shape (n_samples, n_features)
        Two representations; row `i` of both belongs together.
    labels : array-like of shape (n_samples,)
        Classes.
    test_size : float, default=0.5
        Share of rows to hold out, stratified by the labels.
    l2 : float or "auto", default="auto"
        Penalty of the weights of the probes; see :func:`probe_information`.
    probe : {"linear", "mlp"}, default="mlp"
        The probe; see :func:`probe_information`.
    groups : array-like of shape (n_samples,), default=None
        Groups of rows that are not independent; rows of one group are held out together.
    random_state : int or None, default=0
        Seed of the split, the probes and the bins; None: a new one in each call.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval such as 0.95, or its settings; None: no interval. Held-out
        rows, or groups, are drawn; neither probes nor bins are fitted again.

    Returns
    -------
    PartialInformation
        ``redundant``, ``unique_x``, ``unique_y``, ``synergistic`` and ``total``, each at least 0;
        numbers, or an :class:`Estimate` of each with `ci`.

    Raises
    ------
    ValueError, TypeError
        If the shapes do not fit together, the labels are no classes or constant, no stratified
        split exists, or a parameter is out of range.

    References
    ----------
    .. [1] Williams and Beer, "Nonnegative Decomposition of Multivariate Information",
       arXiv:1004.2515, 2010.
    .. [2] Bertschinger, Rauh, Olbrich, Jost and Ay, "Quantifying Unique Information", Entropy 16,
       2014.
    .. [3] Liang et al., "Quantifying & Modeling Multimodal Interactions: An Information
       Decomposition Framework", NeurIPS 2023.

    Examples
    --------
    Of two bits, each representation knows one; the label is both, or whether they differ:

    >>> import numpy as np
    >>> from mibsk.metrics import partial_information
    >>> rng = np.random.default_rng(0)
    >>> bits = rng.integers(2, size=(2000, 2))
    >>> X, Y = np.moveaxis(bits[:, :, None] + 0.1 * rng.standard_normal((2000, 2, 1)), 1, 0)
    >>> [round(nats, 1) for nats in partial_information(X, Y, bits @ [2, 1])]
    [0.0, 0.7, 0.7, 0.0, 1.4]
    >>> [round(nats, 1) for nats in partial_information(X, Y, bits[:, 0] ^ bits[:, 1])]
    [0.0, 0.0, 0.0, 0.7, 0.7]
    """
    check_row_names({"X": X, "Y": Y, "labels": labels, "groups": groups})
    X, Y = as_matrix(X, "X"), as_matrix(Y, "Y")
    check_same_rows(X, Y)
    X, Y = (double(to_numpy(each)) for each in (X, Y))
    of_rows = as_groups(groups, len(X))
    column = as_labels(labels, len(X), "labels")
    table = pd.DataFrame({"labels": column.to_numpy()})
    train, test = split_rows(table, "classification", test_size, random_state, of_rows)
    seed = int(np.random.default_rng(random_state).integers(2**31))
    of_train, of_test = (None if of_rows is None else of_rows[part] for part in (train, test))
    bins = []
    for source in (X, Y, np.hstack([_scaled(X), _scaled(Y)])):
        codes, outputs = predicted_outputs(
            source[train],
            table["labels"].iloc[train],
            source[test],
            table["labels"].iloc[test],
            l2=l2,
            probe=probe,
            random_state=seed,
            groups=of_train,
        )
        bins.append(_bins(outputs, seed))
    held_out = np.stack([codes, *bins], axis=1)  # (n_test, 4)
    found = dict(zip(NAMES, _parts(held_out), strict=True))
    if ci is None:
        return PartialInformation(**found)
    if not isinstance(ci, Bootstrap):
        ci = Bootstrap(ci, n_resamples=N_RESAMPLES)
    if of_test is not None and ci.groups is None:
        ci = Bootstrap(ci.level, ci.n_resamples, ci.max_rows, ci.random_state, of_test)
    drawn: dict[bytes, list[float]] = {}

    def replicate(part: int) -> Callable[[dict[int, NDArray[np.intp]]], float]:
        def value(rows: dict[int, NDArray[np.intp]]) -> float:
            chosen = rows[len(held_out)]
            key = chosen.tobytes()  # the rows are the same for all parts
            if key not in drawn:
                drawn[key] = _parts(held_out[chosen], CLOSE_ENOUGH)
            return drawn[key][part]

        return value

    intervals = {
        name: over_draws(found[name], replicate(i), [len(held_out)], ci=ci, bounds=(0, np.inf))
        for i, name in enumerate(NAMES)
    }
    return PartialInformation(**intervals)


def _scaled(X: Matrix) -> Matrix:
    """Return a representation with a spread of 1, so that two side by side are alike."""
    deviation = float(X.std())
    return X / deviation if deviation > 0 else X


def _bins(outputs: Matrix, seed: int) -> NDArray[np.intp]:
    """Return the bin of the predicted probabilities of each held-out row (n,)."""
    n, n_classes = outputs.shape
    roots = np.round(np.sqrt(softmax(outputs, axis=1)), DIGITS)
    values, of_row = np.unique(roots, axis=0, return_inverse=True)
    n_bins = int(np.clip(n // (ROWS_PER_CELL * n_classes), n_classes, max(FEWEST_BINS, n_classes)))
    of_row = of_row.ravel()
    if len(values) <= n_bins:
        return of_row
    grouped = KMeans(n_bins, n_init=3, random_state=seed).fit(
        values, sample_weight=np.bincount(of_row)
    )
    found: NDArray[np.intp] = grouped.labels_[of_row]
    return found


def _parts(rows: NDArray[np.intp], close: float = CLOSE) -> list[float]:
    """Return the parts of the information, of rows of a class and three bins (n, 4)."""
    _, codes = np.unique(rows[:, 0], return_inverse=True)
    tables = []
    for column in rows[:, 1:].T:
        table = np.zeros((codes.max() + 1, column.max() + 1))
        np.add.at(table, (codes, column), 1.0)
        tables.append(table / len(rows))
    of_x, of_y, of_both = tables
    alone_x, alone_y = mutual_information_of(of_x), mutual_information_of(of_y)
    union = union_information(of_x, of_y, close)
    synergy = max(mutual_information_of(of_both) - union, 0.0)
    return [
        max(alone_x + alone_y - union, 0.0),
        max(union - alone_y, 0.0),
        max(union - alone_x, 0.0),
        synergy,
        union + synergy,
    ]
