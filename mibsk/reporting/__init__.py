"""Reports of all metrics of two sets of embeddings, and of paired tables before training."""

from ._comparison import Difference, SideBySide
from ._diagnose_files import diagnose_files
from ._folders import files_of_folders, measure_folders
from ._label_files import read_labels
from ._matrix_files import read_array, read_matrix
from ._measure import measure
from ._measurement import Chance, Line, Measurement, Side, Source
from ._page import to_html
from ._printable import printable
from ._report_files import check_outputs, measure_files, write_report
from ._table_files import csv_chunks
from ._terminal import print_report
from .diagnosis import Diagnosis, diagnose

__all__ = [
    "Chance",
    "Diagnosis",
    "Difference",
    "Line",
    "Measurement",
    "Side",
    "SideBySide",
    "Source",
    "check_outputs",
    "csv_chunks",
    "diagnose",
    "diagnose_files",
    "files_of_folders",
    "measure",
    "measure_files",
    "measure_folders",
    "print_report",
    "printable",
    "read_array",
    "read_labels",
    "read_matrix",
    "to_html",
    "write_report",
]
