"""The linear information bottleneck in closed form: moments in, directions out."""

from ._held_out import mean_correlation
from ._moments import FoldedMoments, Moments
from ._settings import Canonical
from ._solution import Solution, solve

__all__ = ["Canonical", "FoldedMoments", "Moments", "Solution", "mean_correlation", "solve"]
