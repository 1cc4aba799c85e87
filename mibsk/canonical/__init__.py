"""The linear information bottleneck in closed form: moments in, directions out."""

from ._by_subset import SharedBySubset, shared_by_subset
from ._coordinates import Coordinates, coordinate_views, find_coordinates
from ._design_effects import DesignEffects
from ._group_sums import GroupSums
from ._held_out import as_correlations, mean_correlation
from ._information import direction_information, information_of_directions, whole_information
from ._linear_model import LinearModel
from ._moments import FoldedMoments, Moments, near_mean
from ._pair_sums import PairSums
from ._permutation import DirectionsTest, permutation_test
from ._settings import Canonical
from ._solution import Solution, directions_at, embedding_map, solve

__all__ = [
    "Canonical",
    "Coordinates",
    "DirectionsTest",
    "FoldedMoments",
    "DesignEffects",
    "GroupSums",
    "LinearModel",
    "Moments",
    "PairSums",
    "SharedBySubset",
    "Solution",
    "as_correlations",
    "direction_information",
    "coordinate_views",
    "directions_at",
    "embedding_map",
    "find_coordinates",
    "information_of_directions",
    "mean_correlation",
    "near_mean",
    "permutation_test",
    "shared_by_subset",
    "solve",
    "whole_information",
]
