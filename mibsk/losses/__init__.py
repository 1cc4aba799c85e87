"""Terms of the loss, and their weighted sum."""

from .._checks import training_packages  # noqa: F401
from ._embedding import Embedding
from ._gaussian import gaussian_minimality
from ._infonce import infonce, infonce_oneway
from ._objective import IBObjective, LossParts
from ._similarity import logits
from ._temperature import Temperature
from ._terms import (
    MINIMALITY,
    SUFFICIENCY,
    LossModule,
    Minimality,
    Sufficiency,
    minimality_term,
    pairwise_mean,
    register_minimality,
    register_sufficiency,
    sufficiency_term,
)
from ._variational import kl_diag_gaussians, sample, variational_minimality

__all__ = [
    "MINIMALITY",
    "SUFFICIENCY",
    "Embedding",
    "IBObjective",
    "LossModule",
    "LossParts",
    "Minimality",
    "Sufficiency",
    "Temperature",
    "gaussian_minimality",
    "infonce",
    "infonce_oneway",
    "kl_diag_gaussians",
    "logits",
    "minimality_term",
    "pairwise_mean",
    "register_minimality",
    "register_sufficiency",
    "sample",
    "sufficiency_term",
    "variational_minimality",
]
