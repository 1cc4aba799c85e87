"""Nearest neighbours by inner product, and metrics of what neighbours two modalities share."""

from .._kept import keep_searches
from ._cknna import CKNNA, cknna
from ._cycle_knn import CYCLE_KNN, cycle_knn
from ._edit_distance_knn import EDIT_DISTANCE_KNN, edit_distance_knn
from ._inner_products import InnerProducts, count_rows
from ._lcs_knn import LCS_KNN, lcs_knn
from ._mutual_knn import MUTUAL_KNN, mutual_knn
from ._overlap import list_length

__all__ = [
    "CKNNA",
    "CYCLE_KNN",
    "EDIT_DISTANCE_KNN",
    "InnerProducts",
    "LCS_KNN",
    "MUTUAL_KNN",
    "cknna",
    "count_rows",
    "cycle_knn",
    "edit_distance_knn",
    "keep_searches",
    "lcs_knn",
    "list_length",
    "mutual_knn",
]
