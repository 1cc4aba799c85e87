"""The report of everything that can be measured of two sets of embeddings."""

from ._files import Source, read_matrix
from ._labels import read_labels
from ._measure import measure
from ._measure_files import check_outputs, measure_files
from ._measurement import Chance, Line, Measurement, Side
from ._report import Report
from ._terminal import print_report

__all__ = [
    "Chance",
    "Line",
    "Measurement",
    "Report",
    "Side",
    "Source",
    "check_outputs",
    "measure",
    "measure_files",
    "print_report",
    "read_labels",
    "read_matrix",
]
