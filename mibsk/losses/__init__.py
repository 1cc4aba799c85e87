"""Loss terms: tensors in, a scalar and its named parts out."""

from ._embedding import Embedding
from ._gaussian import gaussian_minimality
from ._infonce import infonce, infonce_oneway
from ._objective import MINIMALITY, SUFFICIENCY, IBObjective, LossParts
from ._pairwise import pairwise_mean
from ._temperature import Temperature
from ._variational import kl_diag_gaussians, sample, variational_minimality

__all__ = [
    "MINIMALITY",
    "SUFFICIENCY",
    "Embedding",
    "IBObjective",
    "LossParts",
    "Temperature",
    "gaussian_minimality",
    "infonce",
    "infonce_oneway",
    "kl_diag_gaussians",
    "pairwise_mean",
    "sample",
    "variational_minimality",
]
