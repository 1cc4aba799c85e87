from ._batches import Batches
from ._class_pairs import ClassPairs
from ._forms import Form, read_form
from ._inputs import InputSpec
from ._modalities import Modalities
from ._source import Source, dataset_source, tensor_source

__all__ = [
    "Batches",
    "ClassPairs",
    "Form",
    "InputSpec",
    "Modalities",
    "Source",
    "dataset_source",
    "read_form",
    "tensor_source",
]
