from ._alignment import alignment
from ._cka import cka
from ._consistency import consistency
from ._gaussian_information import gaussian_mutual_information
from ._modality_gap import modality_gap
from ._mutual_information import mutual_information
from ._procrustes import procrustes
from ._pwcca import pwcca
from ._relative_modality_gap import relative_modality_gap
from ._reports import alignment_report, information_report
from ._scorers import get_scorer, get_scorer_names
from ._svcca import svcca
from ._uniformity import uniformity
from .captions import (
    bleu,
    caption_scores,
    caption_tokens,
    cider_d,
    compare_captions,
    rouge_l,
)
from .neighbours import cknna, cycle_knn, edit_distance_knn, lcs_knn, mutual_knn
from .probes import kept, leakage, probe_information
from .retrieval import (
    analogy_recall,
    mean_average_precision,
    mean_reciprocal_rank,
    median_rank,
    recall_at_k,
    retrieval_scores,
)
from .sharing import PartialInformation, information_by_subset, partial_information
from .statistics import Bootstrap, Comparison, Estimate, PermutationTest, compare, permutation_test

__all__ = [
    # similarity of two representations
    "cka",
    "cknna",
    "cycle_knn",
    "edit_distance_knn",
    "lcs_knn",
    "mutual_knn",
    "procrustes",
    "pwcca",
    "svcca",
    # geometry of two modalities in one space
    "alignment",
    "modality_gap",
    "relative_modality_gap",
    "uniformity",
    # retrieval of partners
    "analogy_recall",
    "mean_average_precision",
    "mean_reciprocal_rank",
    "median_rank",
    "recall_at_k",
    "retrieval_scores",
    # information between representations, and consistency of runs
    "consistency",
    "gaussian_mutual_information",
    "information_by_subset",
    "mutual_information",
    # information about factors in one representation
    "kept",
    "leakage",
    "partial_information",
    "probe_information",
    # generated captions
    "bleu",
    "caption_scores",
    "caption_tokens",
    "cider_d",
    "compare_captions",
    "rouge_l",
    # intervals, tests and comparisons
    "Bootstrap",
    "Comparison",
    "Estimate",
    "PartialInformation",
    "PermutationTest",
    "compare",
    "permutation_test",
    # scorers for scikit-learn
    "get_scorer",
    "get_scorer_names",
    # several metrics in one call
    "alignment_report",
    "information_report",
]
