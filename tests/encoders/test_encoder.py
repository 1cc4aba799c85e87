import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mibsk.encoders import MLP, Encoder, InputScaling, SparseMLP, build_encoder
from mibsk.encoders._encoder import LOG_NOISE_RANGE


def test_norm_by_hand():
    z = Encoder(nn.Identity(), 2)(torch.tensor([[3.0, -4.0], [0.0, 2.0]]))
    torch.testing.assert_close(z, torch.tensor([[0.6, -0.8], [0.0, 1.0]]))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.floats(1e-4, 1e15))
def test_unit_norm_whatever_the_scale(seed, factor):
    x = torch.randn(5, 7, generator=torch.Generator().manual_seed(seed))
    encoder = Encoder(nn.Identity(), 7)
    torch.testing.assert_close(encoder(x * factor).norm(dim=1), torch.ones(5))
    torch.testing.assert_close(encoder(x * factor), encoder(x))


def test_zero_vector_gives_no_nan():
    x = torch.zeros(2, 3, requires_grad=True)
    z = Encoder(nn.Identity(), 3)(x)
    z.sum().backward()
    assert torch.equal(z, torch.zeros(2, 3))
    assert x.grad.isfinite().all()


def test_half_precision_backbone_gives_float32_unit_rows():
    z = Encoder(nn.Identity(), 3)(torch.full((2, 3), 1e-4, dtype=torch.float16))
    assert z.dtype == torch.float32
    torch.testing.assert_close(z.norm(dim=1), torch.ones(2))


def test_scaling_comes_before_the_backbone():
    scaling = InputScaling([1.0, 2.0], [2.0, 4.0])
    z = Encoder(nn.Identity(), 2, scaling=scaling)(torch.tensor([[7, 18]]))
    torch.testing.assert_close(z, torch.tensor([[0.6, 0.8]]))


def test_scaling_is_saved_with_the_encoder():
    X = np.random.default_rng(0).normal(3, 2, size=(20, 4))
    source = Encoder(MLP((5,))((4,), 3), 3, scaling=InputScaling.from_array(X)).eval()
    target = Encoder(MLP((5,))((4,), 3), 3, scaling=InputScaling(np.zeros(4), np.ones(4))).eval()
    target.load_state_dict(source.state_dict())
    x = torch.from_numpy(X)
    assert torch.equal(source(x), target(x))


def test_sparse_pair_passes_unscaled():
    backbone = SparseMLP((5,))((9,), 3).eval()
    pair = torch.tensor([[1, 8], [0, 0]]), torch.tensor([[1.0, 2.0], [3.0, 0.0]])
    scaling = InputScaling(np.ones(9), np.full(9, 5.0))
    z = Encoder(backbone, 3, scaling=scaling)(pair)
    torch.testing.assert_close(z, nn.functional.normalize(backbone(pair), dim=1))


def test_deterministic_encoder_has_no_variance():
    mean, log_var = Encoder(nn.Identity(), 3).distribution(torch.ones(2, 3))
    assert log_var is None
    torch.testing.assert_close(mean.norm(dim=1), torch.ones(2))


def test_distribution_by_hand():
    x = torch.tensor([[3.0, 4.0, 0.0, 1.0]])
    encoder = Encoder(nn.Identity(), 2, probabilistic=True)
    mean, log_var = encoder.distribution(x)
    torch.testing.assert_close(mean, torch.tensor([[0.6, 0.8]]))
    torch.testing.assert_close(log_var, torch.tensor([[-2.0, -1.0]]) - math.log(2))
    assert torch.equal(encoder(x), mean)


@pytest.mark.parametrize("n_components", [2, 64, 512])
def test_noise_starts_small_whatever_the_dimension(n_components):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        backbone = MLP()((20,), 2 * n_components)
        x = torch.randn(256, 20)
    _, log_var = Encoder(backbone, n_components, probabilistic=True).distribution(x)
    noise_norm = log_var.exp().sum(dim=1).sqrt().mean().item()
    assert noise_norm == pytest.approx(math.exp(-1), rel=0.25)


def test_log_variance_is_clamped():
    x = torch.tensor([[1.0, 1.0, 1e9, -1e9]])
    _, log_var = Encoder(nn.Identity(), 2, probabilistic=True).distribution(x)
    low, high = LOG_NOISE_RANGE
    torch.testing.assert_close(log_var, torch.tensor([[high, low]]) - math.log(2))


def test_gradient_reaches_mean_and_variance():
    x = torch.randn(4, 6, requires_grad=True)
    mean, log_var = Encoder(nn.Identity(), 3, probabilistic=True).distribution(x)
    (mean[:, 0].sum() + log_var.sum()).backward()
    assert (x.grad.abs() > 0).all()


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        (
            (4, 10),
            {},
            r"encoder gave \(4, 10\); expected \(4, 64\): end it with nn.Linear\(..., 64\) or set "
            r"n_components=10\.",
        ),
        (
            (4, 10),
            {"modality": "image"},
            r"encoder of modality 'image' gave \(4, 10\); expected \(4, 64\)",
        ),
        (
            (4, 64),
            {"probabilistic": True},
            r"expected \(4, 128\): end it with nn.Linear\(..., 128\), for a mean and a "
            r"log-variance, or set n_components=32\.",
        ),
        ((4, 63), {"probabilistic": True}, r"for a mean and a log-variance\."),
        ((4, 64, 2), {}, "one row of outputs for each row of input"),
        ((8, 64), {}, "one row of outputs for each row of input"),
        ((64,), {}, r"gave \(64,\); expected \(4, 64\): one row"),
    ],
)
def test_wrong_shape(shape, options, message):
    class Constant(nn.Module):
        def forward(self, x):
            return torch.zeros(shape)

    with pytest.raises(ValueError, match=message):
        Encoder(Constant(), 64, **options)(torch.zeros(4, 5))


def test_output_that_is_not_a_tensor():
    with pytest.raises(TypeError, match="modality 'text' gave a tuple; expected a Tensor"):
        Encoder(nn.LSTM(5, 3), 3, modality="text")(torch.zeros(4, 5))


def test_output_of_the_expected_shape_is_accepted():
    output = torch.randn(4, 6)
    assert torch.equal(Encoder(nn.Identity(), 6)(output), nn.functional.normalize(output))
    mean = Encoder(nn.Identity(), 3, probabilistic=True)(output)
    assert torch.equal(mean, nn.functional.normalize(output[:, :3]))


def test_bad_n_components():
    with pytest.raises(ValueError, match="n_components=0: expected a positive integer"):
        Encoder(nn.Identity(), 0)


class TestFeatures:
    def test_come_after_the_scaling(self):
        scaling = InputScaling([1.0, 2.0], [2.0, 4.0])
        encoder = Encoder(nn.Linear(2, 5), 5, scaling=scaling)
        assert torch.equal(encoder.features(torch.tensor([[7, 18]])), torch.tensor([[3.0, 4.0]]))
        assert encoder.head is encoder.backbone

    @pytest.mark.parametrize("backbone", [nn.Tanh(), nn.Sequential(nn.Tanh()), nn.Sequential()])
    def test_without_a_linear_head_are_the_output_of_the_backbone(self, backbone):
        encoder, x = Encoder(backbone, 2), torch.randn(3, 2)
        assert encoder.head is None
        assert encoder.trunk is backbone
        assert torch.equal(encoder.features(x), backbone(x))

    def test_of_a_probabilistic_encoder_of_sparse_rows(self):
        encoder = Encoder(SparseMLP((5,))((9,), 6), 3, probabilistic=True).eval()
        pair = torch.tensor([[1, 8], [0, 0]]), torch.tensor([[1.0, 2.0], [3.0, 0.0]])
        assert encoder.features(pair).shape == (2, 5)
        direction = encoder.head(encoder.features(pair))[:, :3]
        assert torch.equal(nn.functional.normalize(direction, dim=1), encoder(pair))


class TestBuildEncoder:
    @pytest.mark.parametrize(
        ("shape", "options", "first"),
        [
            ((7,), {}, "Flatten"),
            ((20, 20), {"dtype": "uint8"}, "ChannelsFirst"),
            ((30,), {"sparse": True, "probabilistic": True}, "SparseLinear"),
        ],
    )
    def test_auto(self, shape, options, first):
        scaling = InputScaling(np.zeros(1), np.ones(1))
        encoder = build_encoder("auto", shape, 4, scaling=scaling, modality="a", **options)
        assert type(encoder.backbone[0]).__name__ == first
        assert encoder.head.out_features == (8 if "probabilistic" in options else 4)
        assert encoder.scaling is scaling
        assert encoder.modality == "a"

    def test_the_trial_leaves_no_trace(self):
        encoder = build_encoder(MLP((5,)), (3,), 2)
        assert all(module.training for module in encoder.modules())
        assert encoder.backbone[2].num_batches_tracked == 0

    def test_draws_the_weights_of_the_backbone_alone(self):
        torch.manual_seed(0)
        encoder = build_encoder("mlp", (3,), 2)
        state = torch.get_rng_state()
        torch.manual_seed(0)
        weights = MLP()((3,), 2).state_dict()
        assert torch.equal(torch.get_rng_state(), state)
        for name, weight in encoder.backbone.state_dict().items():
            assert torch.equal(weight, weights[name])

    @pytest.mark.parametrize(
        ("spec", "modality", "message"),
        [
            (
                nn.Linear(3, 2),
                "audio",
                r"encoder of modality 'audio' cannot read a batch of shape \(2, 5\): mat1 .*"
                r"\. Pass one for rows of shape \(5,\)\.",
            ),
            (nn.Linear(3, 2), None, r"the encoder cannot read a batch of shape \(2, 5\)"),
            (nn.Linear(5, 3), "audio", r"'audio' gave \(2, 3\); expected \(2, 2\): end it with"),
        ],
    )
    def test_an_encoder_that_does_not_fit(self, spec, modality, message):
        with pytest.raises(ValueError, match=message):
            build_encoder(spec, (5,), 2, modality=modality)
