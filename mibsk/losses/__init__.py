"""Terms of the loss, and their weighted sum."""

from .._checks import training_packages  # noqa: F401
from ._barlow_twins import barlow_twins
from ._cauchy_schwarz import cauchy_schwarz, cauchy_schwarz_minimality
from ._confu import ConFu
from ._contrast import partner_cross_entropy
from ._embedding import Embedding
from ._gaussian import gaussian_minimality
from ._gram import gram
from ._holes import mean_over_patterns
from ._infonce import infonce, infonce_oneway
from ._modgap import modgap_minimality, uniformity_of
from ._objective import IBObjective, LossParts
from ._ova import ova, ova_signed
from ._ova_minimality import ova_minimality
from ._pmrl import pmrl
from ._siglip import siglip
from ._similarity import logits
from ._structure import structure_divergence, structure_minimality
from ._symile import symile
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
from ._triangle import triangle
from ._variational import kl_diag_gaussians, sample, variational_minimality
from ._vicreg import vicreg

__all__ = [
    "MINIMALITY",
    "SUFFICIENCY",
    "ConFu",
    "Embedding",
    "IBObjective",
    "LossModule",
    "LossParts",
    "Minimality",
    "Sufficiency",
    "Temperature",
    "barlow_twins",
    "cauchy_schwarz",
    "cauchy_schwarz_minimality",
    "gaussian_minimality",
    "gram",
    "infonce",
    "infonce_oneway",
    "kl_diag_gaussians",
    "logits",
    "mean_over_patterns",
    "minimality_term",
    "modgap_minimality",
    "ova",
    "ova_minimality",
    "ova_signed",
    "pairwise_mean",
    "partner_cross_entropy",
    "pmrl",
    "register_minimality",
    "register_sufficiency",
    "sample",
    "siglip",
    "structure_divergence",
    "structure_minimality",
    "sufficiency_term",
    "symile",
    "triangle",
    "uniformity_of",
    "variational_minimality",
    "vicreg",
]
