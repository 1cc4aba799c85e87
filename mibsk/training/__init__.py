"""Training of encoders, independent of the estimators."""

from .._checks import training_packages  # noqa: F401
from ._bottleneck import FittedBottleneck
from ._closed_form import FittedClosedForm
from ._data import TrainingData, read_further_data, read_training_data
from ._devices import resolve_device
from ._inference import dataset_chunks, embed_rows
from ._learning_rate import LR_SCHEDULES
from ._model_state import model_state, read_model_state
from ._module import AlignmentModule
from ._net import AlignmentNet
from ._objective import check_objective, uses_unpaired
from ._rebuild import rebuild
from ._result import Trained
from ._same_group import SAME_GROUP, with_groups
from ._saved_params import Foreign, pack_params, unpack_params
from ._seeding import one_at_a_time, seeded
from ._torch_defaults import torch_defaults
from ._train import train

__all__ = [
    "LR_SCHEDULES",
    "SAME_GROUP",
    "AlignmentModule",
    "AlignmentNet",
    "FittedBottleneck",
    "FittedClosedForm",
    "Foreign",
    "Trained",
    "TrainingData",
    "check_objective",
    "dataset_chunks",
    "embed_rows",
    "model_state",
    "one_at_a_time",
    "pack_params",
    "read_further_data",
    "read_model_state",
    "read_training_data",
    "rebuild",
    "resolve_device",
    "seeded",
    "torch_defaults",
    "train",
    "unpack_params",
    "uses_unpaired",
    "with_groups",
]
