"""Export of trained encoders to ONNX, checked for parity, and inference without torch."""

from .._checks.packages import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
