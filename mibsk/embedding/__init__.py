"""Embeddings of the rows of many files, on one machine or on a cluster."""

from ._embed_files import embed_files
from ._one_file import Outcome
from ._row_files import READABLE, RowFile, Selection, open_rows
from ._summary import summary

__all__ = [
    "READABLE",
    "Outcome",
    "RowFile",
    "Selection",
    "embed_files",
    "open_rows",
    "summary",
]
