"""Server of a bundle: embeddings, inference and search over HTTP; needs no torch."""

from .._checks.packages import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
