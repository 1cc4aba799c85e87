"""Measures of representations: arrays in, floats out, whatever model they came from."""

from ._alignment import alignment
from ._cka import cka
from ._comparison import Comparison, compare
from ._consistency import consistency
from ._gaussian_information import gaussian_mutual_information
from ._metric import METRICS, Metric
from ._modality_gap import modality_gap
from ._mutual_information import mutual_information
from ._permutation import PermutationTest, permutation_test
from ._procrustes import procrustes
from ._pwcca import pwcca
from ._relative_modality_gap import relative_modality_gap
from ._reports import alignment_report, information_report
from ._resampling import Bootstrap, Estimate
from ._scorers import get_scorer, get_scorer_names
from ._svcca import svcca
from ._uniformity import uniformity
from .neighbours import cknna, cycle_knn, edit_distance_knn, lcs_knn, mutual_knn
from .probes import kept, leakage, probe_information
from .retrieval import mean_average_precision, mean_reciprocal_rank, median_rank, recall_at_k

__all__ = [
    # how alike two representations are
    "cka",
    "cknna",
    "cycle_knn",
    "edit_distance_knn",
    "lcs_knn",
    "mutual_knn",
    "procrustes",
    "pwcca",
    "svcca",
    # how far apart two modalities lie in one space
    "alignment",
    "modality_gap",
    "relative_modality_gap",
    "uniformity",
    # whether partners find each other
    "mean_average_precision",
    "mean_reciprocal_rank",
    "median_rank",
    "recall_at_k",
    # what two representations tell of each other, and runs of one model
    "consistency",
    "gaussian_mutual_information",
    "mutual_information",
    # what one representation holds
    "kept",
    "leakage",
    "probe_information",
    # how sure it is
    "Bootstrap",
    "Comparison",
    "Estimate",
    "PermutationTest",
    "compare",
    "permutation_test",
    # what each of them is
    "METRICS",
    "Metric",
    # as scikit-learn's scorers
    "get_scorer",
    "get_scorer_names",
    # all of it
    "alignment_report",
    "information_report",
]
