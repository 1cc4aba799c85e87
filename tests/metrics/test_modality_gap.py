"""Modality gap: the reference value and its laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from mibsk.metrics import modality_gap


def test_reference_value(reference):
    inputs, values = reference("loss_inputs.npz"), reference("loss_values.json")
    gap = modality_gap(inputs["z0"], inputs["z1"])
    assert gap == pytest.approx(values["modality_gap_l2m"], abs=1e-12)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(2, 20), st.integers(2, 20))
def test_laws(seed, n, m):
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((n, 4)), rng.standard_normal((m, 4))
    gap = modality_gap(X, Y)
    assert gap >= 0
    assert modality_gap(Y, X) == gap
    assert modality_gap(X, rng.permutation(X)) == pytest.approx(0, abs=1e-14)
    rotation, shift = ortho_group.rvs(4, random_state=rng), rng.standard_normal(4)
    assert modality_gap(X @ rotation + shift, Y @ rotation + shift) == pytest.approx(gap)
    assert modality_gap(3 * X, 3 * Y) == pytest.approx(3 * gap)
    assert modality_gap(X, X + shift) == pytest.approx(np.linalg.norm(shift))
    unit = [Z / np.linalg.norm(Z, axis=1, keepdims=True) for Z in (X, Y)]
    assert modality_gap(*unit) <= 2
