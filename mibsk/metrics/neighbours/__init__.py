"""Nearest neighbours: their search, and metrics of how many two representations share."""

from ._cknna import cknna
from ._cycle_knn import cycle_knn
from ._edit_distance_knn import edit_distance_knn
from ._lcs_knn import lcs_knn
from ._mutual_knn import mutual_knn

__all__ = ["cknna", "cycle_knn", "edit_distance_knn", "lcs_knn", "mutual_knn"]
