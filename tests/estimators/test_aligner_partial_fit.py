"""Training bit by bit, directed by the caller."""

import numpy as np
import pytest

from mibsk import ClassPairs
from mibsk.schedules import SufficiencyBudget

from .common import CUT


def parts(data, n=2):
    size = len(data) // n
    return [data[i * size : (i + 1) * size] for i in range(n)]


@pytest.mark.parametrize("form", ["mapping", "table", "pair"])
def test_equals_fit_of_as_many_epochs(views, table, quick, form):
    args = {"mapping": (views,), "table": (table,), "pair": (views["audio"], views["image"])}[form]
    cut = CUT if form == "table" else None
    whole, bits = quick(cut, max_epochs=3).fit(*args), quick(cut)
    for _ in range(3):
        assert bits.partial_fit(*args) is bits
    np.testing.assert_array_equal(bits.transform(args[0]), whole.transform(args[0]))
    assert bits.n_iter_ == 3


def test_part_by_part_learns_from_all(views, quick):
    aligner = quick()
    for part in parts(views) * 3:
        aligner.partial_fit(part)
    assert aligner.n_iter_ == 6
    assert np.isfinite(aligner.transform(views)).all()
    only_first = quick()
    for part in [parts(views)[0]] * 6:
        only_first.partial_fit(part)
    assert np.abs(aligner.transform(views) - only_first.transform(views)).max() > 0.01


def test_scaling_is_that_of_the_first_part(views, quick):
    first, second = parts(views)
    aligner = quick().partial_fit(first)
    scaling = aligner.module_.encoder("audio").scaling.mean.clone()
    aligner.partial_fit({name: X + 100 for name, X in second.items()})
    assert (aligner.module_.encoder("audio").scaling.mean == scaling).all()
    np.testing.assert_allclose(scaling, first["audio"].mean(axis=0), rtol=1e-5)


def test_partial_fit_continues_fit_and_fit_restarts(views, quick):
    aligner = quick(max_epochs=2).fit(views).partial_fit(views)
    assert aligner.n_iter_ == 3
    assert aligner.fit(views).n_iter_ == 2


def test_labels_of_a_part_may_be_some_of_those_known(quick):
    X, labels = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 3
    aligner = quick().partial_fit(X, labels)
    aligner.partial_fit(X[labels < 2], labels[labels < 2])
    assert aligner.inputs_["y"].shape == (3,)
    with pytest.raises(ValueError, match=r"labels that were not seen in fit: \[3\]"):
        aligner.partial_fit(X, labels + 1)
    assert aligner.n_iter_ == 2


def test_class_pairs(quick):
    X, labels = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 3
    pairs = ClassPairs({"a": (X, labels), "b": (-X, labels)}, random_state=0)
    assert quick().partial_fit(pairs[:30]).partial_fit(pairs[30:]).n_iter_ == 2


def test_stops_for_nothing(views, quick):
    aligner = quick(early_stopping=True, n_iter_no_change=1)
    for _ in range(4):
        aligner.partial_fit(views)
    assert aligner.n_iter_ == 4
    assert "valid_loss" not in aligner.history_[0]


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (lambda v: {"audio": v["audio"]}, ValueError, r"missing modality \['image'\]"),
        (lambda v: {**v, "image": v["image"][:, :2]}, ValueError, "is expecting 4 features"),
        (lambda v: {n: X[:1] for n, X in v.items()}, ValueError, "1 sample"),
        (
            lambda v: {**v, "image": v["image"] * np.nan},
            ValueError,
            "'image' is present in 0 of 48",
        ),
        (lambda v: v["audio"], TypeError, "fitted on a mapping"),
    ],
)
def test_bad_part_keeps_the_model(views, quick, bad, error, message):
    aligner = quick().partial_fit(views)
    before = aligner.transform(views)
    with pytest.raises(error, match=message):
        aligner.partial_fit(bad(views))
    np.testing.assert_array_equal(aligner.transform(views), before)
    assert aligner.n_iter_ == 1


def test_table_of_another_width(table, quick):
    aligner = quick(CUT).partial_fit(table)
    with pytest.raises(ValueError, match="X has 7 features, but IBAligner is expecting 9 features"):
        aligner.partial_fit(table[:, :7])


def test_shares_nothing_with_the_model_before(views, quick):
    aligner = quick().partial_fit(views)
    before = aligner.module_
    aligner.partial_fit(views)
    own, earlier = (
        {id(tensor) for tensor in module.state_dict(keep_vars=True).values()}
        for module in (aligner.module_, before)
    )
    assert not own & earlier


@pytest.mark.parametrize("beta", ["auto", SufficiencyBudget(0.05)])
def test_a_budget_has_no_partial_fit(views, quick, beta):
    aligner = quick(beta=beta)
    assert not hasattr(aligner, "partial_fit")
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'") as caught:
        aligner.partial_fit(views)
    assert "requires a whole training: use fit, or a number" in str(caught.value.__cause__)
    assert hasattr(aligner.set_params(beta=0.1), "partial_fit")
