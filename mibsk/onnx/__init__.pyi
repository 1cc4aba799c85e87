from ._encoder import OnnxEncoder
from ._export import export_encoder, export_encoders
from ._parity import ParityReport
from ._session import open_session

__all__ = ["OnnxEncoder", "ParityReport", "export_encoder", "export_encoders", "open_session"]
