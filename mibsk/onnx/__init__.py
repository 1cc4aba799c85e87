"""Export of trained encoders to ONNX with proof of parity, and their use without torch."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
