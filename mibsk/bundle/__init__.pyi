from ._bundle import Bundle
from ._display import Display
from ._entries import (
    CaptionerFiles,
    DataSource,
    EncoderFile,
    GraphFile,
    RecallLoss,
    TensorInput,
    Variant,
)
from ._manifest import Manifest
from ._write import write_bundle

__all__ = [
    "Bundle",
    "CaptionerFiles",
    "DataSource",
    "Display",
    "EncoderFile",
    "GraphFile",
    "Manifest",
    "RecallLoss",
    "TensorInput",
    "Variant",
    "write_bundle",
]
