import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from mibsk.encoders import InputScaling
from mibsk.encoders import _scaling as scaling_module

SHAPES = [
    ((5,), (5,), (0,)),
    ((6, 6), (1, 1), (0, 1, 2)),
    ((4, 9), (4, 1), (0, 2)),
    ((3, 6, 7), (3, 1, 1), (0, 2, 3)),
    ((6, 7, 3), (1, 1, 3), (0, 1, 2)),
    ((5, 5, 5), (1, 1, 1), (0, 1, 2, 3)),
    ((2, 3, 4, 5), (1, 1, 1, 1), (0, 1, 2, 3, 4)),
]


@pytest.mark.parametrize(("shape", "expected", "axes"), SHAPES)
def test_each_channel_gets_mean_0_and_deviation_1(shape, expected, axes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, *shape)) * rng.uniform(0.1, 9, size=shape) + rng.normal(size=shape)
    scaling = InputScaling.from_array(X)
    assert tuple(scaling.mean.shape) == tuple(scaling.scale.shape) == expected
    Z = scaling(torch.from_numpy(X))
    assert Z.dtype == torch.float32
    assert Z.shape == X.shape
    np.testing.assert_allclose(Z.double().mean(dim=axes), 0, atol=1e-6)
    np.testing.assert_allclose(Z.double().std(dim=axes, correction=0), 1, atol=1e-6)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 40), st.integers(1, 5), st.integers(0, 1000), st.floats(-1e4, 1e4))
def test_equals_standard_scaler_whatever_the_chunk(n, d, seed, offset):
    X = np.random.default_rng(seed).normal(size=(n, d)) + offset
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scaling_module, "CHUNK_VALUES", 3 * d)
        scaling = InputScaling.from_array(X)
    other = StandardScaler().fit(X)
    np.testing.assert_allclose(scaling.mean, other.mean_, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(scaling.scale, other.scale_, rtol=1e-6)


def test_memory_map_is_read_in_chunks(tmp_path, monkeypatch):
    X = np.random.default_rng(0).normal(size=(100, 4, 7)).astype(np.float32)
    np.save(tmp_path / "x.npy", X)
    seen = []

    class Spy(np.memmap):
        def __getitem__(self, index):
            seen.append(index)
            return np.asarray(super().__getitem__(index))

    mapped = np.load(tmp_path / "x.npy", mmap_mode="r").view(Spy)
    monkeypatch.setattr(scaling_module, "CHUNK_VALUES", 28 * 30)
    scaling = InputScaling.from_array(mapped)
    assert [(s.start, s.stop) for s in seen] == [(0, 30), (30, 60), (60, 90), (90, 120)]
    np.testing.assert_allclose(scaling.mean[:, 0], X.mean(axis=(0, 2)), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.bool_, np.float16, np.float32])
def test_any_real_type(dtype):
    X = np.array([[0, 1], [1, 1], [1, 0]]).astype(dtype)
    Z = InputScaling.from_array(X)(torch.from_numpy(X))
    np.testing.assert_allclose(Z.numpy(), StandardScaler().fit_transform(X), atol=1e-3)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8, -3e-20])
def test_constant_gets_scale_1(value):
    scaling = InputScaling.from_array(np.full((7, 2), value))
    assert torch.equal(scaling.scale, torch.ones(2))


def test_noise_on_a_constant_is_not_amplified():
    rng = np.random.default_rng(0)
    X = 1000 * (1 + rng.uniform(-6e-8, 6e-8, size=(200, 1)))
    Z = InputScaling.from_array(X)(torch.from_numpy(X))
    assert Z.abs().max() < 1e-3


def test_small_deviations_above_noise_are_kept():
    X = 1.0 + 1e-4 * np.arange(5.0)[:, None]
    assert InputScaling.from_array(X).scale.item() == pytest.approx(X.std(), rel=1e-6)


def test_deviation_below_float32_gets_scale_1():
    X = np.array([[0.0], [1e-42]])
    assert InputScaling.from_array(X).scale.item() == 1.0


@pytest.mark.parametrize(("shape", "expected", "axes"), SHAPES)
def test_one_scale_of_a_modality(shape, expected, axes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, *shape)) * rng.uniform(0.1, 9, size=shape) + rng.normal(size=shape)
    scaling = InputScaling.from_array(X, "modality")
    assert tuple(scaling.mean.shape) == tuple(scaling.scale.shape) == expected
    assert len(scaling.scale.unique()) == 1
    Z = scaling(torch.from_numpy(X)).double()
    np.testing.assert_allclose(Z.mean(dim=axes), 0, atol=1e-6)
    np.testing.assert_allclose(Z.var(dim=axes, correction=0).mean(), 1, atol=1e-6)


def test_one_scale_keeps_the_ratios_of_distances():
    X = np.random.default_rng(0).normal(size=(9, 4)) * [1, 2, 3, 40]
    scaling = InputScaling.from_array(X, "modality")
    Z = scaling(torch.from_numpy(X)).double()
    expected = torch.cdist(torch.from_numpy(X), torch.from_numpy(X)) / scaling.scale[0]
    np.testing.assert_allclose(torch.cdist(Z, Z), expected, atol=1e-5)


RNG = np.random.default_rng(0)
BITS = (RNG.uniform(size=(400, 5)) < [0.2, 0.3, 0.4, 0.5, 0.6]).astype(float)
NORMAL = RNG.normal(size=(400, 20))
AUTO = {
    "one-hot": (np.eye(4)[np.arange(400) % 4], "columns"),
    "zeros and ones": (BITS, "columns"),
    "zeros and ones of integers": (BITS.astype(int), "columns"),
    "boolean": (BITS.astype(bool), "columns"),
    "bytes": ((BITS * 255).astype(np.uint8), "modality"),
    "one unit": (NORMAL[:, :6] * [1, 2, 3, 4, 5, 6], "modality"),
    "one unit, and a column of noise": (NORMAL * ([1] * 19 + [1e-5]), "modality"),
    "one unit, and constant columns": (NORMAL[:, :4] * [1, 2, 0, 0], "modality"),
    "other units": (NORMAL[:, :3] * [1, 50, 3000], "columns"),
    "one column": (NORMAL[:, :1], "columns"),
    "channels": (RNG.normal(size=(90, 3, 8)) * [[1], [2], [3]], "columns"),
    "colours": (RNG.integers([99, 199, 250], size=(90, 6, 6, 3)).astype(np.uint8), "columns"),
}


@pytest.mark.parametrize("case", AUTO)
def test_choice_by_type_and_scales(case):
    X, expected = AUTO[case]
    auto, chosen = (InputScaling.from_array(X, how) for how in ("auto", expected))
    assert torch.equal(auto.mean, chosen.mean)
    assert torch.equal(auto.scale, chosen.scale)


@pytest.mark.parametrize(
    "X",
    [
        np.eye(2000)[:, :3],
        np.eye(2000, dtype=np.uint8)[:, :3],
        np.hstack([RNG.normal(size=(2000, 2)) * [1, 99], np.eye(2000)[:, :2], np.ones((2000, 1))]),
    ],
    ids=["rare zeros and ones", "rare pixels", "rare and constant columns beside others"],
)
def test_columns_that_are_almost_constant_do_not_explode(X):
    assert InputScaling.from_array(X)(torch.from_numpy(X)).abs().max() > 40
    Z = InputScaling.from_array(X, "auto")(torch.from_numpy(X))
    assert Z.abs().max() == pytest.approx(10)
    typical = Z[:, :2].std(dim=0) if X.dtype == np.float64 and X.shape[1] == 5 else None
    assert typical is None or typical.numpy() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("how", ["columns", "modality", "auto"])
@pytest.mark.parametrize("value", [0.0, 3.0, 1e8])
def test_nothing_but_constants_gets_scale_1(value, how):
    scaling = InputScaling.from_array(np.full((7, 2), value), how)
    assert torch.equal(scaling.scale, torch.ones(2))


def test_state_dict_round_trip():
    scaling = InputScaling.from_array(np.random.default_rng(0).normal(size=(9, 3)))
    copy = InputScaling(np.zeros(3), np.ones(3))
    copy.load_state_dict(scaling.state_dict())
    assert torch.equal(copy.mean, scaling.mean)
    assert torch.equal(copy.scale, scaling.scale)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite(bad):
    with pytest.raises(ValueError, match="X holds NaN or infinity"):
        InputScaling.from_array(np.array([[1.0, 2.0], [3.0, bad]]))


@pytest.mark.parametrize("bad", [1e39, -1e300, 3e38])
def test_overflow(bad):
    with pytest.raises(ValueError, match="too large for float32: rescale X"):
        InputScaling.from_array(np.array([[1.0, 2.0], [3.0, bad]]))


@pytest.mark.parametrize("shape", [(5,), (0, 3), (3, 0)])
def test_bad_shape(shape):
    with pytest.raises(ValueError, match=r"expected \(n, \*input_shape\)"):
        InputScaling.from_array(np.zeros(shape))


@pytest.mark.parametrize(
    ("mean", "scale", "message"),
    [
        ([0.0, 0.0], [1.0], "expected the same"),
        ([0.0], [0.0], "not positive"),
        ([0.0], [-1.0], "not positive"),
        ([np.nan], [1.0], "not finite"),
    ],
)
def test_bad_mean_or_scale(mean, scale, message):
    with pytest.raises(ValueError, match=message):
        InputScaling(mean, scale)
