"""Displays: pictures of training, of what embeddings hold, and of the space they share.

Each follows scikit-learn: a constructor that takes computed data, `plot` that draws it and stores
`axes_` and `figure_`, and a class method ``from_*`` that computes and plots.
"""

from ._information_display import InformationDisplay
from ._space_display import SpaceDisplay
from ._training_display import TrainingDisplay

__all__ = ["InformationDisplay", "SpaceDisplay", "TrainingDisplay"]
