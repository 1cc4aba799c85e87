"""`fit_together` gives what `fit` gives, run by run."""

import pickle
from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from skorch.callbacks import EpochScoring

from mibsk import ClassPairs, IBAligner, fit_together
from mibsk.encoders import MLP, ResNet, ViT
from mibsk.estimators import _fit_together
from mibsk.exceptions import DivergenceError, DuplicateRowsWarning
from mibsk.schedules import Learned, Linear

WEIGHTS = ({"beta": 0.0}, {"beta": 1.0}, {"beta": 0.3, "random_state": 1})


def rows(*shapes, n=40, seed=0):
    """Views of one hidden signal, one of each shape."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n, 4))
    views = [hidden @ rng.normal(size=(4, int(np.prod(shape)))) for shape in shapes]
    return {
        name: view.reshape(n, *shape).astype(np.float32)
        for name, view, shape in zip("abc", views, shapes, strict=False)
    }


def sweep(different=WEIGHTS, **params):
    """Aligners of two epochs that differ in what `different` lists."""
    common = {"encoders": MLP((8,)), "n_components": 4, "max_epochs": 2, "batch_size": 16}
    common["random_state"] = 0
    return [IBAligner(**{**common, **changes, **params}) for changes in different]


def alone(aligners, X, y=None):
    """Return clones, fitted one by one."""
    return [clone(aligner).fit(X, y) for aligner in aligners]


def weights_of(aligner):
    return {name: value.numpy() for name, value in aligner.module_.state_dict().items()}


def assert_same(aligners, others, X, atol=1e-4):
    """Weights, histories and embeddings agree up to rounding."""
    for one, other in zip(aligners, others, strict=True):
        theirs = weights_of(other)
        for name, value in weights_of(one).items():
            np.testing.assert_allclose(value, theirs[name], atol=atol, err_msg=name)
        assert_same_outside(one, other, X, atol)


def assert_same_outside(one, other, X, atol):
    """What can be seen of two aligners agrees up to rounding."""
    assert one.n_iter_ == other.n_iter_
    for epoch, same in zip(one.history_, other.history_, strict=True):
        assert list(epoch) == list(same)
        for name in epoch.keys() - {"dur"}:
            assert epoch[name] == pytest.approx(same[name], abs=atol), name
    theirs = other.embed(X)
    for name, z in one.embed(X).items():
        np.testing.assert_allclose(z, theirs[name], atol=atol)


@pytest.mark.parametrize(
    ("shapes", "params"),
    [
        ([(6,), (5,)], {}),
        ([(6,), (5,), (4,)], {"sufficiency": "infonce-oneway"}),
        ([(6,), (5,)], {"minimality": "variational"}),
        ([(6,), (5,), (4,)], {"minimality": "variational"}),
        ([(3, 20), (5,)], {"encoders": {"a": "conv1d"}, "optimizer": "SGD"}),
        ([(6,), (5,)], {"batch_size": 7}),
        ([(6,), (5,)], {"temperature": Linear(0.2, 0.1)}),
    ],
)
def test_a_stack_ends_where_each_fit_ends(shapes, params):
    X = rows(*shapes)
    aligners = sweep(**params)
    fitted = fit_together(aligners, X, how="stacked")
    assert all(one is other for one, other in zip(fitted, aligners, strict=True))
    assert_same(fitted, alone(aligners, X), X)


def test_a_transformer_embeds_as_alone():
    """Its weights need not agree: nothing depends on the biases of its keys but rounding."""
    X = rows((8, 8), (5,))
    aligners = sweep(encoders={"a": ViT(dim=12, depth=2), "b": MLP((8,))})
    for one, other in zip(
        fit_together(aligners, X, how="stacked"), alone(aligners, X), strict=True
    ):
        assert_same_outside(one, other, X, atol=1e-4)


def test_a_residual_network_takes_the_same_step():
    """One step: later on rounding grows, as it does between one thread and two."""
    X = rows((8, 8), (5,))
    aligners = sweep(encoders={"a": ResNet(20)}, batch_size=-1, max_epochs=1, optimizer="SGD")
    fitted = fit_together(aligners, X, how="stacked")
    assert_same(fitted, alone(aligners, X), X)
    tracked = [v for k, v in weights_of(fitted[1]).items() if k.endswith("num_batches_tracked")]
    assert {int(value) for value in tracked} == {1}


def test_half_precision_is_as_near_as_it_can_be():
    X = rows((6,), (5,))
    aligners = sweep(precision="bfloat16")
    fitted = fit_together(aligners, X, how="stacked")
    assert_same(fitted, alone(aligners, X), X, atol=2e-2)
    assert weights_of(fitted[0])["encoders.0.backbone.1.weight"].dtype == np.float32


@pytest.mark.parametrize(
    "optimizer",
    [
        *("Adadelta", "Adagrad", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "SGD"),
        partial(torch.optim.SGD, momentum=0.9, weight_decay=0.01),
    ],
)
def test_optimizers_move_as_alone_and_go_on(optimizer):
    X = rows((6,), (5,))
    aligners = sweep(optimizer=optimizer)
    fitted, others = fit_together(aligners, X, how="stacked"), alone(aligners, X)
    assert_same(fitted, others, X)
    for aligner in (*fitted, *others):
        aligner.set_params(warm_start=True).fit(X)
    assert_same(fitted, others, X)


def test_temperatures_and_paces_may_be_mixed():
    X = rows((6,), (5,))
    different = [
        {"temperature": 0.1},
        {"temperature": "learned"},
        {"temperature": 0.2, "lr": 1e-2},
        {"temperature": Learned(high=0.0702)},
        {"temperature": 0.3, "beta": Linear(0.0, 1.0)},
    ]
    aligners = sweep(different)
    fitted = fit_together(aligners, X, how="stacked")
    assert_same(fitted, alone(aligners, X), X)
    assert fitted[3].temperature_ == pytest.approx(0.0702)
    assert fitted[1].temperature_ > 0.0702


def test_each_run_may_have_its_own_data():
    data = [rows((6,), (5,), seed=seed) for seed in range(3)]
    aligners = sweep()
    fitted = fit_together(aligners, data, how="stacked")
    for one, aligner, X in zip(fitted, aligners, data, strict=True):
        assert_same([one], [clone(aligner).fit(X)], X)


def test_data_may_be_a_table_two_or_class_pairs():
    X = rows((6,), (5,))
    table = np.hstack([X["a"], X["b"]])
    aligners = sweep(modalities={"a": [0, 1, 2], "b": [3, 4, 5]})
    fitted = fit_together(aligners, table, how="stacked")
    assert_same(fitted, alone(aligners, table), table)
    assert fitted[0].n_features_in_ == 11

    aligners = sweep()
    fitted = fit_together(aligners, X["a"], X["b"], how="stacked")
    assert_same(fitted, alone(aligners, X["a"], X["b"]), X["a"])
    assert fitted[0].transform(X["a"], X["b"])[1].shape == (40, 4)

    labels = np.arange(40) % 4
    pairs = ClassPairs({"a": (X["a"], labels), "b": (X["b"], labels)})
    aligners = sweep()
    assert_same(fit_together(aligners, pairs, how="stacked"), alone(aligners, pairs), X)


def test_what_is_fitted_is_ordinary(tmp_path):
    X = rows((6,), (5,))
    (one, *_), (other, *_) = fit_together(sweep(), X, how="stacked"), alone(sweep(), X)
    assert len(pickle.dumps(one)) < 1.1 * len(pickle.dumps(other))  # not all weights of the stack
    one.save(tmp_path / "model")
    loaded, unpickled = IBAligner.load(tmp_path / "model"), pickle.loads(pickle.dumps(one))
    for aligner in (loaded, unpickled, one):
        aligner.set_params(warm_start=True).fit(X)
    np.testing.assert_array_equal(loaded.transform(X), one.transform(X))
    np.testing.assert_array_equal(unpickled.transform(X), one.transform(X))
    assert one.partial_fit(X).n_iter_ == 5


def test_a_stack_is_reproducible_bit_for_bit():
    X = rows((6,), (5,))
    first, again = (
        fit_together(sweep(minimality="variational"), X, how="stacked") for _ in range(2)
    )
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.transform(X), other.transform(X))


def test_other_random_numbers_are_as_they_were():
    X = rows((6,), (5,))
    before = torch.get_rng_state()
    fit_together(sweep(minimality="variational"), X, how="stacked")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_processes_give_exactly_what_fit_gives(n_jobs):
    X = rows((6,), (5,))
    aligners = sweep(early_stopping=True)
    fitted = fit_together(aligners, X, how="processes", n_jobs=n_jobs)
    assert all(one is other for one, other in zip(fitted, aligners, strict=True))
    for one, other in zip(fitted, alone(aligners, X), strict=True):
        np.testing.assert_array_equal(one.transform(X), other.transform(X))


@pytest.mark.parametrize("how", ["stacked", "processes"])
def test_a_shared_generator_gives_each_run_its_own_seed(how):
    X = rows((6,), (5,))
    shared, same = np.random.RandomState(3), np.random.RandomState(3)
    fitted = fit_together(sweep([{"random_state": shared}] * 2), X, how=how)
    others = [aligner.fit(X) for aligner in sweep([{"random_state": same}] * 2)]
    assert_same(fitted, others, X)
    assert shared.randint(1000) == same.randint(1000)
    assert np.abs(fitted[0].transform(X) - fitted[1].transform(X)).max() > 0.1


@pytest.mark.parametrize(
    ("shape", "params", "expected"),
    [
        ((6,), {}, "stacked"),
        ((8, 8), {"encoders": {"a": "resnet20"}, "max_epochs": 1}, "processes"),
        ((6,), {"encoders": MLP((700, 700)), "max_epochs": 1}, "processes"),
        ((6,), {"encoders": MLP((8,), dropout=0.1)}, "processes"),
        ((6,), {"callbacks": []}, "stacked"),
        ((6,), {"early_stopping": True}, "processes"),
        ((6,), {"optimizer": "Adafactor"}, "processes"),
    ],
)
def test_auto_stacks_what_can_be_and_gains(monkeypatch, shape, params, expected):
    called = []
    for name in ("_in_stacks", "_in_processes"):
        function = getattr(_fit_together, name)
        monkeypatch.setattr(
            _fit_together,
            name,
            lambda *args, name=name, function=function: called.append(name) or function(*args),
        )
    X = rows(shape, (5,))
    aligners = sweep(WEIGHTS[:2], **params)
    fitted = fit_together(aligners, X)
    assert called == [{"stacked": "_in_stacks", "processes": "_in_processes"}[expected]]
    assert_same(fitted, alone(aligners, X), X)


def test_rows_that_repeat_are_told_once():
    X = {name: np.repeat(view[:10], 4, axis=0) for name, view in rows((6,), (5,)).items()}
    for how in ("stacked", "processes"):
        with pytest.warns(DuplicateRowsWarning) as caught:
            fit_together(sweep(), X, how=how)
        assert len(caught) == len({str(each.message) for each in caught}) == 2


@pytest.mark.parametrize("how", ["stacked", "processes"])
def test_a_run_that_diverges_leaves_all_as_they_were(how):
    X = rows((6,), (5,))
    aligners = fit_together(sweep(), X)
    before = [aligner.transform(X) for aligner in aligners]
    aligners[1].set_params(lr=1e25)
    with pytest.raises(DivergenceError, match=r"aligners\[1\]" if how == "stacked" else "lr"):
        fit_together(aligners, X, how=how)
    for aligner, embedded in zip(aligners, before, strict=True):
        np.testing.assert_array_equal(aligner.transform(X), embedded)


@pytest.mark.parametrize(
    ("aligners", "options", "error", "message"),
    [
        ([], {}, ValueError, "aligners is empty"),
        ([MLP()], {}, TypeError, "must be IBAligners, got MLP"),
        ([IBAligner()] * 2, {}, ValueError, "comes twice"),
        (sweep([{}, {"batch_size": 17}]), {}, ValueError, r"batch_size is 16 in aligners\[0\]"),
        (sweep([{}, {"encoders": MLP((9,))}]), {}, ValueError, "encoders is MLP"),
        (
            sweep([{"optimizer": lambda p, lr: torch.optim.SGD(p, lr=lr)} for _ in range(2)]),
            {},
            ValueError,
            "optimizer is .* pass the same object",
        ),
        (sweep([{}, {"beta": -1}]), {}, ValueError, "'beta' parameter"),
        (sweep(), {"how": "stackd"}, ValueError, "Did you mean 'stacked'"),
        (sweep(early_stopping=True), {"how": "stacked"}, ValueError, "do early_stopping=True"),
        (
            sweep(callbacks=[EpochScoring(lambda *_: 0.0, name="zero")]),
            {"how": "stacked"},
            ValueError,
            "do callbacks=",
        ),
        (sweep(beta="auto"), {"how": "stacked"}, ValueError, "do beta='auto'"),
        (sweep(optimizer="Muon"), {"how": "stacked"}, ValueError, "do optimizer='Muon'"),
        (sweep(encoders=MLP((8,), dropout=0.5)), {"how": "stacked"}, ValueError, "do dropout"),
    ],
)
def test_what_cannot_be_done_is_said(aligners, options, error, message):
    with pytest.raises(error, match=message):
        fit_together(aligners, rows((6,), (5,)), **options)
    assert not any(hasattr(aligner, "net_") for aligner in aligners)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([rows((6,), (5,))] * 2, "X must be a list of 3"),
        ([rows((6,), (5,)), rows((6,), (5,)), rows((6,), (5,), n=41)], "different lengths"),
        ([rows((6,), (5,)), rows((6,), (5,)), rows((6,), (4,))], "look different"),
        ({"a": sp.eye_array(40, format="csr"), "b": rows((5,))["a"]}, "do sparse rows"),
    ],
)
def test_data_sets_must_be_dense_and_alike(X, message):
    with pytest.raises(ValueError, match=message):
        fit_together(sweep(encoders="auto"), X, how="stacked")


def test_an_encoder_that_draws_otherwise_is_refused():
    class Noisy(torch.nn.Linear):
        def forward(self, x):
            return super().forward(x) + torch.rand(1)

    with pytest.raises(ValueError, match=r"use how='processes'.*random"):
        fit_together(sweep(encoders={"a": Noisy(6, 4)}), rows((6,), (5,)), how="stacked")
