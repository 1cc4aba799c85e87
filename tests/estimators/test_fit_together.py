"""`fit_together` gives what `fit` gives, run by run."""

import numpy as np
import pytest
from sklearn.base import clone

from mibsk import ClassPairs, IBAligner, fit_together
from mibsk.encoders import MLP
from mibsk.exceptions import DivergenceError, DuplicateRowsWarning

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
    """Aligners of two epochs with the given differences."""
    common = {"encoders": MLP((8,)), "n_components": 4, "max_epochs": 2, "batch_size": 16}
    common |= {"bottleneck": None, "random_state": 0}
    return [IBAligner(**{**common, **changes, **params}) for changes in different]


def alone(aligners, X, y=None):
    """Return clones, fitted one by one."""
    return [clone(aligner).fit(X, y) for aligner in aligners]


def assert_same(aligners, others, X):
    """Histories, attributes and embeddings are equal bit for bit."""
    for one, other in zip(aligners, others, strict=True):
        assert vars(one).keys() == vars(other).keys()
        for epoch, same in zip(one.history_, other.history_, strict=True):
            assert {**epoch, "dur": 0} == {**same, "dur": 0}
        theirs = other.embed(X)
        for name, z in one.embed(X).items():
            np.testing.assert_array_equal(z, theirs[name])


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "params",
    [{}, {"early_stopping": True}, {"beta": "auto", "budget": 0.3}, {"minimality": "variational"}],
)
def test_each_run_ends_where_its_own_fit_ends(n_jobs, params):
    X = rows((6,), (5,))
    aligners = sweep(**params)
    fitted = fit_together(aligners, X, n_jobs=n_jobs)
    assert all(one is other for one, other in zip(fitted, aligners, strict=True))
    assert_same(fitted, alone(aligners, X), X)


def test_runs_may_differ_in_any_parameter():
    X = rows((6,), (5,))
    aligners = sweep([{"lr": 1e-2}, {"encoders": MLP((3,))}, {"n_components": 2}])
    assert_same(fit_together(aligners, X), alone(aligners, X), X)


def test_each_run_may_have_its_own_data():
    data = [rows((6,), (5,), seed=seed) for seed in range(3)]
    aligners = sweep()
    fitted = fit_together(aligners, data)
    for one, aligner, X in zip(fitted, aligners, data, strict=True):
        assert_same([one], [clone(aligner).fit(X)], X)


def test_data_may_be_a_table_two_tables_or_class_pairs():
    X = rows((6,), (5,))
    table = np.hstack([X["a"], X["b"]])
    aligners = sweep(modalities={"a": [0, 1, 2], "b": [3, 4, 5]})
    fitted = fit_together(aligners, table)
    assert_same(fitted, alone(aligners, table), table)
    assert fitted[0].n_features_in_ == 11

    aligners = sweep()
    fitted = fit_together(aligners, X["a"], X["b"])
    assert_same(fitted, alone(aligners, X["a"], X["b"]), X["a"])
    assert fitted[0].transform(X["a"], X["b"])[1].shape == (40, 4)

    labels = np.arange(40) % 4
    pairs = ClassPairs({"a": (X["a"], labels), "b": (X["b"], labels)})
    aligners = sweep()
    assert_same(fit_together(aligners, pairs), alone(aligners, pairs), X)


def test_runs_that_were_fitted_continue():
    X = rows((6,), (5,))
    aligners = sweep(warm_start=True)
    others = [aligner.fit(X).fit(X) for aligner in sweep(warm_start=True)]
    assert_same(fit_together(fit_together(aligners, X), X), others, X)


def test_a_shared_generator_gives_each_run_its_own_seed():
    X = rows((6,), (5,))
    shared, same = np.random.RandomState(3), np.random.RandomState(3)
    fitted = fit_together(sweep([{"random_state": shared}] * 2), X)
    others = [aligner.fit(X) for aligner in sweep([{"random_state": same}] * 2)]
    assert_same(fitted, others, X)
    assert shared.randint(1000) == same.randint(1000)
    assert np.abs(fitted[0].transform(X) - fitted[1].transform(X)).max() > 0.1


def test_duplicate_rows_are_reported_once():
    X = {name: np.repeat(view[:10], 4, axis=0) for name, view in rows((6,), (5,)).items()}
    with pytest.warns(DuplicateRowsWarning) as caught:
        fit_together(sweep(), X)
    assert len(caught) == len({str(each.message) for each in caught}) == 2


def test_a_run_that_diverges_leaves_all_as_they_were():
    X = rows((6,), (5,))
    aligners = fit_together(sweep(), X)
    before = [aligner.transform(X) for aligner in aligners]
    aligners[1].set_params(lr=1e25)
    with pytest.raises(DivergenceError, match="lr"):
        fit_together(aligners, X)
    for aligner, embedded in zip(aligners, before, strict=True):
        np.testing.assert_array_equal(aligner.transform(X), embedded)


@pytest.mark.parametrize(
    ("aligners", "error", "message"),
    [
        ([], ValueError, "aligners is empty"),
        ([MLP()], TypeError, "must be IBAligners, got MLP"),
        ([IBAligner()] * 2, ValueError, "must be different objects"),
        (sweep([{}, {"beta": -1}]), ValueError, "'beta' parameter"),
        (sweep([{}, {"sufficiency": "infonse"}]), ValueError, "Did you mean 'infonce'"),
    ],
)
def test_invalid_aligners_are_refused(aligners, error, message):
    with pytest.raises(error, match=message):
        fit_together(aligners, rows((6,), (5,)))
    assert not any(hasattr(aligner, "net_") for aligner in aligners)


def test_a_list_of_data_needs_one_entry_for_each_aligner():
    with pytest.raises(ValueError, match="X must be a list of 3"):
        fit_together(sweep(), [rows((6,), (5,))] * 2)
