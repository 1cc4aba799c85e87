"""Every public function of several things with rows reads their names, and keeps them."""

import copy
import pickle
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mibsk import (
    CanonicalBottleneck,
    ClassPairs,
    IBAligner,
    IBAlignerCV,
    Modalities,
    ModalityEncoder,
    fit_together,
)
from mibsk.exceptions import RowNamesWarning
from mibsk.inspection import (
    InformationPlaneDisplay,
    LeakageDisplay,
    ModalityGapDisplay,
    RetrievalDisplay,
    SimilarityDisplay,
)
from mibsk.metrics import (
    Bootstrap,
    alignment_report,
    cka,
    compare,
    consistency,
    get_scorer,
    information_report,
    kept,
    leakage,
    mean_average_precision,
    modality_gap,
    mutual_information,
    permutation_test,
    probe_information,
    recall_at_k,
    uniformity,
)
from mibsk.metrics.catalogue import CATALOGUE
from mibsk.reporting import diagnose, measure, measure_files, measure_folders

N = 24
NAMES = [f"s{i}" for i in range(N)]
rng = np.random.default_rng(0)
hidden = rng.normal(size=(N, 2))
X = pd.DataFrame(hidden @ rng.normal(size=(2, 4)) + 0.1 * rng.normal(size=(N, 4)), NAMES)
Y = pd.DataFrame(hidden @ rng.normal(size=(2, 4)) + 0.1 * rng.normal(size=(N, 4)), NAMES)
X.columns, Y.columns = list("abcd"), list("efgh")
Z = rng.normal(size=(N, 3))  # without names
CLASSES = pd.Series(np.where(hidden[:, 0] > 0, "up", "down"), NAMES)
WEIGHTS = pd.Series(rng.uniform(1, 2, N), NAMES)
QUICK = {"n_components": 2, "max_epochs": 1, "encoders": "network", "random_state": 0}
PAIR = {"x": X, "y": Y}
small = {"n_queries": 1, "k": 1}
CUT = {"x": ["a", "b"], "y": ["c", "d"]}

linear = CanonicalBottleneck().fit(PAIR)
of_tables = CanonicalBottleneck().fit(X, Y)
of_columns = CanonicalBottleneck(modalities=CUT).fit(X)


def aligner(**params):
    return IBAligner(**{**QUICK, **params})


def search(scoring=None):
    return IBAlignerCV(aligner(), betas=[0.0, 1.0], cv=2, scoring=scoring)


def partners(Y):
    """Calls with rows of `Y` that are partners of those of `X`."""
    numbers = {"ci": None, "n_permutations": 0}
    both, shown = {"x": X, "y": Y}, {"queries": NAMES, "gallery": NAMES, **small}
    return {
        **{
            entry.name: lambda entry=entry: entry.metric(
                X, Y, **entry.arguments, **({"k": 3} if entry.takes_k else {})
            )
            for entry in CATALOGUE
            if entry.of in ("pair", "both ways") and entry.metric is not modality_gap
            if entry.arguments.get("k", 1) < N
        },
        "consistency of runs": lambda: consistency(Z, X, Z, Y),
        "permutation_test": lambda: permutation_test(cka, X, Y, n_permutations=3).value,
        "compare the same rows": lambda: compare(cka, (X, Z), (Y, Z)).difference,
        "compare own function": lambda: compare(lambda x, y: x.sum() * y[0, 0], (X, Y), (Z, Z)).a,
        "alignment_report": lambda: alignment_report(both, k=3)["cka"],
        "measure": lambda: measure(X, Y, **numbers)["cka"].value,
        "diagnose": lambda: diagnose({"x": X, "y": Y}, n_permutations=0).shared.information.value,
        "Modalities": lambda: Modalities(both)["y"],
        "Modalities, one set": lambda: _set(Modalities({"x": X}), "y", Y)["y"],
        "fit of two tables": lambda: CanonicalBottleneck().fit(X, Y).ridge_["x"],
        "fit of a mapping": lambda: CanonicalBottleneck().fit(both).ridge_["x"],
        "partial_fit": lambda: CanonicalBottleneck().partial_fit(X, Y).ridge_["x"],
        "fit of numbers": lambda: CanonicalBottleneck().fit(X, Y["e"]).ridge_["x"],
        "transform": lambda: of_tables.transform(X, Y)[1],
        "transform of a mapping": lambda: linear.transform(both),
        "embed": lambda: linear.embed(both)["y"],
        "score": lambda: of_tables.score(X, Y),
        "score of a mapping": lambda: linear.score(both),
        "split": lambda: linear.split(both)["y"].shared,
        "test of directions": lambda: of_tables.permutation_test(X, Y, n_permutations=2).p_values,
        "a scorer": lambda: get_scorer("cka")(of_tables, X, Y),
        "ModalityGapDisplay": lambda: ModalityGapDisplay.from_embeddings(both),
        "SimilarityDisplay": lambda: SimilarityDisplay.from_embeddings(both),
        "RetrievalDisplay": lambda: RetrievalDisplay.from_embeddings(X, Y, **shown),
    }


def trained(Y):
    """Calls of `partners` that train networks."""
    both = {"x": X, "y": Y}
    return {
        "IBAligner.fit": lambda: aligner().fit(X, Y).transform(X),
        "IBAligner.fit of a mapping": lambda: aligner().fit(both).embed({"x": X})["x"],
        "IBAligner.partial_fit": lambda: aligner().partial_fit(both).embed({"x": X})["x"],
        "warm start": lambda: aligner(warm_start=True).fit(PAIR).fit(both).embed({"x": X})["x"],
        "fit_together": lambda: fit_together([aligner()], both)[0].embed({"x": X})["x"],
        "IBAlignerCV": lambda: search().fit(X, Y).scores_,
        "IBAlignerCV of a mapping": lambda: search().fit(both).scores_,
        "ModalityEncoder": lambda: ModalityEncoder(aligner(), "x").fit(both).transform(X),
    }


def labelled(y):
    """Calls with labels `y` of the rows of `X`."""
    numbers, factors = {"ci": None, "n_permutations": 0}, {"sign": y, "other": CLASSES.to_numpy()}
    table, both = pd.DataFrame(factors, y.index), {"x": X, "y": Y}
    of_each = {"x": table, "y": table}
    named = {"shared": ["sign"], "nuisances": ["other"]}
    shown = {"queries": NAMES, "gallery": NAMES, **small}
    return {
        "leakage": lambda: leakage(X, y),
        "kept, of a mapping": lambda: kept(X, factors)["sign"],
        "leakage on held-out rows": lambda: leakage(X, CLASSES, Z_test=X, labels_test=y),
        "probe_information": lambda: probe_information(X, y, Z_test=X, labels_test=CLASSES),
        "retrieval": lambda: recall_at_k(X, Y, labels=(CLASSES, y)),
        "mAP": lambda: mean_average_precision(X, Y, labels=(y, CLASSES)),
        "permutation_test": lambda: (
            permutation_test(recall_at_k, X, Y, n_permutations=2, labels=(y, CLASSES)).value
        ),
        "compare": lambda: compare(leakage, (X, y), (Y, CLASSES)).difference,
        "alignment_report": lambda: alignment_report(both, k=3, labels=y)["recall_at_1"]["x_to_y"],
        "information_report": lambda: information_report(
            {"x": X}, {"x": table}, embeddings_test={"x": X}, labels_test={"x": table}
        ),
        "measure": lambda: measure(X, Y, y, **numbers)["read.x.label"].value,
        "ClassPairs": lambda: ClassPairs({"x": (X, y), "y": (Y, CLASSES)}, random_state=0).labels,
        "fit before a classifier": lambda: CanonicalBottleneck().fit(both, y).ridge_["x"],
        "fit of columns": lambda: CanonicalBottleneck(modalities=CUT).fit(X, y).ridge_["x"],
        "fit of class labels": lambda: CanonicalBottleneck().fit(X, y).ridge_["x"],
        "IBAligner of ClassPairs": lambda: aligner().fit(class_pairs(), y).transform(class_pairs()),
        "fit of ClassPairs": lambda: CanonicalBottleneck().fit(class_pairs(), y).ridge_["x"],
        "a scorer": lambda: get_scorer("neg_leakage")(linear, both, y),
        "a scorer of a pipeline": lambda: get_scorer("neg_leakage")(
            make_pipeline(StandardScaler(), CanonicalBottleneck(modalities=POSITIONS)).fit(X), X, y
        ),
        "ModalityGapDisplay": lambda: ModalityGapDisplay.from_embeddings(both, labels=y),
        "ModalityGapDisplay of a model": lambda: ModalityGapDisplay.from_estimator(
            linear, both, labels=y
        ),
        "SimilarityDisplay of a model": lambda: SimilarityDisplay.from_estimator(
            linear, Modalities(both), labels=y
        ),
        "RetrievalDisplay": lambda: RetrievalDisplay.from_embeddings(
            X, Y, **shown, labels=(CLASSES, y)
        ),
        "RetrievalDisplay, one for both": lambda: RetrievalDisplay.from_embeddings(
            X, Y, **shown, labels=y
        ),
        "RetrievalDisplay of items": lambda: RetrievalDisplay.from_embeddings(
            X, Y, queries=y, gallery=CLASSES
        ),
        "RetrievalDisplay of a model": lambda: RetrievalDisplay.from_estimator(
            linear, both, query="x", gallery="y", labels=y
        ),
        "LeakageDisplay": lambda: LeakageDisplay.from_embeddings(both, of_each, **named).fractions,
        "LeakageDisplay of a model": lambda: (
            LeakageDisplay.from_estimator(linear, both, labels=of_each, **named).fractions
        ),
        "LeakageDisplay of columns": lambda: (
            LeakageDisplay.from_estimator(of_columns, X, labels=of_each, **named).fractions
        ),
        "InformationPlaneDisplay of a model": lambda: (
            InformationPlaneDisplay.from_estimator(
                {0.0: of_tables}, X, Y, labels=of_each, **named
            ).points
        ),
    }


def weighted(weights):
    """Calls with a weight for each row of `X`."""
    return {
        "recall_at_k": lambda: recall_at_k(X, Y, sample_weight=weights),
        "score": lambda: linear.score(PAIR, sample_weight=weights),
        "score of two tables": lambda: of_tables.score(X, Y, sample_weight=weights),
        "score of Modalities": lambda: linear.score(Modalities(PAIR), sample_weight=weights),
    }


def grouped(groups):
    """Calls with an interval, or an estimate on held-out rows, of groups of the rows of `X`."""
    ci = Bootstrap(n_resamples=10, groups=groups)
    parts = {"Z_test": X, "labels_test": CLASSES.to_numpy(), "ci": ci}
    calls = {
        entry.name: lambda entry=entry: entry.metric(
            X, Y.to_numpy(), **entry.arguments, **({"k": 3} if entry.takes_k else {}), ci=ci
        )
        for entry in CATALOGUE
        if entry.of in ("pair", "both ways") and entry.arguments.get("k", 1) < N // 2
    }
    calls |= {
        "names of Y alone": lambda: cka(X.to_numpy(), Y, ci=ci),
        "uniformity": lambda: uniformity(X, ci=ci),
        "consistency": lambda: consistency(Z, X, ci=ci),
        "mutual_information": lambda: mutual_information(X, Z @ MAP, ci=ci),
        "recall, names of labels": lambda: recall_at_k(Z, Z[:9], labels=(CLASSES, CODES), ci=ci),
        "leakage on held-out rows": lambda: leakage(Z @ MAP, CLASSES.to_numpy(), **parts),
        "compare": lambda: compare(cka, (X, Y), (X, Z), ci=ci).a,
        "compare own function": lambda: compare(lambda x: x.mean(), (X,), (Z,), ci=ci).a,
    }
    return {
        **{name: lambda call=call: call().replicates for name, call in calls.items()},
        "leakage": lambda: leakage(X, CLASSES, groups=groups),
        "measure": lambda: measure(X, Y, groups=groups, n_permutations=0)["cka"].low,
    }


MAP = rng.normal(size=(3, 4))
GROUPS = pd.Series([f"p{i // 3}" for i in range(N)], NAMES)
CODES = CLASSES.to_numpy()[:9]
POSITIONS = {"x": [0, 1], "y": [2, 3]}


def class_pairs():
    return ClassPairs({"x": (X, CLASSES), "y": (Y, CLASSES)}, random_state=0)


def _set(mapping, name, rows):
    mapping[name] = rows
    return mapping


CALLS = [
    pytest.param(calls, given_, name, id=f"{calls.__name__}: {name}")
    for calls, given_ in (
        (partners, Y),
        (labelled, CLASSES),
        (weighted, WEIGHTS),
        (grouped, GROUPS),
        (trained, Y),
    )
    for name in calls(given_)
]
orders = st.permutations(range(N)).filter(lambda order: order != sorted(order))


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def as_array(found):
    """Return a result in a form that can be compared; displays are drawn from arrays."""
    if isinstance(found, float | np.ndarray):
        return np.asarray(found)
    if isinstance(found, pd.DataFrame):
        return found.fillna(0).to_numpy(dtype=object)
    return np.asarray([str(value) for value in vars(found).values()])


@pytest.mark.parametrize(("calls", "rows", "name"), CALLS)
@settings(deadline=None, max_examples=3)
@given(order=orders)
def test_another_order_is_an_error(calls, rows, name, order):
    with pytest.raises(ValueError, match=r"row names of .* in another order.*\.loc\["):
        calls(rows.iloc[list(order)])[name]()
    plt.close("all")


@pytest.mark.parametrize(("calls", "rows", "name"), CALLS)
def test_aligned_rows_give_the_same_bits(calls, rows, name):
    expected = as_array(calls(rows)[name]())
    shuffled = rows.sample(frac=1, random_state=1)
    found = as_array(calls(shuffled.loc[X.index])[name]())
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("calls", "rows", "name"), CALLS)
def test_other_names_are_a_warning_and_no_names_are_none(calls, rows, name):
    expected = as_array(calls(rows)[name]())
    np.testing.assert_array_equal(as_array(calls(rows.reset_index(drop=True))[name]()), expected)
    with pytest.warns(RowNamesWarning, match=r"row names of .* differ: row \d+ is"):
        calls(rows.rename(index=str.upper))[name]()


@settings(deadline=None, max_examples=10)
@given(order=orders)
@pytest.mark.parametrize("pair", [True, False])
def test_the_message_says_how_to_align(pair, order):
    shuffled = Y.iloc[list(order)]
    args = (X, shuffled) if pair else ({"x": X, "y": shuffled},)
    with pytest.raises(ValueError, match="Rows are paired by position") as caught:
        CanonicalBottleneck().fit(*args)
    names = dict(zip(("X", "y"), args, strict=False))
    aligned = eval(re.search("pass (.*?);", str(caught.value))[1], names)
    fitted = CanonicalBottleneck().fit(*((X, aligned) if pair else ({"x": X, "y": aligned},)))
    expected = of_tables if pair else linear
    pd.testing.assert_frame_equal(fitted.correlations_, expected.correlations_, check_exact=True)


def test_a_split_keeps_pairs_together():
    """scikit-learn shuffles all with the same rows, whose numbers then are names."""
    tables = [table.reset_index(drop=True) for table in (X, Y)]
    x_train, x_test, y_train, y_test = train_test_split(*tables, random_state=0)
    assert CanonicalBottleneck().fit(x_train, y_train).score(x_test, y_test) > 0
    with pytest.raises(ValueError, match="y has the row names of X in another order"):
        CanonicalBottleneck().fit(x_train, y_train.sort_index())


def test_folds_of_one_table_with_names_and_one_without():
    assert len(search().fit(X.reset_index(drop=True), Y).scores_) == 2


def test_groups_of_folds():
    with pytest.raises(ValueError, match="groups has the row names of X in another order"):
        search().fit(PAIR, groups=CLASSES[::-1])


def test_polars_has_no_names():
    assert cka(pl.from_pandas(X), Y[::-1]) == cka(X.to_numpy(), Y[::-1].to_numpy())


def test_two_clouds_are_no_pairs():
    assert modality_gap(X, Y[::-1]) == pytest.approx(modality_gap(X, Y))


def test_queries_and_gallery_with_labels_are_no_pairs():
    found = recall_at_k(X, Y[::-1], labels=(CLASSES, CLASSES[::-1]))
    assert found == recall_at_k(X, Y, labels=(CLASSES, CLASSES))


@pytest.mark.parametrize("kind", [Modalities, dict])
@pytest.mark.parametrize("output", ["pandas", "default"])
def test_output_keeps_the_names(kind, output):
    given_ = kind({"x": X, "y": Y.to_numpy()})
    for model in (
        CanonicalBottleneck().fit(given_),
        aligner().fit(given_),
        aligner(fusion="mean").fit(given_),
        search().fit(given_),
        aligner().fit(given_).encoder("x"),
        ModalityEncoder(CanonicalBottleneck(), "y").fit(given_),
    ):
        model.set_output(transform=output)
        rows = given_[5:9] if kind is Modalities else {name: v[5:9] for name, v in given_.items()}
        found = model.transform(rows)
        assert len(found) == 4
        if output == "pandas":
            assert list(found.index) == NAMES[5:9]
            assert list(found.columns) == list(model.get_feature_names_out())
        else:
            assert type(found) is np.ndarray
        whole = model.fit_transform(given_)
        assert output != "pandas" or list(whole.index) == NAMES


def test_output_of_tables_and_of_class_pairs_keeps_the_names():
    x, y = CanonicalBottleneck().set_output(transform="pandas").fit_transform(X, Y)
    assert list(x.index) == NAMES
    assert type(y) is np.ndarray
    pairs = class_pairs()
    model = aligner().fit(pairs).set_output(transform="pandas")
    chosen = pairs[[7, 3, 11]]
    assert list(chosen.index) == list(model.transform(chosen).index) == ["s7", "s3", "s11"]
    assert list(model.encoder("y").set_output(transform="pandas").transform(chosen).index) == [
        "s7",
        "s3",
        "s11",
    ]


def test_modalities_keep_their_index():
    pairs = Modalities(PAIR)
    for key in (slice(3, 9, 2), [4, 1], np.arange(N) > 20, [True] * N, CLASSES == "up"):
        expected = X[key] if isinstance(key, slice | pd.Series) else X.iloc[key]
        assert pairs[key].index.equals(expected.index)
        np.testing.assert_array_equal(pairs[key]["x"], expected)
    assert pairs.copy().index is pairs.index
    for again in (pickle.loads(pickle.dumps(pairs)), copy.copy(pairs), copy.deepcopy(pairs)):
        assert again.index.equals(pairs.index)
        assert again == pairs
    assert Modalities({"z": Z}).index is None
    with pytest.raises(ValueError, match="mask has the row names of rows in another order"):
        pairs[(CLASSES == "up")[::-1]]
    with pytest.raises(ValueError, match="mask has the row names of rows in another order"):
        class_pairs()[(CLASSES == "up")[::-1]]


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet"])
def test_files(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)

    def write(name, table):
        if kind == "parquet":
            pytest.importorskip("pyarrow")
            table.to_parquet(name)
        else:
            table.to_csv(name, sep="," if kind == "csv" else "\t")
        return name

    def value(Y, y):
        files = write(f"x.{kind}", X), write(f"y.{kind}", Y), write(f"l.{kind}", y.to_frame("up"))
        return measure_files(*files, ci=None, n_permutations=0).to_dict()["metrics"]

    expected = value(Y, CLASSES)
    for other, wrong in ((f"y.{kind}", (Y[::-1], CLASSES)), (f"l.{kind}", (Y, CLASSES[::-1]))):
        message = f"{other} has the row names of x.{kind} in another order: row 0 is 's23' in "
        with pytest.raises(ValueError, match=re.escape(message)) as caught:
            value(*wrong)
        assert f"write {other} again, in the order of x.{kind}" in str(caught.value)
    assert value(Y[::-1].loc[X.index], CLASSES) == expected
    for quiet in (Y.reset_index(drop=True), Y):
        assert value(quiet, CLASSES) == expected
    numbers = Y.set_axis(rng.permutation(N) + 100)
    with pytest.warns(RowNamesWarning, match=rf"x\.{kind} and y\.{kind} differ: row 0 is 'S0'"):
        value(Y.rename(index=str.upper), CLASSES)
    assert value(numbers, CLASSES) == expected  # integers beside strings may be numbers of rows


def test_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        X.to_csv(f"{name}/x.csv")
        Y.to_csv(f"{name}/y.csv")
    options = {"ci": None, "n_permutations": 0}
    measure_folders("before", "after", **options)
    for table, name in ((X, "x"), (Y, "y")):
        table[::-1].to_csv(f"after/{name}.csv")
    with pytest.raises(
        ValueError, match=r"after.x\.csv has the row names of before.x\.csv in another order"
    ):
        measure_folders("before", "after", **options)
    for table, name in ((X, "x"), (Y, "y")):
        table.rename(index=str.upper).to_csv(f"after/{name}.csv")
    with pytest.warns(RowNamesWarning, match=r"before.x\.csv and after.x\.csv differ: row 0 is"):
        measure_folders("before", "after", **options)


def test_groups_in_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X.to_csv("x.csv")
    np.save("y.npy", Y)
    people = pd.DataFrame({"person": [f"p{i // 3}" for i in range(N)]}, NAMES)

    def report(table):
        table.to_csv("groups.csv")
        found = measure_files("x.csv", "y.npy", groups="groups.csv", n_permutations=0)
        return found.to_dict()["metrics"]

    expected = report(people)
    assert report(people.reset_index(drop=True)) == expected
    with pytest.raises(
        ValueError, match=r"groups\.csv has the row names of x\.csv in another order"
    ):
        report(people[::-1])
    with pytest.warns(RowNamesWarning, match=r"x\.csv and groups\.csv differ: row 0 is"):
        assert report(people.rename(index=str.upper)) == expected


def test_a_column_of_labels_names_the_rows_beside_a_default_index_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X.to_csv("x.csv")
    np.save("y.npy", Y)
    CLASSES[::-1].to_frame("up").reset_index().to_csv("labels.csv")
    with pytest.raises(ValueError, match=r"labels\.csv has the row names of x\.csv in another"):
        measure_files("x.csv", "y.npy", "labels.csv", ci=None, n_permutations=0)


def test_an_index_that_counts_rows_is_compared_if_it_is_in_both_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    order = rng.permutation(N)

    def value(x, y, *, index=True):
        x.reset_index(drop=True).to_csv("x.csv")
        y.reset_index(drop=True).iloc[order].to_csv("y.csv", index=index)
        return measure_files("x.csv", "y.csv", ci=None, n_permutations=0)

    with pytest.raises(ValueError, match=r"y\.csv has the row names of x\.csv in another order"):
        value(X, Y)
    value(X, Y, index=False)
    names, numbers = Y.reset_index(drop=True), Y.set_axis(np.arange(N) + 100)
    for quiet in (names, numbers, Y):
        quiet.to_csv("y.csv")
        measure_files("x.csv", "y.csv", ci=None, n_permutations=0)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_index_of_integers_in_a_file_is_no_column(tmp_path, kind):
    from mibsk.reporting import read_matrix

    table, path = X.set_axis(rng.permutation(N)), str(tmp_path / f"x.{kind}")
    table.to_csv(path) if kind == "csv" else table.to_parquet(path)
    np.testing.assert_allclose(read_matrix(path), X, rtol=1e-12)
