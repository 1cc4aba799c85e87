from ._captioner import OnnxCaptioner
from ._captioner_description import CaptionerDescription
from ._captioner_export import export_captioner
from ._encoder import OnnxEncoder
from ._export import export_encoder, export_encoders
from ._parity import ParityReport
from ._precision import PRECISIONS, export_precision
from ._session import open_session
from ._text_export import export_text_encoder

__all__ = [
    "PRECISIONS",
    "CaptionerDescription",
    "OnnxCaptioner",
    "OnnxEncoder",
    "ParityReport",
    "export_captioner",
    "export_encoder",
    "export_encoders",
    "export_precision",
    "export_text_encoder",
    "open_session",
]
