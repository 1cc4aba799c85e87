"""Readers of published datasets whose images are labelled with all their factors."""

from ._dsprites import load_dsprites
from ._mpi3d import load_mpi3d
from ._shapes3d import load_shapes3d

__all__ = ["load_dsprites", "load_mpi3d", "load_shapes3d"]
