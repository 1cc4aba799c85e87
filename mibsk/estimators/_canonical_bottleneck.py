"""Linear information bottleneck of paired data, in closed form."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from ..canonical import FoldedMoments, coordinate_views, find_coordinates, near_mean
from ..data import is_table, read_form, rows_with_missing
from ..exceptions import NothingSharedWarning
from ..training import torch_defaults
from ._callback_support import FitTask, callbacks_of, has_callbacks
from ._canonical_file import load_canonical, save_canonical
from ._canonical_fitted import FittedCanonical
from ._canonical_rows import PairedRows, sizes
from ._canonical_state import CanonicalState, analyse
from ._check_fitted import check_fitted
from ._fusion import check_fusion
from ._paired import table_columns


class CanonicalBottleneck(FittedCanonical):
    r"""Linear information bottleneck: the directions that paired modalities share, in closed form.

    For jointly Gaussian modalities the optimal compression of one with respect to the others is the
    projection on canonical directions, of which those are kept whose explained share of variance
    :math:`\rho^2` exceeds a threshold [1]_. The directions are those of canonical correlation
    analysis with a ridge; of three and more modalities, of its multiset form MAXVAR [2]_. Their
    correlations are measured on held-out rows.

    Rows may lack modalities (None, masked, or NaN alone): each mean is then that of the rows that
    have the modality, and two modalities are compared in the rows that have both.

    Parameters
    ----------
    n_components : int, default=64
        Largest number of directions.
    modalities : mapping of str to columns, default=None
        Columns of each modality in one table, as in :class:`mibsk.IBAligner`.
    beta : float in [0, 1) or "auto", default="auto"
        A direction is kept if its correlation is distinguishable from zero at `level`, and the
        share of its variance that the other modalities explain, :math:`\rho^2` on held-out rows,
        exceeds `beta`. "auto" requires only the former.
    ridge : float or "auto", default="auto"
        Added to the variances of each modality, in units of their mean over the directions in which
        the modality varies. "auto" chooses that of each modality, with the most information on
        held-out rows.
    weights : {"information"} or None, default="information"
        Weights of the variates: :math:`\sqrt{\rho / (1 - \rho^2)}`, with which their inner product
        is the part of the pointwise mutual information that depends on both modalities, or none.
    scale : bool, default=True
        Whether to divide the columns of dense modalities by their standard deviation.
    level : float, default=0.95
        Level of the intervals.
    fusion : "concat", "mean" or the name of a modality, default="concat"
        Output of `transform` for several modalities, as in :class:`mibsk.IBAligner`.

    Attributes
    ----------
    n_components_ : int
        Number of directions that are kept.
    correlations_ : DataFrame
        One row for each direction, strongest first: mean correlation of the modalities on the
        training rows (``train``) and on held-out rows (``held_out``, cross-fitted), the ends
        ``low`` and ``high`` of its interval, the ``information`` of the direction on held-out rows
        in nats, and whether it is ``kept``.
    information_ : Estimate
        Information of the modalities in nats if they are Gaussian, with its interval: the mutual
        information of two, the multi-information of more. With fewer than two rows per column, for
        :class:`mibsk.ClassPairs`, and for three and more modalities of which rows lack some, it is
        that of the kept directions on held-out rows, a lower bound. With `groups`, its bias and
        interval, and the required number of rows, are those of as many independent rows as the rows
        of the groups are worth (the design effect).
    information_by_subset_ : dict of tuple of str to Estimate
        Information of the kept directions in nats, by the modalities that share them: what all
        know of each other, and what only two know. The directions are told apart as in
        :func:`mibsk.metrics.information_by_subset`, and the rows of each correlation are counted as
        for its interval in `correlations_`. Directions of pairs of few rows, or whose correlation
        is not distinguishable from zero, are in no set.
    variance_by_subset_ : dict of str to dict of tuple of str to float
        Share of the variance of each modality that is in the directions of each of these sets; the
        rest, which it has alone, is that of ``(name,)``. In the units of the columns, whatever
        `scale` is: standardise columns of different units first if each is to count alike.
    n_pairs_ : DataFrame
        Number of rows that have both of two modalities; of one, on the diagonal.
    ridge_ : dict of str to float
        Ridge of each modality.
    weights_ : ndarray (n_components_,)
        Weights of the variates.
    loadings_ : dict of str to DataFrame (n_columns, n_components_)
        Correlation of each column with the variates of its modality.
    shared_variance_ : dict of str to float
        Share of the variance of each modality that is in its shared part, in the units of the
        columns, as `variance_by_subset_`.
    n_samples_ : int
        Number of pairs.
    modality_names_ : list of str
        Names of the modalities in the order of `fit`; "x" and "y" for two tables.
    inputs_ : dict of str to InputSpec
        Kind, shape and type of the rows of each modality.
    n_features_in_ : int
        Number of columns; only defined for a table.
    feature_names_in_ : ndarray of str
        Names of the columns, if all are strings.

    See Also
    --------
    mibsk.IBAligner : Trains encoders, with this bottleneck as the last stage.

    References
    ----------
    .. [1] Chechik, Globerson, Tishby and Weiss, "Information Bottleneck for Gaussian Variables",
       Journal of Machine Learning Research 6, 2005.
    .. [2] Kettenring, "Canonical analysis of several sets of variables", Biometrika 58, 1971.

    Examples
    --------
    >>> from mibsk import CanonicalBottleneck
    >>> from mibsk.datasets import load_digits_halves
    >>> halves = load_digits_halves().data
    >>> bottleneck = CanonicalBottleneck(beta=0.25).fit(halves)
    >>> bottleneck.transform(halves).shape == (1797, 2 * bottleneck.n_components_)
    True
    >>> parts = bottleneck.split(halves)["left"]
    >>> parts.shared.shape, parts.private.shape
    ((1797, 8, 4), (1797, 8, 4))
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "modalities": [Mapping, None],
        "beta": [Interval(Real, 0, 1, closed="left"), StrOptions({"auto"})],
        "ridge": [Interval(Real, 0, 1e12, closed="both"), StrOptions({"auto"})],
        "weights": [StrOptions({"information"}), None],
        "scale": ["boolean"],
        "level": [Interval(Real, 0, 1, closed="neither")],
        "fusion": [str],
    }

    def __init__(
        self,
        n_components: int = 64,
        *,
        modalities: Mapping[str, Any] | None = None,
        beta: float | str = "auto",
        ridge: float | str = "auto",
        weights: str | None = "information",
        scale: bool = True,
        level: float = 0.95,
        fusion: str = "concat",
    ) -> None:
        self.n_components = n_components
        self.modalities = modalities
        self.beta = beta
        self.ridge = ridge
        self.weights = weights
        self.scale = scale
        self.level = level
        self.fusion = fusion

    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Find the directions that the modalities share.

        Parameters
        ----------
        X : mapping of str to array-like, Modalities, ClassPairs, Dataset, list of dict, or table
            Paired data; a table needs `modalities` or a second table `y`.
        y : array-like, default=None
            With one table, the second one (a 1-d array of class labels is taken as one-hot rows).
            With any other form, labels for a later step, which are ignored.
        groups : array-like of shape (n,), default=None
            Groups of pairs that are not independent, such as the recordings of one speaker; of
            `ClassPairs`, those of the anchors. Rows of one group are held out together where the
            ridge is chosen and correlations are measured, and the intervals of these and of
            `information_` count the independent rows.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are invalid; the message says what to do. A model fitted
            before is kept.

        Warns
        -----
        mibsk.exceptions.NothingSharedWarning
            If no direction satisfies `beta`. The strongest one is kept.
        mibsk.exceptions.RowNamesWarning
            If tables of pandas that are paired by position have different names of rows.

        Examples
        --------
        Two modalities of 40 speakers share three directions, and neither knows the voices of the
        other:

        >>> import numpy as np
        >>> from mibsk import CanonicalBottleneck
        >>> rng = np.random.default_rng(0)
        >>> speaker = np.repeat(np.arange(40), 10)
        >>> shared = rng.standard_normal((400, 3))
        >>> X, Y = (
        ...     np.hstack([shared, rng.standard_normal((40, 6))[speaker]])
        ...     + 0.2 * rng.standard_normal((400, 9))
        ...     for _ in range(2)
        ... )
        >>> CanonicalBottleneck().fit(X, Y).n_components_
        7
        >>> CanonicalBottleneck().fit(X, Y, groups=speaker).n_components_
        3
        """
        with torch_defaults(), callbacks_of(self):  # the former for items of a torch Dataset
            return self._learn(X, y, groups)

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Add rows to those of earlier calls, and find the directions of all of them.

        The result is that of `fit` on all rows. The first call determines the kind and shape of
        each modality and, if it has more than 2048 columns, a basis of its rows. Rows are taken as
        independent: groups, which must be known as a whole, are an argument of :meth:`fit` alone.

        Parameters
        ----------
        X, y
            As in :meth:`fit`.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            As in :meth:`fit`. The model is then unchanged.
        """
        with torch_defaults(), callbacks_of(self):
            return self._learn(X, y, further=True)

    def _learn(self, X: Any, y: Any, groups: Any = None, *, further: bool = False) -> Self:
        self._validate_params()
        if further and self.__sklearn_is_fitted__():
            earlier = self._state
            rows = PairedRows(self.check_form(X), y, earlier.form)
            inputs, coordinates, columns = earlier.inputs, earlier.coordinates, earlier.columns
            is_flat = earlier.is_flat
            moments = earlier.moments.copy()
        else:
            columns = table_columns(X) if is_table(X) else {}
            rows = PairedRows(X, y, read_form(X, y, self.modalities))
            inputs = rows.learn_inputs()
            is_flat = rows.form.is_pair and len(rows_with_missing("y", y).shape) == 1
            n = np.inf if further else rows.n
            coordinates = {
                name: find_coordinates(
                    partial(rows.chunks_of, spec),
                    n,
                    sizes(inputs)[name],
                    scaled=self.scale and not spec.is_sparse,
                )
                for name, spec in inputs.items()
            }
            moments = None
        check_fusion(self.fusion, list(inputs))
        task = FitTask()
        if has_callbacks(self):
            task = FitTask.of_fit(self, X, y, name="partial-fit" if further else "fit")
        numbered = rows.number_groups(groups)
        first = 0 if moments is None else moments.n_seen
        for draw in range(rows.n_draws):
            for i, (chunk, present) in enumerate(rows.chunks(inputs, draw)):
                views = coordinate_views(coordinates, sizes(inputs), chunk, present)
                if moments is None:
                    origin = near_mean(views, present)
                    moments = FoldedMoments([view.shape[1] for view in views], origin, numbered)
                if not i:
                    moments.restart(first)
                moments.add(views, present)
        n_pairs = 0 if moments is None else moments.n_seen
        if moments is None or n_pairs < 2:
            raise ValueError(
                f"found {n_pairs} sample(s), n_samples={n_pairs}, while at least 2 are needed: "
                "correlations are undefined for one pair."
            )
        state = analyse(
            rows.form,
            inputs,
            columns,
            is_flat,
            coordinates,
            moments,
            scaled=self.scale,
            beta=self.beta,
            ridge=self.ridge,
            n_components=self.n_components,
            level=self.level,
        )
        if not state.solution.n_kept(self.beta):
            rho, n = float(state.solution.smoothed[0]), state.n_rows
            found = (
                f"the strongest has a held-out correlation of {rho:.3f} over {n} pairs, which "
                f"explains {max(rho, 0.0) ** 2:.3f} of its variance"
                if n >= 2 * len(state.moments.folds)
                else f"{n} pairs are too few to measure correlations on held-out rows"
            )
            warnings.warn(
                f"no direction satisfies beta={self.beta!r}: {found}. The strongest is kept; lower "
                "beta, or pass more pairs if the modalities share anything linear.",
                NothingSharedWarning,
                stacklevel=3,
            )
        self._adopt(state)
        task.end(dict)
        return self

    def _adopt(self, state: CanonicalState) -> Self:
        """Set the learned state; it replaces that of an earlier fit as a whole."""
        self._set_columns(state.columns)
        self._state = state
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted estimator to a file that executes no code when it is read.

        Parameters
        ----------
        path : path
            Destination path; an existing file is replaced atomically.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        OSError
            If the file cannot be written.
        """
        check_fitted(self)
        save_canonical(self, self._state, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read an estimator from a file written by :meth:`save`.

        Parameters
        ----------
        path : path
            The file.

        Returns
        -------
        CanonicalBottleneck
            Fitted; it gives the same results, bit for bit.

        Raises
        ------
        FileNotFoundError
            If the file does not exist.
        mibsk.exceptions.TornFileError
            If it is incomplete or damaged.
        ValueError
            If it does not contain a `CanonicalBottleneck`, or was written by a newer version.
        """
        params, state = load_canonical(path)
        return cls(**params)._adopt(state)
