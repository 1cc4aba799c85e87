"""The penalty that each factor's probe is given: scikit-learn's choice, the overfit case, laws."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, mean_squared_error

from mibsk.metrics import compare, information_report, leakage, probe_information
from mibsk.metrics.probes._damped_whitening import damped_whitening
from mibsk.metrics.probes._factors import Classes, Numbers
from mibsk.metrics.probes._multinomial import fit_multinomials
from mibsk.metrics.probes._penalty import PENALTIES, choose_penalties


def draw(n, signal=0.3, d=64, classes=(3, 32), seed=0):
    """Representations that hold a trace of each factor."""
    rng = np.random.default_rng(seed)
    labels = pd.DataFrame({f"f{c}": rng.integers(c, size=n) for c in classes})
    Z = rng.standard_normal((n, d))
    for codes, c in zip(labels.to_numpy().T, classes, strict=True):
        Z += signal * rng.standard_normal((c, d))[codes]
    labels["slope"] = Z @ rng.standard_normal(d) / 8 + 2 * rng.standard_normal(n)
    labels["noise"] = rng.integers(6, size=n)
    return Z, labels


def read(Z, labels, n_train, **options):
    held_out = {"Z_test": Z[n_train:], "labels_test": labels[n_train:]}
    return probe_information(Z[:n_train], labels[:n_train], **held_out, **options)


def encoded(labels):
    return [
        Numbers(column.to_numpy(), column.to_numpy())
        if column.dtype.kind == "f"
        else Classes(column.to_numpy(), column.to_numpy(), column.max() + 1)
        for _, column in labels.items()
    ]


def test_the_choice_is_scikit_learns_on_the_same_rows():
    Z, labels = draw(500, d=20)
    order = np.random.default_rng(7).permutation(500)
    held_out, rest = order[:100], order[100:]
    mean, components = damped_whitening(Z[rest])
    fitted, scored = (Z[rest] - mean) @ components, (Z[held_out] - mean) @ components
    expected = []
    for _, column in labels.items():
        losses = []
        for l2 in PENALTIES:
            if column.dtype.kind == "f":
                model = Ridge(alpha=l2).fit(fitted, column[rest])
                losses.append(mean_squared_error(column[held_out], model.predict(scored)))
            else:
                model = LogisticRegression(C=1 / l2, tol=1e-6, max_iter=5000)
                said = model.fit(fitted, column[rest]).predict_proba(scored)
                losses.append(log_loss(column[held_out], said, labels=model.classes_))
        expected.append(PENALTIES[np.argmin(losses)])
    assert choose_penalties(Z, encoded(labels), 7).tolist() == expected
    assert len(set(expected)) > 2


def test_few_rows_of_many_classes_do_not_hide_what_is_there():
    Z, labels = draw(4800, signal=0.25)
    few = read(Z, labels, 800, l2=1.0)["fraction"]
    chosen = read(Z, labels, 800)
    assert few["f32"] == 0
    assert chosen.loc["f32", "fraction"] > 0.2
    assert (chosen["fraction"] > few - 0.01).all()


def test_many_rows_lose_nothing():
    Z, labels = draw(6000)
    usual = read(Z, labels, 4500, l2=1.0)["fraction"]
    chosen = read(Z, labels, 4500)["fraction"]
    assert (chosen > usual - 0.002).all()


@pytest.mark.parametrize("seed", range(3))
def test_noise_holds_nothing(seed):
    Z, labels = draw(1500, signal=0.0, seed=seed)
    labels = labels.drop(columns="slope")
    found = read(Z, labels, 1000)
    assert (found["fraction"] < 0.005).all()
    marginal = read(0 * Z, labels, 1000)["information"]
    assert ((found["information"] - marginal).abs() < 0.02).all()
    assert (read(Z, labels, 1000, l2=1.0)["information"] < marginal - 0.05).all()


def test_no_factor_depends_on_the_others():
    Z, labels = draw(600)
    labels["rare"] = np.r_[np.arange(12), np.zeros(588)].astype(int)[
        np.random.default_rng(1).permutation(600)
    ]
    together = choose_penalties(Z, encoded(labels), 0)
    for name, l2 in zip(labels, together, strict=True):
        assert choose_penalties(Z, encoded(labels[[name]]), 0).tolist() == [l2]


def test_only_training_rows_and_the_seed_decide():
    Z, labels = draw(900)
    found = read(Z, labels, 600)
    other_rows = np.r_[np.arange(600), 600 + np.random.default_rng(0).permutation(300)[:200]]
    assert read(2 * Z[other_rows], labels.iloc[other_rows], 600)["l2"].equals(found["l2"])
    assert read(Z, labels, 600).equals(found)
    factors = encoded(labels[["f32", "slope"]])
    assert len({tuple(choose_penalties(Z[:200], factors, seed)) for seed in range(20)}) > 1
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    read(Z, labels, 600, random_state=None)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_nothing_to_choose_by():
    rng = np.random.default_rng(0)
    Z, once = rng.standard_normal((40, 5)), np.arange(40)
    seldom = np.r_[np.ones(2), np.zeros(38)].astype(int)
    seldom = seldom[np.argsort(np.random.default_rng(0).permutation(40))]  # both held out
    factors = encoded(pd.DataFrame({"once": once, "seldom": seldom}))
    assert choose_penalties(Z, factors, 0).tolist() == [1, 1]
    assert choose_penalties(Z[:20], encoded(pd.DataFrame({"y": Z[:20, 0]})), 0).tolist() == [1]
    assert choose_penalties(np.empty((40, 0)), factors, 0).tolist() == [1, 1]
    found = probe_information(Z, once, Z_test=Z, labels_test=once)
    assert np.isfinite(found.to_numpy()).all()


def test_classes_that_are_held_out_altogether_are_not_counted():
    Z, labels = draw(300, classes=(3,), d=8)
    order = np.random.default_rng(0).permutation(300)
    codes = labels["f3"].to_numpy().copy()
    without = choose_penalties(Z, encoded(pd.DataFrame({"y": codes})), 0)
    codes[order[:3]] = [3, 4, 5]
    assert choose_penalties(Z, encoded(pd.DataFrame({"y": codes})), 0) == without


def test_more_columns_than_rows():
    rng = np.random.default_rng(0)
    Z, w = rng.standard_normal((2000, 200)), rng.standard_normal(200)
    found = read(Z, pd.DataFrame({"sum": Z @ w}), 100)
    assert found.loc["sum", "l2"] == 0.1
    assert found.loc["sum", "r2"] > 0.3


def test_one_solve_of_unequal_penalties_is_many_of_one():
    Z, labels = draw(400, d=12, classes=(2, 3, 7))
    codes, sizes = list(labels[["f2", "f3", "f7"]].to_numpy().T), [2, 3, 7]
    penalties = [1e4, 0.1, 30.0]
    together = fit_multinomials(Z, codes, sizes, l2=penalties)
    again = fit_multinomials(Z, codes, sizes, l2=penalties, start=together)
    for rows, c, k, l2 in zip(together.segments, codes, sizes, penalties, strict=True):
        alone = fit_multinomials(Z, [c], [k], l2=l2)
        for fit in (together, again):
            assert np.allclose(fit.coef[rows], alone.coef, atol=2e-3)
            assert np.allclose(fit.intercept[rows], alone.intercept, atol=2e-3)


def test_the_hidden_layer_starts_from_the_chosen_probe():
    Z, labels = draw(2400)
    few = read(Z, labels[["f32"]], 800, l2=1.0, probe="mlp")
    chosen = read(Z, labels[["f32"]], 800, probe="mlp")
    linear = read(Z, labels[["f32"]], 800)
    assert chosen["l2"].equals(linear["l2"])
    assert chosen.loc["f32", "fraction"] > linear.loc["f32", "fraction"] - 0.01
    assert chosen.loc["f32", "fraction"] > few.loc["f32", "fraction"] + 0.1


def test_leakage_its_comparison_and_the_report_take_a_penalty():
    Z, labels = draw(1000)
    table = read(Z, labels, 700, l2=30.0)["fraction"]
    parts = {"Z_test": Z[700:], "labels_test": labels[700:]}
    assert leakage(Z[:700], labels[:700], l2=30.0, **parts) == table.to_dict()
    report = information_report(
        {"a": Z[:700]},
        {"a": labels[:700]},
        embeddings_test={"a": Z[700:]},
        labels_test={"a": labels[700:]},
        l2=30.0,
    )
    pd.testing.assert_series_equal(report["a"], table, check_names=False, check_exact=True)
    codes = labels["f32"].to_numpy()
    for l2 in ("auto", 30.0):
        same = compare(leakage, (Z, codes), (2 * Z, codes), l2=l2)  # the same rows, held out alike
        assert max(abs(same.low), abs(same.high)) < 1e-4
