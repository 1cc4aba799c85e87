from ._held_out import cross_fit_inflation, fisher_interval
from ._information_by_subset import information_by_subset
from ._joint_rotation import correlations_of, matched, told_apart
from ._partial_information import PartialInformation, partial_information
from ._subsets import Subset, by_subset, carriers, multi_information

__all__ = [
    "PartialInformation",
    "Subset",
    "by_subset",
    "carriers",
    "correlations_of",
    "cross_fit_inflation",
    "fisher_interval",
    "information_by_subset",
    "matched",
    "multi_information",
    "partial_information",
    "told_apart",
]
