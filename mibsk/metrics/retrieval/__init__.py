"""Retrieval: the ranks of relevant rows, and metrics of them."""

from ._average_precision import mean_average_precision
from ._median_rank import median_rank
from ._recall import recall_at_k
from ._reciprocal_rank import mean_reciprocal_rank

__all__ = ["mean_average_precision", "mean_reciprocal_rank", "median_rank", "recall_at_k"]
