"""Whether the first components of a space are a space of lower dimension."""

from __future__ import annotations

from ..estimators import CanonicalBottleneck, PairedTransformer


def is_ordered(aligner: PairedTransformer) -> bool:
    """Return whether the components are ordered by the information that they share.

    The last stage of the encoders determines it. Canonical directions are ordered by correlation,
    after networks and as the closed form of the inputs alone. So are the principal axes
    to which the dimension of both together is reduced. The closed form beside networks, without
    that reduction, has two such orders one after the other, and a network alone has none.
    """
    if isinstance(aligner, CanonicalBottleneck):
        return True
    encoders = map(aligner.as_module, aligner.modality_names_)
    return all(
        each.bottleneck is not None
        if each.closed_form is None
        else each.closed_form.is_alone or each.closed_form.projection is not None
        for each in encoders
    )
