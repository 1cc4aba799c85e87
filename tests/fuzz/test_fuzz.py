"""Arbitrary input to every public function: an error raised by us, or finite numbers."""

import os
import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mibsk import (
    CanonicalBottleneck,
    ClassPairs,
    IBAligner,
    IBAlignerCV,
    Modalities,
    OnnxEncoder,
    fit_together,
    metrics,
)
from mibsk.canonical import Canonical
from mibsk.data import _inputs
from mibsk.encoders import MLP
from mibsk.exceptions import DivergenceError, NothingSharedWarning
from mibsk.schedules import Cosine, Exponential, Learned, Linear, WarmUp
from mibsk.training import _inference

from .inputs import HARSH, N_ROWS, ROWS, WIDTH, arrays, labels, rows, tame_scalars, things
from .judge import judge

CUT = {"a": [0, 1], "b": slice(1, WIDTH)}
good = arrays((N_ROWS, WIDTH), ["f8"])
positions = st.lists(st.integers(0, WIDTH - 1), min_size=1, max_size=4)
columns = st.one_of(
    positions,
    st.builds(slice, st.integers(0, 2)),
    st.sampled_from([[0], -1, "b", ["b", "a"], [True, False, True], lambda X: [1], None, 9, []]),
)
names = st.sampled_from(["a", "b", "c", "", "a.b", "__", "fusion", "concat", 1, None, (1, 2)])


def new(**params):
    """Return an aligner that is quickly trained."""
    small = {"n_components": 2, "max_epochs": 1, "batch_size": 4, "random_state": 0}
    return IBAligner(**{**small, "encoders": MLP(hidden=(4,)), **params})


@pytest.fixture(scope="module", autouse=True)
def small_sizes():
    """Embed fewer rows at a time than there are, and hash text to few columns, for time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_inference, "ROWS_AT_A_TIME", 5)
        patch.setattr(_inputs, "_TEXT_FEATURES", 2**8)
        yield


@pytest.fixture(scope="module")
def fitted():
    """Models fitted on each form and each kind of rows."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, N_ROWS, WIDTH))
    with pytest.warns(NothingSharedWarning):  # so few rows
        closed = CanonicalBottleneck(ridge=1.0).fit({"a": X, "b": X + 0.1 * Y})
    kinds = {
        "dense": X,
        "image": rng.integers(0, 255, (N_ROWS, 2, 2), np.uint8),
        "counts": sp.csr_array(np.where(X < 0, X, 0)),
        "text": [f"words {i}" for i in range(N_ROWS)],
    }
    return {
        "mapping": new().fit({"a": X, "b": Y}),
        "closed form": closed,
        "kinds": new(encoders={"dense": MLP(hidden=(4,))}).fit(kinds),
        "table": new(modalities=CUT).fit(X),
        "pair": new().fit(X, Y),
        "labels": new().fit(X, ["cat", "dog"] * (N_ROWS // 2)),
    }


@pytest.fixture(scope="module")
def onnx_encoders(fitted, tmp_path_factory):
    """One encoder of each kind of rows, read from an ONNX file."""
    pytest.importorskip("onnxruntime")
    from mibsk.onnx import export_encoders

    files = export_encoders(fitted["kinds"], tmp_path_factory.mktemp("onnx"))
    return {name: OnnxEncoder(path, batch_size=5).fit() for name, path in files.items()}


class Target(NamedTuple):
    """A call ``call(fitted, *inputs)``, strategies of its inputs, and its number of examples."""

    call: Any
    inputs: tuple[Any, ...]
    n_examples: int = 50


def fit_and_embed(aligner, *args):
    """Return the embeddings of the rows that an aligner was fitted on."""
    return aligner.fit(*args).embed(*args[:1]), aligner.history_[-1]["train_loss"]


def fit_closed_form(bottleneck, *args):
    """Return all that a canonical bottleneck finds in the rows that it is fitted on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NothingSharedWarning)  # so few rows
        bottleneck.fit(*args)
    z = bottleneck.embed(*args[:1])
    correlations = bottleneck.correlations_[["train", "held_out", "low", "high", "information"]]
    parts = [tuple(each) for each in bottleneck.split(*args[:1]).values()]
    return z, correlations.to_numpy(), tuple(bottleneck.information_), parts


def search(**params):
    """Return a search for beta that is quickly done."""
    return IBAlignerCV(**{"aligner": new(), "betas": (0, 1), "cv": 2, **params})


def fit_or_diverge(make=new, **params):
    """Return the loss that an aligner of such parameters ends with, if it stays finite."""
    X, Y = np.random.default_rng(0).normal(size=(2, N_ROWS, WIDTH))
    try:
        return make(**params).fit({"a": X, "b": Y}).history_[-1]["train_loss"]
    except DivergenceError:
        return 0.0


def tuples(found):
    """Return value, low and high of an estimate, or of each of several."""
    return [tuple(each) for each in found.values()] if isinstance(found, dict) else tuple(found)


def mappings(*parts):
    """Mappings of names, most often right, to what is drawn."""
    right = st.tuples(*parts).map(lambda drawn: dict(zip("abcdefgh", drawn, strict=False)))
    odd = st.dictionaries(names, rows, max_size=3)
    return st.sampled_from([right] * 5 + [odd]).flatmap(lambda chosen: chosen)


FIT = {
    "a mapping": Target(lambda f, X: fit_and_embed(new(), X), (mappings(rows, rows),), 60),
    "a mapping and any labels": Target(
        lambda f, X, y: fit_and_embed(new(), X, y), (mappings(arrays((N_ROWS, 2)), rows), labels)
    ),
    "a mapping of automatic encoders": Target(
        lambda f, X, Y: fit_and_embed(new(encoders="auto"), {"a": X, "b": Y}),
        (things((N_ROWS,)) | things((N_ROWS, 4, 4)) | ROWS["text"], rows),
    ),
    "Modalities": Target(lambda f, X: fit_and_embed(new(), Modalities(X)), (mappings(rows, rows),)),
    "two tables": Target(lambda f, X, Y: fit_and_embed(new(), X, Y), (rows, rows), 60),
    "a table and labels": Target(lambda f, X, y: fit_and_embed(new(), X, y), (rows, labels), 60),
    "a table cut": Target(lambda f, X: fit_and_embed(new(modalities=CUT), X), (rows,), 60),
    "a table cut anywhere": Target(
        lambda f, X, a, b: fit_and_embed(new(modalities={"a": a, "b": b}), X),
        (rows, columns, columns),
        60,
    ),
    "ClassPairs": Target(
        lambda f, X, x, Y, y: fit_and_embed(new(), ClassPairs({"a": (X, x), "b": (Y, y)})),
        (rows, labels, rows, labels),
    ),
}
PARAMETERS = {
    "beta": st.floats(),
    "temperature": st.floats() | st.just("learned"),
    "lr": st.floats(),
    "n_components": st.integers(-1, 9),
    "batch_size": st.integers(-2, 2**40),
    "validation_fraction": st.floats(),
    "n_iter_no_change": st.integers(),
    "sufficiency": st.sampled_from(["infonce", "infonce-oneway"]) | st.text(),
    "minimality": st.sampled_from(["gaussian", "variational"]) | st.text(),
    "fusion": st.sampled_from("ab") | st.text(),
    "optimizer": st.sampled_from(["SGD", "Adagrad", "LBFGS", "Optimizer"]) | st.text(),
    "device": st.sampled_from(["cpu", "cpu:0", "meta", "cuda:9"]) | st.text(),
    "precision": st.sampled_from(["bfloat16", "float32"]) | st.text(),
    "encoders": st.sampled_from(["mlp", "linear", "resnet20", {"a": "mlp"}]) | st.text(),
    "input_scaling": st.sampled_from(["columns", "modality", None, {"a": None}]) | st.text(),
    "random_state": st.integers(),
}
parameters = st.sampled_from(list(PARAMETERS)).flatmap(
    lambda name: st.fixed_dictionaries({name: PARAMETERS[name] | tame_scalars})
)
FIT["parameters"] = Target(
    lambda f, params, early_stopping: fit_or_diverge(**params, early_stopping=early_stopping),
    (parameters, st.booleans()),
    120,
)
closed_form_parameters = st.fixed_dictionaries(
    {},
    optional={
        "n_components": st.integers(-1, 9) | tame_scalars,
        "beta": st.just("auto") | st.floats() | tame_scalars,
        "ridge": st.just("auto") | st.floats() | tame_scalars,
        "weights": st.sampled_from(["information", None, "none"]),
        "scale": st.booleans() | tame_scalars,
        "level": st.floats() | tame_scalars,
    },
)
FIT["closed form of a mapping"] = Target(
    lambda f, X: fit_closed_form(CanonicalBottleneck(4), X), (mappings(rows, rows),), 100
)
FIT["closed form of three"] = Target(
    lambda f, X: fit_closed_form(CanonicalBottleneck(4), X), (mappings(rows, rows, rows),), 60
)
FIT["closed form of two tables"] = Target(
    lambda f, X, y: fit_closed_form(CanonicalBottleneck(4), X, y), (rows, rows | labels), 60
)
FIT["closed form with parameters"] = Target(
    lambda f, params, X: fit_closed_form(CanonicalBottleneck(**params), X),
    (closed_form_parameters, mappings(good, good)),
    100,
)
FIT["last stage with parameters"] = Target(
    lambda f, params: fit_or_diverge(bottleneck=Canonical(**params)),
    (
        closed_form_parameters.map(
            lambda params: {
                name: value
                for name, value in params.items()
                if name not in ("n_components", "scale")
            }
        ),
    ),
    60,
)
FIT["a path of betas"] = Target(
    lambda f, X: fit_and_embed(search(), X), (mappings(rows, rows),), 20
)
FIT["any betas"] = Target(
    lambda f, betas, cv: fit_or_diverge(search, betas=betas, cv=cv),
    (
        st.sampled_from([(0, 1), (0.5,)]) | st.lists(tame_scalars | st.floats(), max_size=2),
        st.just(2) | tame_scalars,
    ),
    40,
)
FIT["together"] = Target(
    lambda f, X, n: [
        aligner.embed(X) for aligner in fit_together([new(beta=beta) for beta in range(n)], X)
    ],
    (mappings(rows, rows), st.integers(0, 2)),
    40,
)
ends = st.floats() | st.sampled_from([0.0, 0.1, 1.0])
FIT["schedules"] = Target(
    lambda f, kind, start, stop, name: fit_or_diverge(**{name: kind(start, stop)}, max_epochs=2),
    (
        st.sampled_from([Linear, Cosine, Exponential, WarmUp, Learned]),
        ends,
        ends,
        st.sampled_from(["beta", "temperature"]),
    ),
    80,
)
FITTED = {
    "project a mapping": Target(
        lambda f, X: f["closed form"].transform(X), (mappings(rows, rows),), 60
    ),
    "predict a modality": Target(
        lambda f, X, name: f["closed form"].predict(X, name), (mappings(rows, rows), names), 60
    ),
    "split a mapping": Target(
        lambda f, X: [tuple(each) for each in f["closed form"].split(X).values()],
        (mappings(rows, rows),),
    ),
    "transform a mapping": Target(
        lambda f, X: f["mapping"].transform(X), (mappings(rows, rows),), 60
    ),
    "embed a mapping": Target(lambda f, X: f["mapping"].embed(X), (mappings(rows, rows),)),
    "score a mapping": Target(lambda f, X: f["mapping"].score(X), (mappings(rows, rows),)),
    "transform a table": Target(lambda f, X: f["table"].transform(X), (rows,), 60),
    "transform two tables": Target(lambda f, X, Y: f["pair"].transform(X, Y), (rows, rows), 60),
    "score two tables": Target(lambda f, X, Y: f["pair"].score(X, Y), (rows, rows)),
    "embed labels": Target(
        lambda f, X, y: f["labels"].embed(X, y), (arrays((N_ROWS, WIDTH), ["f8"]), labels), 60
    ),
    **{
        f"encode {kind}": Target(
            lambda f, X, kind=kind: f["kinds"].encoder(kind).transform(X), (ROWS[kind],), 60
        )
        for kind in ROWS
    },
}
ONNX = {kind: Target(lambda f, X, kind=kind: f[kind].transform(X), (ROWS[kind],)) for kind in ROWS}
k = st.sampled_from([1, 2, 3, 7, 8, 9, 0, -1, None, 1.5, "1", True, np.int64(2), np.nan])
positive = st.sampled_from([2, 2.0, 0.5, 1e3, 1e12, 1e-12, 0, -1, None, "1", True, *HARSH])
tasks = st.sampled_from(["auto", "auto", "regression", "classification", "rank", None, {"a": 1}])
mi_bounds = st.sampled_from(["infonce", "nwj", "mine", "mine", "club", None, 1])
METRICS = {
    "cka": Target(lambda f, X, Y: metrics.cka(X, Y), (rows, rows)),
    "unbiased cka": Target(lambda f, X, Y: metrics.cka(X, Y, unbiased=True), (rows, rows)),
    "modality_gap": Target(lambda f, X, Y: metrics.modality_gap(X, Y), (rows, rows)),
    "mutual_knn": Target(lambda f, X, Y, k: metrics.mutual_knn(X, Y, k=k), (rows, rows, k)),
    "cycle_knn": Target(lambda f, X, Y, k: metrics.cycle_knn(X, Y, k=k), (rows, rows, k)),
    "lcs_knn": Target(lambda f, X, Y, k: metrics.lcs_knn(X, Y, k=k), (rows, rows, k)),
    "edit_distance_knn": Target(
        lambda f, X, Y, k: metrics.edit_distance_knn(X, Y, k=k), (rows, rows, k)
    ),
    "cknna": Target(lambda f, X, Y, k: metrics.cknna(X, Y, k=k), (rows, rows, k)),
    "procrustes": Target(lambda f, X, Y: metrics.procrustes(X, Y), (rows, rows)),
    "svcca": Target(
        lambda f, X, Y, n: metrics.svcca(X, Y, n_components=n), (rows, rows, k | st.floats())
    ),
    "pwcca": Target(lambda f, X, Y: metrics.pwcca(X, Y), (rows, rows)),
    "relative_modality_gap": Target(
        lambda f, X, Y: metrics.relative_modality_gap(X, Y), (rows, rows)
    ),
    "alignment": Target(
        lambda f, X, Y, a: metrics.alignment(X, Y, alpha=a), (rows, rows, positive)
    ),
    "uniformity": Target(lambda f, X, t: metrics.uniformity(X, t=t), (rows, positive)),
    "intervals": Target(
        lambda f, name, X, Y, ci: list(getattr(metrics, name)(X, Y, ci=ci)),
        (
            st.sampled_from(["modality_gap", "relative_modality_gap", "alignment", "procrustes"]),
            rows,
            rows,
            st.floats(0.5, 0.99) | tame_scalars.filter(lambda ci: ci is not None),
        ),
    ),
    "recall_at_k": Target(lambda f, X, Y, k: metrics.recall_at_k(X, Y, k=k), (rows, rows, k)),
    "recall_at_k of classes": Target(
        lambda f, X, Y, *y: metrics.recall_at_k(X, Y, labels=y), (good, rows, labels, labels)
    ),
    "weighted recall_at_k": Target(
        lambda f, X, Y, w: metrics.recall_at_k(X, Y, sample_weight=w),
        (good, good, things((N_ROWS,), ["f8", "i8", "?"])),
    ),
    "leakage": Target(lambda f, Z, y: metrics.leakage(Z, y), (rows, labels)),
    "leakage held out": Target(
        lambda f, Z, y, W, w: metrics.leakage(Z, y, Z_test=W, labels_test=w),
        (good, labels, rows, labels),
    ),
    "leakage with an interval": Target(
        lambda f, Z, y: tuples(metrics.leakage(Z, y, ci=metrics.Bootstrap(n_resamples=20))),
        (rows, labels),
    ),
    "kept by an MLP": Target(lambda f, Z, y: metrics.kept(Z, y, probe="mlp"), (good, labels), 20),
    "probe_information": Target(
        lambda f, Z, y, W, w, l2, task: metrics.probe_information(
            Z, y, Z_test=W, labels_test=w, l2=l2, task=task
        ).fillna(0),
        (
            rows,
            labels,
            good,
            labels,
            st.sampled_from(["auto", 1.0, 30, 0.01, 0, -1, "1", *HARSH]),
            tasks,
        ),
    ),
    "mutual_information": Target(
        lambda f, X, Y, bound, t: metrics.mutual_information(X, Y, bound=bound, temperature=t),
        (rows, rows, mi_bounds, st.none() | positive),
    ),
    "gaussian_mutual_information": Target(
        lambda f, X, Y: metrics.gaussian_mutual_information(X, Y), (rows, rows)
    ),
    "consistency": Target(lambda f, X, Y, Z: metrics.consistency(X, Y, Z), (rows, rows, rows)),
    "alignment_report": Target(
        lambda f, Z, k: metrics.alignment_report(Z, k=k), (mappings(good, good), k)
    ),
    "information_report": Target(
        lambda f, Z, y, W, w: metrics.information_report(
            Z, {"a": y}, embeddings_test=W, labels_test={"a": w}
        ),
        (mappings(good), labels, mappings(rows), labels),
    ),
}


def throw(target, fitted, times):
    """Run `times` the quick number of examples, the same each time unless FUZZ_RANDOM is set."""
    n_results = 0

    @settings(
        max_examples=times * target.n_examples,
        derandomize="FUZZ_RANDOM" not in os.environ,
        database=None,
        deadline=20_000,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(st.tuples(*target.inputs))
    def run(inputs):
        nonlocal n_results
        n_results += judge(lambda *inputs: target.call(fitted, *inputs), *inputs)

    run()
    assert n_results > 0, "every example was refused: nothing beyond the validation was tested"


AMOUNTS = pytest.mark.parametrize("times", [1, pytest.param(6, marks=pytest.mark.slow)])


@AMOUNTS
@pytest.mark.parametrize("target", FIT)
def test_fit(target, times):
    throw(FIT[target], None, times)


@AMOUNTS
@pytest.mark.parametrize("target", FITTED)
def test_fitted(target, fitted, times):
    throw(FITTED[target], fitted, times)


@AMOUNTS
@pytest.mark.parametrize("target", ONNX)
def test_onnx(target, onnx_encoders, times):
    throw(ONNX[target], onnx_encoders, times)


@AMOUNTS
@pytest.mark.parametrize("target", METRICS)
def test_metrics(target, times):
    throw(METRICS[target], None, times)
