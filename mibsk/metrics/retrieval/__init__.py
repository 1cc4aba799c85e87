"""Ranks of what queries look for in a gallery, and metrics of these ranks."""

from ._analogies import analogy_recall
from ._average_precision import MEAN_AVERAGE_PRECISION, mean_average_precision
from ._both_ways import retrieval_scores
from ._median_rank import MEDIAN_RANK, median_rank
from ._recall import RECALL_AT_K, recall_at_k
from ._reciprocal_rank import MEAN_RECIPROCAL_RANK, mean_reciprocal_rank

__all__ = [
    "MEAN_AVERAGE_PRECISION",
    "MEAN_RECIPROCAL_RANK",
    "MEDIAN_RANK",
    "RECALL_AT_K",
    "analogy_recall",
    "mean_average_precision",
    "mean_reciprocal_rank",
    "median_rank",
    "recall_at_k",
    "retrieval_scores",
]
