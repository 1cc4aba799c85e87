"""Paired data with known factors: rendered, bundled with scikit-learn, and fetched.

Every loader returns a :class:`sklearn.utils.Bunch` with the same fields: ``data``, the pairs in a
form that :class:`mibsk.IBAligner` accepts; ``labels``, for each modality a table of the factors of
its rows; ``shared``, the names of the factors that all modalities have in common; ``nuisances``,
those of factors that only some modalities contain; and ``DESCR``, the source of the data and how
they are paired.

Pictures with texts (:func:`make_scenes`, :func:`fetch_icons`, :func:`fetch_openclipart`,
:func:`fetch_nlvr`, :func:`load_coco_captions`, :func:`load_flickr_captions`,
:func:`load_karpathy`) have one row for each text, beside its picture, and two more fields:
``picture``, the number of the picture of each row, and ``groups``, rows that :func:`split_bunch`
keeps together. :func:`one_per_picture` returns one row for each picture, with all of its texts.
``IBAligner(same_group="positive").fit(data, groups=picture)`` takes all texts of a picture as its
partners, and the parameter `labels` of metrics of retrieval counts them as right answers.
"""

from .._checks import training_packages  # noqa: F401
from ._arm import make_arm
from ._captioned import one_per_picture
from ._digits_halves import load_digits_halves
from ._icons import fetch_icons
from ._image_files import ImageFiles
from ._mfeat import fetch_mfeat
from ._nlvr import fetch_nlvr
from ._omniglot import fetch_omniglot
from ._openclipart import fetch_openclipart
from ._room import make_room
from ._scene_analogies import scene_analogies
from ._scene_grammar import Scene, Thing, scene_of_caption
from ._scenes import make_scenes
from ._splits import load_bunch, save_bunch, split_bunch
from ._spoken_digits import fetch_spoken_digits
from ._sprites import make_sprites
from .published import (
    load_coco_captions,
    load_dsprites,
    load_flickr_captions,
    load_karpathy,
    load_mpi3d,
    load_shapes3d,
)

__all__ = [
    "ImageFiles",
    "Scene",
    "Thing",
    "fetch_icons",
    "fetch_mfeat",
    "fetch_nlvr",
    "fetch_omniglot",
    "fetch_openclipart",
    "fetch_spoken_digits",
    "load_bunch",
    "load_coco_captions",
    "load_digits_halves",
    "load_dsprites",
    "load_flickr_captions",
    "load_karpathy",
    "load_mpi3d",
    "load_shapes3d",
    "make_arm",
    "make_room",
    "make_scenes",
    "make_sprites",
    "one_per_picture",
    "save_bunch",
    "scene_analogies",
    "scene_of_caption",
    "split_bunch",
]
