from ._encoder import OnnxEncoder
from ._export import export_encoder, export_encoders
from ._parity import ParityReport

__all__ = ["OnnxEncoder", "ParityReport", "export_encoder", "export_encoders"]
