"""Paired data with known factors: rendered, bundled with scikit-learn, and fetched.

Every loader returns a :class:`sklearn.utils.Bunch` with the same fields: ``data``, the pairs in a
form that :class:`mibsk.IBAligner` accepts; ``labels``, for each modality a table of the factors of
its rows; ``shared``, the names of the factors that all modalities have in common; ``nuisances``,
those of factors that only some modalities contain; and ``DESCR``, the source of the data and how
they are paired.
"""

from .._checks import training_packages  # noqa: F401
from ._arm import make_arm
from ._digits_halves import load_digits_halves
from ._mfeat import fetch_mfeat
from ._omniglot import fetch_omniglot
from ._room import make_room
from ._splits import load_bunch, save_bunch, split_bunch
from ._spoken_digits import fetch_spoken_digits
from ._sprites import make_sprites
from .published import load_dsprites, load_mpi3d, load_shapes3d

__all__ = [
    "fetch_mfeat",
    "fetch_omniglot",
    "fetch_spoken_digits",
    "load_bunch",
    "load_digits_halves",
    "load_dsprites",
    "load_mpi3d",
    "load_shapes3d",
    "make_arm",
    "make_room",
    "make_sprites",
    "save_bunch",
    "split_bunch",
]
