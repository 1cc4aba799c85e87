"""Learned attributes of a fitted aligner, and embedding of rows by its encoders."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
import torch

from ..encoders import Encoder
from ..training import (
    AlignmentModule,
    AlignmentNet,
    FittedBottleneck,
    FittedClosedForm,
    Trained,
    embed_rows,
    torch_defaults,
)
from ._check_fitted import check_fitted
from ._paired import COLUMNS, PairedTransformer
from ._pickling import PicklingMixin


class FittedAligner(PairedTransformer, PicklingMixin):
    """Learned attributes of an aligner, and the embeddings of its encoders."""

    net_: AlignmentNet
    bottleneck_: FittedBottleneck | None
    closed_form_: FittedClosedForm | None

    @property
    def trained_(self) -> Trained:
        """The learned attributes as one object."""
        columns = {name: vars(self)[name] for name in COLUMNS if name in vars(self)}
        return Trained(
            self.form_, self.inputs_, self.net_, columns, self.bottleneck_, self.closed_form_
        )

    @trained_.setter
    def trained_(self, trained: Trained) -> None:
        self._set_columns(trained.columns)
        self.__dict__.update(trained.attributes)

    def embed_modality(self, modality: str, X: Any) -> np.ndarray:
        """Embed rows of one modality.

        Parameters
        ----------
        modality : str
            Name of the modality.
        X : array-like
            Its rows.

        Returns
        -------
        ndarray of float32 (n, n_components)
            Rows of unit norm; NaN in rows that are missing (None, masked, or NaN alone).
        """
        check_fitted(self)
        self.check_modality(modality)
        device = torch.device(self.net_.device)
        return embed_rows(self.module_.encoder(modality), self.inputs_[modality], X, device)

    @torch_defaults()
    def as_module(self, modality: str) -> Encoder:
        """Return a copy of the encoder of a modality on the CPU, in evaluation mode."""
        check_fitted(self)
        self.check_modality(modality)
        return copy.deepcopy(self.module_.encoder(modality)).cpu().eval()

    @property
    def n_components_(self) -> int:
        """Dimension of the embeddings."""
        return self.module_.n_outputs

    @property
    def correlations_(self) -> pd.DataFrame:
        """Mean correlation of each canonical direction, strongest first, if there is a bottleneck.

        Columns are ``train``, ``cross_fitted`` over the training pairs, ``held_out`` if some pairs
        were held out, the ends ``low`` and ``high`` of the interval of the last of these, and
        ``kept``. Directions that were not measured on held-out pairs have NaN.
        """
        closed_form = self.closed_form_
        if closed_form is not None and closed_form.is_alone:
            return pd.DataFrame(closed_form.correlations)
        if self.bottleneck_ is None:
            raise AttributeError("correlations_ is only defined after fit with a bottleneck.")
        return pd.DataFrame(self.bottleneck_.correlations)

    @property
    def selection_(self) -> pd.DataFrame:
        """Weights of the closed form of the inputs (the index), compared on held-out pairs."""
        if self.closed_form_ is None:
            raise AttributeError(
                "selection_ is only defined after fit with encoders='auto' or 'canonical', if the "
                "inputs share a direction."
            )
        table = pd.DataFrame(self.closed_form_.selection, columns=["alpha", "loss", "recall"])
        table = table.astype(float).set_index("alpha")
        return table.assign(chosen=table.index == self.closed_form_.alpha)

    @property
    def module_(self) -> AlignmentModule:
        """Torch module of encoders and objective."""
        return self.net_.module_

    @property
    def history_(self) -> list[dict[str, Any]]:
        """One dict per epoch: loss and its parts, geometry of the embeddings, weights, time."""
        hidden = ("batches", "train_batch_count", "valid_batch_count")
        return [
            {key: value for key, value in epoch.items() if key not in hidden}
            for epoch in self.net_.history
        ]

    @property
    def loss_terms_(self) -> list[str]:
        """Names of the summands of the loss in `history_`."""
        return list(self.module_.objective.terms)

    @property
    def temperature_(self) -> float:
        """Temperature at the end of training."""
        return self.module_.objective.temperature().item()

    @property
    def beta_(self) -> float:
        """Weight of minimality at the end of training."""
        return float(self.module_.objective.beta)

    @property
    def n_iter_(self) -> int:
        """Number of epochs trained."""
        return len(self.net_.history)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "net_")
