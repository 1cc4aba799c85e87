"""Export of trained encoders to ONNX, checked for parity, and inference without torch."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
