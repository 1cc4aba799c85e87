"""Reports of all metrics of two sets of embeddings."""

from ._comparison import Difference, SideBySide
from ._folders import files_of_folders, measure_folders
from ._label_files import read_labels
from ._matrix_files import read_matrix
from ._measure import measure
from ._measurement import Chance, Line, Measurement, Side, Source
from ._page import to_html
from ._printable import printable
from ._report_files import check_outputs, measure_files, write_report
from ._terminal import print_report

__all__ = [
    "Chance",
    "Difference",
    "Line",
    "Measurement",
    "Side",
    "SideBySide",
    "Source",
    "check_outputs",
    "files_of_folders",
    "measure",
    "measure_files",
    "measure_folders",
    "print_report",
    "printable",
    "read_labels",
    "read_matrix",
    "to_html",
    "write_report",
]
