"""Measures of representations: arrays in, floats out, whatever model they came from."""

from ._cka import cka
from ._leakage import leakage
from ._modality_gap import modality_gap
from ._mutual_knn import mutual_knn
from ._probe import probe_information
from ._reports import alignment_report, information_report
from ._retrieval import recall_at_k

__all__ = [
    # how alike two representations are
    "cka",
    "modality_gap",
    "mutual_knn",
    "recall_at_k",
    # what one representation holds
    "leakage",
    "probe_information",
    # all of it
    "alignment_report",
    "information_report",
]
