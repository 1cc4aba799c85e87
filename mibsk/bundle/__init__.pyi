from ._bundle import Bundle
from ._display import Display
from ._manifest import DataSource, EncoderFile, Manifest, TensorInput
from ._write import write_bundle

__all__ = [
    "Bundle",
    "DataSource",
    "Display",
    "EncoderFile",
    "Manifest",
    "TensorInput",
    "write_bundle",
]
