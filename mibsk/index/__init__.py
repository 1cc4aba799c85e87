"""Search in embedded rows: a store in a folder, or a Qdrant server."""

from .._checks.packages import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
