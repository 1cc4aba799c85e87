"""Digit halves: joined, they equal scikit-learn's digits."""

import numpy as np
from sklearn.datasets import load_digits

from mibsk.data import Modalities
from mibsk.datasets import load_digits_halves


def test_halves_joined_are_the_digits():
    bunch, digits = load_digits_halves(), load_digits()
    assert isinstance(bunch.data, Modalities)
    left, right = bunch.data["left"], bunch.data["right"]
    assert left.dtype == right.dtype == np.float32
    np.testing.assert_array_equal(np.concatenate([left, right], axis=2) * 16, digits.images)
    for name in ("left", "right"):
        np.testing.assert_array_equal(bunch.labels[name]["digit"], digits.target)


def test_fields():
    bunch = load_digits_halves()
    assert set(bunch) == {"data", "labels", "shared", "nuisances", "DESCR"}
    assert (bunch.shared, bunch.nuisances) == (["digit"], [])
    assert len(bunch.data) == 1797
    assert "Pairing: by instance" in bunch.DESCR
