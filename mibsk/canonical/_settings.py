"""Settings of the closed form as the last stage of a training."""

from __future__ import annotations

from dataclasses import dataclass

from .._checks.parameters import check_scalar


@dataclass(frozen=True)
class Canonical:
    r"""Settings of the canonical bottleneck, the last stage of :class:`mibsk.IBAligner`.

    After training, canonical correlation analysis of the embeddings finds the directions that the
    modalities share. A direction with correlation :math:`\rho` is kept if the share of its variance
    that the other modalities explain exceeds `beta`,

    .. math:: \rho^2 > \beta,

    which is the Gaussian information bottleneck [1]_ with trade-off :math:`1/\beta`.

    Parameters
    ----------
    beta : float in [0, 1) or "auto", default=0.25
        Share of the variance of a direction that must be explained. "auto" keeps the directions
        whose correlation is distinguishable from zero.
    ridge : float or "auto", default="auto"
        Added to the variances of the embeddings, in units of their mean, the same for all
        modalities; "auto" chooses it by cross-validation.
    weights : {"information"} or None, default="information"
        Weights of the directions: :math:`\sqrt{\rho / (1 - \rho^2)}`, those of the pointwise mutual
        information of Gaussian pairs, or none.
    level : float, default=0.95
        Level of the intervals of the correlations. No direction is kept whose interval contains
        zero.
    hold_out : bool, default=False
        Whether correlations on pairs held out of the whole training (`validation_fraction` of
        :class:`mibsk.IBAligner`) determine which directions are kept, and their weights. Otherwise
        these are cross-fitted over the training pairs: the directions are determined without the
        pairs on which they are measured, but the encoders are not, so that encoders which memorise
        the training pairs make them too large.

    Raises
    ------
    TypeError, ValueError
        If a value is invalid.

    References
    ----------
    .. [1] Chechik, Globerson, Tishby and Weiss, "Information Bottleneck for Gaussian Variables",
       Journal of Machine Learning Research 6, 2005.

    Examples
    --------
    >>> from mibsk import IBAligner
    >>> from mibsk.canonical import Canonical
    >>> from mibsk.datasets import load_digits_halves
    >>> halves = load_digits_halves().data
    >>> bottleneck = Canonical(beta=0.5)
    >>> aligner = IBAligner(encoders="network", bottleneck=bottleneck, random_state=0).fit(halves)
    >>> aligner.n_components_ == int(aligner.correlations_["kept"].sum()) < 64
    True
    """

    beta: float | str = 0.25
    ridge: float | str = "auto"
    weights: str | None = "information"
    level: float = 0.95
    hold_out: bool = False

    def __post_init__(self) -> None:
        if not _is(self.beta, "auto"):
            check_scalar("beta", self.beta, low=0, high=1)
        if not _is(self.ridge, "auto"):
            check_scalar("ridge", self.ridge, low=0)
        if not (self.weights is None or _is(self.weights, "information")):
            raise ValueError(f"weights must be 'information' or None, got {self.weights!r}.")
        check_scalar("level", self.level, low=0, high=1, strict=True)
        if not isinstance(self.hold_out, bool):
            raise TypeError(f"hold_out must be True or False, got {self.hold_out!r}.")


def _is(value: object, word: str) -> bool:
    """Whether a value is this word; a missing value of pandas cannot be compared."""
    return isinstance(value, str) and value == word
