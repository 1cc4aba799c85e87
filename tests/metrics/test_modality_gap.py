"""Modality gap: the reference value and its laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group

from mibsk.metrics import modality_gap

from .draws import few, seeds


def test_reference_value(reference):
    inputs, values = reference("loss_inputs.npz"), reference("loss_values.json")
    gap = modality_gap(inputs["z0"], inputs["z1"])
    assert gap == pytest.approx(values["modality_gap_l2m"], abs=1e-12)


@few
@given(seeds, st.integers(2, 20), st.integers(2, 20))
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


def test_float32_far_from_the_origin_and_tensors_on_an_accelerator(accelerated):
    X, Y = np.random.default_rng(0).standard_normal((2, 20_000, 3))
    far = (X + 1000).astype("f4"), (Y + 1001).astype("f4")
    assert modality_gap(*far) == pytest.approx(modality_gap(*(Z.astype(float) for Z in far)))
    for size in (1, 1e-30, 1e30):
        gap = modality_gap(accelerated(size * X), accelerated(size * Y))
        assert gap / size == pytest.approx(modality_gap(X, Y), rel=1e-5)


def test_interval_of_clouds_of_unequal_size():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((400, 3)), rng.normal([1, 0, 0], size=(200, 3))
    found = modality_gap(X, Y, ci=0.95)
    assert found.low < found.value == modality_gap(X, Y) < found.high
    # the gap lies along one axis: it is spread as the difference of two means
    assert found.replicates.std() == pytest.approx(np.sqrt(1 / 400 + 1 / 200), rel=0.15)


def test_a_gap_beyond_all_numbers_is_refused():
    with pytest.raises(ValueError, match="the modality gap is too large for a number"):
        modality_gap(np.full((3, 1), 1.7e308), np.full((3, 1), -1.7e308))
