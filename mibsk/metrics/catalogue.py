"""All metrics, each with its description, in the order of reports."""

from ._alignment import ALIGNMENT
from ._cka import CKA
from ._consistency import CONSISTENCY
from ._description import SQUARE, Description
from ._gaussian_information import GAUSSIAN_MUTUAL_INFORMATION
from ._modality_gap import MODALITY_GAP
from ._mutual_information import MUTUAL_INFORMATION
from ._procrustes import PROCRUSTES
from ._pwcca import PWCCA
from ._relative_modality_gap import RELATIVE_MODALITY_GAP
from ._svcca import SVCCA
from ._uniformity import UNIFORMITY
from .neighbours import CKNNA, CYCLE_KNN, EDIT_DISTANCE_KNN, LCS_KNN, MUTUAL_KNN
from .probes import KEPT, LEAKAGE, READ
from .retrieval import MEAN_AVERAGE_PRECISION, MEAN_RECIPROCAL_RANK, MEDIAN_RANK, RECALL_AT_K

__all__ = ["CATALOGUE", "GROUPS", "SQUARE", "Description"]

GROUPS = {
    "alignment": "Alignment: do both sides arrange the same rows alike?",
    "geometry": "Geometry: where do the two sides lie?",
    "retrieval": "Retrieval: does a row find its partner on the other side?",
    "information": "Information: what do they know of each other, and of the labels?",
}

CATALOGUE = (
    *CKA,
    MUTUAL_KNN,
    CYCLE_KNN,
    LCS_KNN,
    EDIT_DISTANCE_KNN,
    CKNNA,
    SVCCA,
    PWCCA,
    PROCRUSTES,
    CONSISTENCY,
    MODALITY_GAP,
    RELATIVE_MODALITY_GAP,
    ALIGNMENT,
    UNIFORMITY,
    *RECALL_AT_K,
    MEDIAN_RANK,
    MEAN_RECIPROCAL_RANK,
    MEAN_AVERAGE_PRECISION,
    MUTUAL_INFORMATION,
    GAUSSIAN_MUTUAL_INFORMATION,
    KEPT,
    LEAKAGE,
    READ,
)
