"""The images of handwritten digits that come with scikit-learn."""

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits


def digit_images() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the 1,797 images, (1797, 8, 8) with values in [0, 1], and their digits, (1797,)."""
    images, digits = load_digits(return_X_y=True)
    return (images / 16).astype(np.float32).reshape(-1, 8, 8), digits.astype(np.int64)
