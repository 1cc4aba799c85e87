"""The result of a training, which an estimator adopts as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..data import Form, InputSpec
from ._net import AlignmentNet


@dataclass(frozen=True)
class Trained:
    """All that a training learned.

    Parameters
    ----------
    form : Form
        How the arguments of `fit` were read.
    inputs : dict of str to InputSpec
        What the rows of each modality look like.
    net : AlignmentNet
        The trained net.
    columns : dict of str to object
        If the data came as a table, ``n_features_in_`` and ``feature_names_in_``.
    """

    form: Form
    inputs: dict[str, InputSpec]
    net: AlignmentNet
    columns: dict[str, Any] = field(default_factory=dict)

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of a fitted estimator, by name."""
        return {**self.columns, "form_": self.form, "inputs_": self.inputs, "net_": self.net}
