"""What several modalities share, by who shares it."""

from ..._checks.packages import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
