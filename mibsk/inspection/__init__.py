"""Displays: pictures of training, of what embeddings hold, and of the space they share.

They follow scikit-learn: the constructor takes computed data, `plot` draws it and stores `axes_`
and `figure_`, and the class methods ``from_estimator`` and ``from_embeddings`` compute and plot.
:mod:`mibsk.inspection.drawing` has their style and the parts they are drawn with.
"""

from ._information_plane_display import InformationPlaneDisplay
from ._leakage_display import LeakageDisplay
from ._loadings_display import LoadingsDisplay
from ._modality_gap_display import ModalityGapDisplay
from ._path_display import PathDisplay
from ._retrieval_display import RetrievalDisplay
from ._shared_information_display import SharedInformationDisplay
from ._similarity_display import SimilarityDisplay
from ._training_display import TrainingDisplay

__all__ = [
    "InformationPlaneDisplay",
    "LeakageDisplay",
    "LoadingsDisplay",
    "ModalityGapDisplay",
    "PathDisplay",
    "RetrievalDisplay",
    "SharedInformationDisplay",
    "SimilarityDisplay",
    "TrainingDisplay",
]
