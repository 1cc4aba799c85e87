"""Result of a training, from which an estimator sets its fitted attributes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..data import Form, InputSpec
from ._bottleneck import FittedBottleneck
from ._closed_form import FittedClosedForm
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
        The canonical bottleneck of the embeddings, which is part of the encoders.
    closed_form : FittedClosedForm or None
        The closed form of the inputs, which is part of the encoders unless its weight is 0.
    """

    form: Form
    inputs: dict[str, InputSpec]
    net: AlignmentNet
    columns: dict[str, Any] = field(default_factory=dict)
    bottleneck: FittedBottleneck | None = None
    closed_form: FittedClosedForm | None = None

    @property
    def has_stages(self) -> bool:
        """Whether anything was added to the trained networks."""
        return self.bottleneck is not None or self.closed_form is not None

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of a fitted estimator beside `columns`, by name."""
        return {
            "form_": self.form,
            "inputs_": self.inputs,
            "net_": self.net,
            "bottleneck_": self.bottleneck,
            "closed_form_": self.closed_form,
        }
