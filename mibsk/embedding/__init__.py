"""Embeddings of the rows of many files, on one machine or on a cluster."""

from ._embed_files import embed_files
from ._one_file import Outcome
from ._summary import summary

__all__ = ["Outcome", "embed_files", "summary"]
