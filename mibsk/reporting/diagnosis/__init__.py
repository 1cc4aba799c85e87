"""A diagnosis of paired tables before training."""

from ._diagnose import diagnose
from ._diagnosis import Diagnosis
from ._pictures import figure_of
from ._views import print_diagnosis

__all__ = ["Diagnosis", "diagnose", "figure_of", "print_diagnosis"]
