"""Warning of a training whose result relates no pairs but those it was trained on."""

from __future__ import annotations

import warnings

from ..exceptions import NothingSharedWarning
from ._result import Trained


def warn_if_nothing_shared(trained: Trained) -> None:
    """Warn if no direction is distinguishable from chance on pairs that did not determine it.

    Directions are those of the inputs in closed form, and those of the embeddings of the networks
    unless the closed form stands alone. Nothing is said where the networks are part of the result
    and their correlations were not measured on held-out pairs.

    Warns
    -----
    NothingSharedWarning
        If the interval of the first direction contains zero, of the inputs and of the networks.
    """
    closed_form, bottleneck = trained.closed_form, trained.bottleneck
    if closed_form is not None and not closed_form.nothing_shared:
        return
    if closed_form is not None and closed_form.is_alone:
        first = (closed_form.correlations[key][:1] for key in ("cross_fitted", "low", "high"))
    elif bottleneck is not None and bottleneck.held_out:
        first = (column[:1] for column in bottleneck.held_out.values())
    else:
        return
    rho, low, high = first
    if (low > 0).any():
        return
    found = ""
    if len(rho):
        found = f": the first has a correlation of {rho[0]:.2f} [{low[0]:.2f}, {high[0]:.2f}]"
    warnings.warn(
        "no direction that the modalities share is distinguishable from chance on held-out "
        f"pairs{found}. The embeddings fit the pairs of fit, and may not relate others: pass more "
        "pairs, or use score on rows that were not in fit.",
        NothingSharedWarning,
        stacklevel=2,
    )
