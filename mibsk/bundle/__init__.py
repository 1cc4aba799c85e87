"""Bundles: the exported encoders of a model in one folder, with a manifest of what they are."""

from .._checks.packages import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
