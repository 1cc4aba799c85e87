"""Paired data with known factors: rendered, bundled with scikit-learn, and fetched.

Every loader returns a :class:`sklearn.utils.Bunch` with the same fields: ``data``, the pairs as
:class:`mibsk.IBAligner` takes them; ``labels``, per modality a table of the factors that its rows
carry; ``shared``, the factors that every modality knows; ``nuisances``, those that only some know;
and ``DESCR``, where the data come from and how they are paired.
"""

from ._digits_halves import load_digits_halves
from ._splits import load_bunch, save_bunch, split_bunch
from ._spoken_digits import fetch_spoken_digits
from ._sprites import make_sprites

__all__ = [
    "fetch_spoken_digits",
    "load_bunch",
    "load_digits_halves",
    "make_sprites",
    "save_bunch",
    "split_bunch",
]
