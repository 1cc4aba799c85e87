"""Words for pictures: the querying transformer between features and text, and its decoding."""

from .._checks.packages import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
