"""Result of a training, from which an estimator sets its fitted attributes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..data import Form, InputSpec
from ._bottleneck import FittedBottleneck
from ._net import AlignmentNet


@dataclass(frozen=True)
class Trained:
    """Result of a training.

    Parameters
    ----------
    form : Form
        Form of the arguments of `fit`.
    inputs : dict of str to InputSpec
        Specification of the rows of each modality.
    net : AlignmentNet
        The trained net.
    columns : dict of str to object
        ``n_features_in_`` and ``feature_names_in_``, if the data were a table.
    bottleneck : FittedBottleneck or None
        The closed form after the training, which is part of the encoders.
    """

    form: Form
    inputs: dict[str, InputSpec]
    net: AlignmentNet
    columns: dict[str, Any] = field(default_factory=dict)
    bottleneck: FittedBottleneck | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of a fitted estimator beside `columns`, by name."""
        return {
            "form_": self.form,
            "inputs_": self.inputs,
            "net_": self.net,
            "bottleneck_": self.bottleneck,
        }
