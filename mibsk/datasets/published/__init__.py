"""Readers of published datasets: images with all their factors, and images with captions."""

from ._captions import load_coco_captions, load_flickr_captions, load_karpathy
from ._dsprites import load_dsprites
from ._mpi3d import load_mpi3d
from ._shapes3d import load_shapes3d

__all__ = [
    "load_coco_captions",
    "load_dsprites",
    "load_flickr_captions",
    "load_karpathy",
    "load_mpi3d",
    "load_shapes3d",
]
