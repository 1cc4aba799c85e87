"""Static sites in which a browser embeds and searches by itself."""

from .._checks.packages import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
