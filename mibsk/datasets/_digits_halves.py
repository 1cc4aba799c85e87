"""Left and right halves of handwritten digits, as two modalities."""

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from ..data import Modalities
from ._digit_images import digit_images

DESCR = """\
Left and right halves of handwritten digits.

What: 1,797 images of handwritten digits, 8x8 pixels, grey levels scaled to [0, 1], each cut into a
left and a right half.
Source: sklearn.datasets.load_digits, the test set of the UCI ML hand-written digits data
(Optical Recognition of Handwritten Digits, Alpaydin and Kaynak 1998).
Version: as bundled with the installed scikit-learn.
Licence: CC BY 4.0 (UCI Machine Learning Repository).
Pairing: by instance; row i of both modalities is the same image.
"""


def load_digits_halves() -> Bunch:
    """Load handwritten digits whose left and right halves are the two modalities.

    Both halves share the digit, and no nuisance is labelled. The data are bundled with
    scikit-learn.

    Returns
    -------
    bunch : Bunch
        ``data`` : Modalities with ``"left"`` and ``"right"``, float32 of shape (1797, 8, 4),
        values in [0, 1].

        ``labels`` : dict of modality to DataFrame with the column ``digit``.

        ``shared`` : ``["digit"]``; ``nuisances`` : ``[]``; ``DESCR`` : str.

    References
    ----------
    E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository, 1998. https://doi.org/10.24432/C50P49

    Examples
    --------
    >>> from mibsk.datasets import load_digits_halves
    >>> digits = load_digits_halves()
    >>> digits.data["left"].shape, digits.data["right"].shape
    ((1797, 8, 4), (1797, 8, 4))
    >>> digits.shared
    ['digit']
    """
    images, digits = digit_images()
    halves = {"left": images[:, :, :4], "right": images[:, :, 4:]}
    return Bunch(
        data=Modalities({name: np.ascontiguousarray(half) for name, half in halves.items()}),
        labels={name: pd.DataFrame({"digit": digits}) for name in halves},
        shared=["digit"],
        nuisances=[],
        DESCR=DESCR,
    )
