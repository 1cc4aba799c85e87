"""Images of handwritten digits that scikit-learn bundles."""

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits


def digit_images() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return 1,797 images with values in [0, 1], shape (1797, 8, 8), and their digits."""
    images, digits = load_digits(return_X_y=True)
    return (images / 16).astype(np.float32).reshape(-1, 8, 8), digits.astype(np.int64)
