"""Gradients of a batch in chunks are those of the whole batch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from torch import nn

from mibsk import IBAligner, IBAlignerCV, fit_together
from mibsk.data import Batch
from mibsk.encoders import MLP, Frozen, SparseMLP, build_encoder
from mibsk.losses import MINIMALITY, SUFFICIENCY, IBObjective
from mibsk.training import AlignmentModule
from mibsk.training._grad_cache import embed_in_chunks
from mibsk.training._step import training_step, validation_step

NO_NORM = MLP(hidden=(16,), batch_norm=False)


def module_of(names, encoders=NO_NORM, precision=None, **terms):
    """Return a module in training mode, the same in each call."""
    torch.manual_seed(0)
    objective = IBObjective(beta=0.5, **terms)
    probabilistic = objective.minimality_term.needs_variance
    built = {
        name: build_encoder(encoders, (7,), 5, probabilistic=probabilistic, dtype="float32")
        for name in names
    }
    objective.build(len(built), 5)
    return AlignmentModule(built, objective, [precision] * len(built)).train()


def batch_of(names, n, *, holes=False, groups=False):
    """Return a batch of n rows, of which each has at least two modalities."""
    draw = torch.Generator().manual_seed(n)
    rows = {name: torch.randn(n, 7, generator=draw) for name in names}
    present = None
    if holes:
        masks = torch.rand(len(names), n, generator=draw) > 0.3
        masks[:2] |= masks.sum(0) < 2
        present = dict(zip(names, masks, strict=True))
        rows = {name: X[present[name]] for name, X in rows.items() if present[name].any()}
    group = torch.randint(n // 2 + 1, (n,), generator=draw) if groups else None
    return Batch(rows, present, group)


def step(module, batch, chunk_size):
    """Return loss, embeddings and gradients of a step that starts from one random state."""
    torch.manual_seed(1)
    done = training_step(module, batch, chunk_size)
    gradients = {name: weight.grad for name, weight in module.named_parameters()}
    return done["loss"], {k: z.mean.detach() for k, z in done["embeddings"].items()}, gradients


def assert_same_gradients(found, expected):
    """Fail unless the gradients agree to rounding."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if value is None:
            assert found[name] is None, name
            continue
        atol = 3e-6 * max(float(value.abs().max()), 1.0)
        torch.testing.assert_close(found[name], value, rtol=0, atol=atol, msg=name)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 30),
    st.integers(2, 32),
    st.sampled_from(["ab", "abc"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["gaussian", "variational"]),
)
def test_gradients_of_chunks_are_those_of_the_batch(n, size, names, holes, groups, minimality):
    batch = batch_of(names, n, holes=holes, groups=groups)
    loss, embeddings, gradients = step(module_of(names, minimality=minimality), batch, None)
    cached = step(module_of(names, minimality=minimality), batch, size)
    torch.testing.assert_close(cached[0], loss, rtol=1e-6, atol=1e-6)
    for name, z in embeddings.items():
        torch.testing.assert_close(cached[1][name], z, rtol=0, atol=1e-6)
    assert_same_gradients(cached[2], gradients)


@pytest.mark.parametrize("name", sorted(SUFFICIENCY))
def test_every_sufficiency_term(name):
    batch = batch_of("abc", 12)
    expected = step(module_of("abc", sufficiency=name), batch, None)
    found = step(module_of("abc", sufficiency=name), batch, 5)
    assert_same_gradients(found[2], expected[2])


@pytest.mark.parametrize("name", sorted(MINIMALITY))
def test_every_minimality_term(name):
    batch = batch_of("abc", 12)
    expected = step(module_of("abc", minimality=name), batch, None)
    found = step(module_of("abc", minimality=name), batch, 5)
    assert_same_gradients(found[2], expected[2])


class Drifting(nn.Module):
    """A layer whose output depends on a buffer that each pass changes."""

    def __init__(self):
        super().__init__()
        self.register_buffer("n_passes", torch.zeros(()))

    def forward(self, x):
        """Scale the rows by the number of passes."""
        if self.training:
            self.n_passes += 1
        return x * (1 + self.n_passes)


class Noisy(MLP):
    """A perceptron with dropout, batch statistics and a buffer that changes."""

    def _build_trunk(self, input_shape):
        layers, width = super()._build_trunk(input_shape)
        return [*layers, Drifting()], width


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("minimality", ["gaussian", "variational"])
def test_random_numbers_and_buffers_are_replayed(holes, minimality):
    """With them a step is that of one graph through all chunks, and leaves the same state."""
    encoders = Noisy(hidden=(16, 12), dropout=0.5)
    batch = batch_of("abc", 17, holes=holes)
    expected, found = (module_of("abc", encoders, minimality=minimality) for _ in range(2))
    torch.manual_seed(1)
    with_graph = embed_in_chunks.__wrapped__(expected, batch, 4)
    parts = expected.objective(with_graph, present=batch.present)
    parts.total.backward()
    state = torch.get_rng_state()
    gradients = {name: weight.grad for name, weight in expected.named_parameters()}
    loss, embeddings, cached = step(found, batch, 4)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(loss, parts.total)
    for name, z in with_graph.items():
        assert torch.equal(embeddings[name], z.mean)
    assert_same_gradients(cached, gradients)
    buffers = dict(expected.named_buffers())
    for name, buffer in found.named_buffers():
        assert torch.equal(buffer, buffers[name]), name


def test_in_bfloat16():
    """Chunks round as the batch does, to the precision of the type."""
    batch = batch_of("ab", 16)
    expected = step(module_of("ab", precision=torch.bfloat16), batch, None)
    found = step(module_of("ab", precision=torch.bfloat16), batch, 4)
    torch.testing.assert_close(found[0], expected[0])
    for name, value in expected[2].items():
        torch.testing.assert_close(
            found[2][name], value, rtol=0, atol=0.02 * float(value.abs().max()), msg=name
        )


@pytest.mark.parametrize("holes", [False, True])
def test_validation_in_chunks(holes):
    module, batch = module_of("abc").eval(), batch_of("abc", 19, holes=holes, groups=True)
    expected, found = (validation_step(module, batch, size) for size in (None, 4))
    torch.testing.assert_close(found["loss"], expected["loss"])
    assert not found["loss"].requires_grad
    assert not any(z.mean.requires_grad for z in found["embeddings"].values())


def test_encoders_without_trained_weights():
    """A modality that is not trained gets no gradients, the others theirs."""
    batch = batch_of("ab", 12)
    gradients = []
    for size in (None, 5):
        module = module_of("ab")
        module.encoder("a").requires_grad_(False)
        gradients.append(step(module, batch, size)[2])
    assert_same_gradients(gradients[1], gradients[0])


class Counting(nn.Module):
    """Record how many rows a layer gets at once."""

    largest = 0

    def __init__(self, width, n_outputs):
        super().__init__()
        self.linear = nn.Linear(width, n_outputs)

    def forward(self, x):
        """Map the rows."""
        Counting.largest = max(Counting.largest, len(x))
        return self.linear(x)


def counting(input_shape, n_outputs):
    """Build the layer."""
    return Counting(*input_shape, n_outputs)


@pytest.fixture
def views():
    """Two views of one hidden signal, (60, 6) and (60, 5)."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(60, 3))
    return {
        name: (hidden @ rng.normal(size=(3, d)) + 0.1 * rng.normal(size=(60, d))).astype("float32")
        for name, d in (("a", 6), ("b", 5))
    }


def quick(chunk_size, **params):
    """Return an aligner of few epochs without layers that compare rows."""
    defaults = {"encoders": NO_NORM, "bottleneck": None, "max_epochs": 2, "n_components": 4}
    return IBAligner(
        **{**defaults, "batch_size": 30, "random_state": 0, **params}, chunk_size=chunk_size
    )


@pytest.mark.parametrize(
    "params", [{}, {"early_stopping": True}, {"beta": "auto", "budget": 0.5}, {"batch_size": -1}]
)
def test_encoders_never_get_more_rows(views, params):
    Counting.largest = 0
    quick(8, encoders=counting, **params).fit(views)
    assert 2 < Counting.largest <= 8  # an encoder that is built sees two rows


@pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"minimality": "variational"}])
def test_a_fit_in_chunks(views, params):
    """It gives the same model as a fit without, and again the same, bit for bit."""
    whole = quick(None, **params).fit(views).transform(views)
    chunked = quick(7, **params).fit(views).transform(views)
    np.testing.assert_allclose(chunked, whole, atol=2e-4)
    assert np.array_equal(quick(7, **params).fit(views).transform(views), chunked)
    one_chunk = quick(30, **params, encoders=Noisy((16,), dropout=0.3)).fit(views)
    without = quick(None, **params, encoders=Noisy((16,), dropout=0.3)).fit(views)
    assert np.array_equal(one_chunk.transform(views), without.transform(views))


def test_rows_that_lack_a_modality_and_sparse_rows(views):
    holes = {name: X.copy() for name, X in views.items()}
    holes["a"][:25], holes["b"][30:45] = np.nan, np.nan
    sizes = (None, 6)
    whole, chunked = (quick(size).fit(holes).transform(views) for size in sizes)
    np.testing.assert_allclose(chunked, whole, atol=2e-4)
    rows = {**views, "b": csr_array(np.where(views["b"] > 0, views["b"], 0))}
    encoders = {"a": NO_NORM, "b": SparseMLP(hidden=(16,), batch_norm=False)}
    whole, chunked = (quick(size, encoders=encoders).fit(rows).transform(rows) for size in sizes)
    np.testing.assert_allclose(chunked, whole, atol=2e-4)


def test_features_of_a_frozen_tower(views):
    torch.manual_seed(0)
    tower = nn.Sequential(nn.Linear(6, 8), nn.Tanh())
    encoders = {"a": Frozen(tower), "b": NO_NORM}
    sizes = (None, 7)
    whole, chunked = (quick(size, encoders=encoders).fit(views).transform(views) for size in sizes)
    np.testing.assert_allclose(chunked, whole, atol=2e-4)


def test_a_modality_of_a_single_row_in_a_batch(views):
    """Batch normalisation uses its statistics of training for it, as without chunks."""
    holes = {name: X.copy() for name, X in views.items()}
    holes["a"] = np.column_stack([holes["a"], holes["b"]])
    holes["c"] = views["b"].copy()
    holes["c"][2:] = np.nan  # its two rows are in one batch of 15 in few epochs
    fitted = quick(8, encoders=MLP((16,)), batch_size=15, max_epochs=4).fit(holes)
    assert all(np.isfinite(epoch["train_loss"]) for epoch in fitted.history_)


def test_it_is_saved_and_resumed(views, tmp_path):
    aligner = quick(7).fit(views)
    aligner.save(tmp_path / "model.safetensors")
    loaded = IBAligner.load(tmp_path / "model.safetensors")
    assert loaded.chunk_size == 7
    again, loaded = (
        each.set_params(warm_start=True).fit(views).transform(views) for each in (aligner, loaded)
    )
    assert np.array_equal(loaded, again)
    first = quick(7, checkpoint=tmp_path / "folder").fit(views)
    resumed = quick(7, checkpoint=tmp_path / "folder").fit(views)
    assert np.array_equal(first.transform(views), resumed.transform(views))
    quick(6, checkpoint=tmp_path / "folder").fit(views)
    assert len(list((tmp_path / "folder").iterdir())) == 2  # another training


def test_in_a_search_and_together(views):
    (together,) = fit_together([quick(7)], views)
    assert np.array_equal(together.transform(views), quick(7).fit(views).transform(views))
    search = IBAlignerCV(quick(7), betas=[0.0, 1.0], cv=2).fit(views)
    assert search.aligner_.chunk_size == 7


@pytest.mark.parametrize("size", [0, 1, -1, 2.5, "8"])
def test_bad_sizes(views, size):
    with pytest.raises(ValueError, match="'chunk_size' parameter"):
        quick(size).fit(views)
