"""Losses in tiles and chunks: those of the whole matrix, in memory that grows with the rows."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize
from torch.utils._python_dispatch import TorchDispatchMode

from mibsk import IBAligner
from mibsk.losses import (
    MINIMALITY,
    SUFFICIENCY,
    Embedding,
    IBObjective,
    Minimality,
    Sufficiency,
    Temperature,
    cauchy_schwarz,
    infonce,
    infonce_oneway,
    siglip,
    symile,
)
from mibsk.losses import _cross_entropy_tiles as cross_entropy_tiles
from mibsk.losses import _row_chunks as row_chunks
from mibsk.losses import _tiles as tiles
from mibsk.losses._cross_entropy_tiles import cross_entropies_in_tiles

WHOLE = tiles.Sizes(fewest=10**9, rows=1, columns=1, kept=0)
TERMS = [("sufficiency", name) for name in SUFFICIENCY] + [
    ("minimality", name) for name in MINIMALITY
]
of_terms = pytest.mark.parametrize(("kind", "name"), TERMS)
of_pairs = pytest.mark.parametrize("loss", [infonce, infonce_oneway, siglip])


@pytest.fixture
def set_sizes(monkeypatch):
    """Function that sets the sizes of tiles, and the entries of chunks."""

    def change(rows=None, columns=1, kept=0, chunk=8):
        of_tiles = WHOLE if rows is None else tiles.Sizes(1, rows, columns, kept)
        monkeypatch.setattr(tiles, "CPU", of_tiles)
        monkeypatch.setattr(row_chunks, "STORED", 2**40 if rows is None else chunk)
        monkeypatch.setattr(row_chunks, "CHUNK", chunk)

    return change


def pair(n, d, seed, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    both = torch.randn(2, n, d, generator=generator, dtype=torch.float64)
    return [normalize(x, dim=1).to(dtype).requires_grad_() for x in (both[0], both.sum(0))]


def with_gradients(loss, z, w, temperature, groups, positives):
    """Return the loss, and the gradients by `z`, `w` and the logarithm of the temperature."""
    log = torch.tensor(math.log(temperature), dtype=z.dtype, requires_grad=True)
    value = loss(z, w, log.exp(), groups=groups, positives=positives)
    return [value, *torch.autograd.grad(value, [z, w, log])]


shapes = st.fixed_dictionaries(
    {
        "n": st.integers(1, 17),
        "d": st.integers(1, 6),
        "log_temperature": st.floats(-3, 1),
        "rows": st.integers(1, 9),
        "columns": st.integers(1, 9),
        "kept": st.sampled_from([0, 20, 10**6]),
        "groups": st.sampled_from(["none", "others", "positives", "all"]),
        "seed": st.integers(0, 1000),
    }
)


@of_pairs
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(case=shapes)
def test_value_and_gradients_of_the_whole_matrix(set_sizes, loss, dtype, case):
    temperature = 10 ** case["log_temperature"]
    numbers = torch.arange(case["n"])
    groups = {"none": None, "all": torch.zeros_like(numbers)}.get(case["groups"], numbers // 3)
    arguments = temperature, groups, case["groups"] == "positives"
    z, w = pair(case["n"], case["d"], case["seed"])
    set_sizes()
    expected = with_gradients(loss, z, w, *arguments)
    set_sizes(case["rows"], case["columns"], case["kept"], chunk=2)
    found = with_gradients(loss, *pair(case["n"], case["d"], case["seed"], dtype), *arguments)
    # the rounding of a score of 1 / temperature, on gradients of that scale
    rounding = 2 * {torch.float64: 1e-14, torch.float32: 1e-6}[dtype] * (1 + 1 / temperature)
    if loss is siglip:  # torch's softplus of s > 20 is s, also in the whole matrix
        rounding += case["n"] * math.exp(-20)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == dtype
        scale = 1 / temperature if b.ndim else 1
        assert (a - b).abs().max() <= rounding * max(scale, b.abs().max().item())


@of_pairs
@pytest.mark.parametrize("groups", [None, torch.tensor([0, 1, 0, 2, 1, 0])])
@pytest.mark.parametrize("bounded", [True, False])
def test_first_and_second_derivatives(monkeypatch, set_sizes, unit_rows, loss, groups, bounded):
    if not bounded:  # as for scores of any size
        monkeypatch.setattr(cross_entropy_tiles, "_Bounded", cross_entropy_tiles._Unbounded)
    set_sizes(2, 4)
    temperature = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    inputs = unit_rows(0).requires_grad_(), unit_rows(1).requires_grad_(), temperature

    def of_inputs(z, w, temperature):
        return loss(z, w, temperature, groups=groups)

    assert torch.autograd.gradcheck(of_inputs, inputs)
    assert torch.autograd.gradgradcheck(of_inputs, inputs)


def test_derivatives_by_the_bias(set_sizes, unit_rows):
    set_sizes(2, 4)
    inputs = [unit_rows(0), unit_rows(1), torch.tensor(0.3).double(), torch.tensor(-2.0).double()]
    inputs = [value.requires_grad_() for value in inputs]
    assert torch.autograd.gradcheck(siglip, inputs)
    assert torch.autograd.gradgradcheck(siglip, inputs)


@of_pairs
def test_only_the_gradients_that_are_needed(set_sizes, unit_rows, loss):
    set_sizes(2, 4)
    z, w = unit_rows(0).requires_grad_(), unit_rows(1).requires_grad_()
    both = torch.autograd.grad(loss(z, w, 0.1), [z, w])
    for needed, expected in zip((z, w), both, strict=True):
        inputs = [x if x is needed else x.detach() for x in (z, w)]
        (found,) = torch.autograd.grad(loss(*inputs, 0.1), needed)
        assert torch.equal(found, expected)
    with torch.no_grad():
        assert torch.equal(loss(z, w, 0.1), loss(z.detach(), w.detach(), 0.1))


@of_pairs
def test_kept_tiles_change_nothing_and_a_graph_can_be_used_twice(set_sizes, unit_rows, loss):
    z, w = unit_rows(0).requires_grad_(), unit_rows(1).requires_grad_()
    gradients = []
    for kept in (0, 16, 10**6):
        set_sizes(2, 4, kept)
        value = loss(z, w, 0.1)
        gradients += [torch.autograd.grad(value, [z, w], retain_graph=True) for _ in range(2)]
    for found in gradients[1:]:
        assert all(map(torch.equal, found, gradients[0]))


@of_pairs
@pytest.mark.parametrize("positives", [False, True])
def test_transforms_of_torch_take_the_whole_matrix(set_sizes, unit_rows, loss, positives):
    set_sizes(2, 4)
    z, w = (torch.stack([unit_rows(i), unit_rows(i + 2)]) for i in range(2))
    groups = torch.tensor([0, 1, 0, 2, 1, 0])

    def of_rows(z, w):
        return loss(z, w, 0.1, groups=groups, positives=positives)

    values = torch.func.vmap(of_rows)(z, w)
    gradients = torch.func.vmap(torch.func.grad(of_rows))(z, w)
    for i in range(2):
        one = z[i].clone().requires_grad_()
        value = of_rows(one, w[i])
        torch.testing.assert_close(values[i], value, rtol=1e-12, atol=1e-12)
        (gradient,) = torch.autograd.grad(value, one)
        torch.testing.assert_close(gradients[i], gradient, rtol=1e-12, atol=1e-12)


def test_transforms_of_torch_take_one_chunk(set_sizes, unit_rows):
    set_sizes(2, 4)
    z, w = (torch.stack([unit_rows(i), unit_rows(i + 2)]) for i in range(2))
    found = torch.func.vmap(torch.func.grad(cauchy_schwarz))(z, w)
    one = z[1].clone().requires_grad_()
    (expected,) = torch.autograd.grad(cauchy_schwarz(one, w[1]), one)
    torch.testing.assert_close(found[1], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("bits", [50, 58, 60, 63, 63.99, 64.01, 70])
def test_partners_that_are_opposite_where_all_others_agree(set_sizes, bits, columns):
    n = 1200
    set_sizes(rows=256, columns=512)
    scale = bits * math.log(2)  # 1 / temperature
    z, w = torch.ones(n, 1), torch.ones(n, 1)
    w[0] = -1  # log-sum-exp of a row: scale + log(n - 1)
    first, *others = cross_entropies_in_tiles(scale * z, w, columns=columns)[0].tolist()
    assert first == pytest.approx(2 * scale + math.log(n - 1), rel=1e-5)
    assert others == pytest.approx([math.log(n - 1)] * (n - 1), rel=1e-5)


@of_pairs
@pytest.mark.parametrize("positives", [False, True])
def test_low_precision(set_sizes, loss, positives):
    z, w = pair(17, 8, 0, torch.float32)
    arguments = 0.5, torch.arange(17) // 2, positives
    set_sizes()
    expected = with_gradients(loss, z, w, *arguments)
    set_sizes(4, 8, chunk=40)
    with torch.autocast("cpu", torch.bfloat16):
        autocast = with_gradients(loss, z, w, *arguments)
    halves = [x.detach().bfloat16().requires_grad_() for x in (z, w)]
    of_halves = with_gradients(loss, *halves, *arguments)
    for found, dtype in ((autocast, torch.float32), (of_halves, torch.bfloat16)):
        assert found[1].dtype == dtype
        for a, b in zip(found, expected, strict=True):
            torch.testing.assert_close(a.float(), b, rtol=0.05, atol=0.02)


@of_pairs
def test_no_number_is_read_from_a_device(loss):
    """Tensors without data, for which reading fails, are taken for those of a GPU."""
    n = tiles.GPU.fewest + 1
    z, w = (torch.empty(n, 4, device="meta", requires_grad=True) for _ in range(2))
    temperature = torch.empty((), device="meta", requires_grad=True)
    loss(z, w, temperature, groups=torch.empty(n, device="meta", dtype=torch.int64)).backward()
    assert z.grad.shape == z.shape
    assert temperature.grad.shape == ()


def objective_of(kind, name, positives=False):
    def nothing(embeddings, *args):
        return embeddings[0].new_zeros(()) if kind == "minimality" else torch.zeros(())

    if kind == "sufficiency":
        other = Minimality(nothing, pairwise=False)
        # torch's softplus of more than 20 is rounded: scores are smaller
        return IBObjective(name, other, 0, Temperature(0.2), positives=positives)
    return IBObjective(Sufficiency(nothing, pairwise=False), name, beta=1)


def of_objective(kind, name, n, n_modalities, mode, dtype=torch.float64):
    """Return the loss of a term on fixed embeddings, and its gradients."""
    torch.manual_seed(0)
    objective = objective_of(kind, name, mode == "positives")
    objective.build(n_modalities, 4)
    objective.to(dtype)
    shared = torch.randn(n, 4, dtype=dtype)
    leaves = [
        (shared + torch.randn(n, 4, dtype=dtype)).requires_grad_() for _ in range(n_modalities)
    ]
    log_var = torch.zeros(n, 4, dtype=dtype) if objective.minimality_term.needs_variance else None
    embeddings = {str(i): normalize(leaf, dim=1) for i, leaf in enumerate(leaves)}
    present = None
    if mode == "holes":
        present = {name: torch.rand(n) > 0.3 for name in embeddings}
        embeddings = {name: z * present[name][:, None] for name, z in embeddings.items()}
    inputs = {name: torch.randn(n, 5, dtype=dtype) for name in embeddings}
    groups = None
    if mode in ("groups", "positives") and objective.sufficiency_term.takes_groups:
        groups = torch.arange(n) // 2
    items = {name: Embedding(z, log_var) for name, z in embeddings.items()}
    parts = objective(items, present=present, groups=groups, inputs=inputs)
    parameters = [each for each in objective.parameters() if kind == "sufficiency"]
    gradients = torch.autograd.grad(parts.total, [*leaves, *parameters], allow_unused=True)
    return [parts.total, *(each for each in gradients if each is not None)]


@of_terms
@pytest.mark.parametrize("mode", ["complete", "groups", "positives", "holes"])
def test_every_term_is_that_of_the_whole_matrix(set_sizes, kind, name, mode):
    for n_modalities in (3,) if name == "triangle" else (2, 3, 4):
        set_sizes()
        expected = of_objective(kind, name, 11, n_modalities, mode)
        set_sizes(3, 4, 30, chunk=50)
        found = of_objective(kind, name, 11, n_modalities, mode)
        for a, b in zip(found, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("positives", [False, True])
def test_shuffled_negatives_of_symile(set_sizes, unit_rows, positives):
    groups = torch.tensor([0, 1, 0, 2, 1, 0])
    values = []
    for sizes in ((), (2, 4)):
        set_sizes(*sizes, chunk=12)
        torch.manual_seed(0)
        z = [unit_rows(i).requires_grad_() for i in range(3)]
        value = symile(z, 0.2, groups, positives, max_scores=0)
        values.append([value, *torch.autograd.grad(value, z)])
    torch.testing.assert_close(*values, rtol=1e-12, atol=1e-12)


class Largest(TorchDispatchMode):
    """Number of entries of the largest tensor that is computed."""

    entries = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        for each in found if isinstance(found, tuple | list) else [found]:
            if isinstance(each, torch.Tensor) and each.untyped_storage().nbytes():
                self.entries = max(self.entries, each.numel())
        return found


@of_terms
def test_no_term_has_a_matrix_of_all_pairs_of_rows(kind, name):
    n = 2100  # more than are stored whole
    assert n * n > row_chunks.STORED
    n_modalities = 3 if name == "triangle" else 2
    for mode in ("complete", "positives") if kind == "sufficiency" else ("complete",):
        with Largest() as largest:
            of_objective(kind, name, n, n_modalities, mode, torch.float32)
        assert 0 < largest.entries <= row_chunks.CHUNK < n * n


@pytest.mark.parametrize("loss", [infonce, siglip])
def test_memory_of_the_backward_pass_grows_with_the_rows(set_sizes, loss):
    n, d = 400, 3
    set_sizes(16, 16, kept=1000)
    z, w = pair(n, d, 0)
    saved = []

    def record(tensor):
        saved.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(record, lambda tensor: tensor):
        loss(z, w, torch.tensor(0.1).double())
    assert sum(saved) <= 1000 + 20 * n * d


@pytest.mark.parametrize("sufficiency", ["infonce", "siglip"])
def test_a_fit_with_large_batches(set_sizes, sufficiency):
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(2200, 4))
    X = {name: shared @ rng.normal(size=(4, 6)) + rng.normal(size=(2200, 6)) for name in "ab"}
    aligner = IBAligner(
        sufficiency=sufficiency,
        batch_size=2100,
        n_components=4,
        max_epochs=3,
        bottleneck=None,
        encoders="mlp",
        random_state=0,
    )
    found, again = aligner.fit(X).embed(X), aligner.fit(X).embed(X)
    set_sizes()
    whole = aligner.fit(X).embed(X)
    for name in X:
        np.testing.assert_array_equal(found[name], again[name])
        np.testing.assert_allclose(found[name], whole[name], rtol=0, atol=1e-5)


def test_places_cover_the_matrix_and_its_diagonal():
    for n, rows, columns in product((1, 5, 12), (1, 4, 20), (3, 5)):
        matrix = torch.arange(n * n).reshape(n, n)
        seen = torch.zeros(n, n)
        diagonal = torch.full((n,), -1)
        grid = tiles.Product(torch.zeros(n, 1), torch.zeros(n, 1))
        grid.n_rows, grid.n_columns = rows, columns
        for place in grid.places():
            tile = matrix[place.rows, place.columns]
            assert place.shape == tuple(tile.shape)
            seen[place.rows, place.columns] += 1
            diagonal[place.diagonal] = tile.diagonal(place.offset)
        assert (seen == 1).all()
        assert diagonal.equal(matrix.diagonal())
