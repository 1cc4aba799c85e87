"""The linear information bottleneck in closed form: moments in, directions out."""

from ._moments import FoldedMoments, Moments
from ._solution import Solution, solve

__all__ = ["FoldedMoments", "Moments", "Solution", "solve"]
