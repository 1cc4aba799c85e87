"""The first components of an ordered space are a space of lower dimension."""

import numpy as np
import pytest

from mibsk import CanonicalBottleneck, IBAligner
from mibsk.bundle import Bundle, write_bundle
from mibsk.bundle._ordered import is_ordered


def views(n_modalities, n_rows=300):
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(n_rows, 6)) * [3, 2, 1.5, 1, 0.7, 0.4]
    return {
        f"v{m}": hidden @ rng.normal(size=(6, 8)) + rng.normal(size=(n_rows, 8))
        for m in range(n_modalities)
    }


def unit(z):
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def fit(X, **params):
    params = {"n_components": 6, "max_epochs": 3, "random_state": 0} | params
    return IBAligner(**params).fit(X)


@pytest.mark.parametrize("n_modalities", [2, 3])
def test_the_first_components_are_the_space_of_fewer(n_modalities, tmp_path):
    X = views(n_modalities)
    full = CanonicalBottleneck(n_components=5, ridge=0.1).fit(X)
    assert write_bundle(full, tmp_path).ordered
    bundle = Bundle(tmp_path)
    for k in (2, 3):
        fewer = CanonicalBottleneck(n_components=k, ridge=0.1).fit(X)
        for name, rows in X.items():
            found, expected = unit(bundle.embed(name, rows)[:, :k]), fewer.embed(X)[name]
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_the_bottleneck_after_networks_orders_by_correlation(tmp_path):
    X = views(2)
    aligner = fit(X, encoders="mlp")
    assert write_bundle(aligner, tmp_path).ordered
    modules = {name: aligner.as_module(name) for name in X}
    outputs = []
    for name, module in modules.items():
        prepared = aligner.inputs_[name].prepare(X[name])
        mean, _ = module.distribution(module_rows(prepared))
        outputs.append(module.bottleneck(mean).detach().numpy())
    n = outputs[0].shape[1]
    shared = [np.corrcoef(outputs[0][:, i], outputs[1][:, i])[0, 1] for i in range(n)]
    assert n > 2
    assert (np.diff(shared) <= 0.02).all(), shared


def test_the_reduced_closed_form_beside_networks_is_ordered_by_principal_axes():
    X = views(3)
    aligner = fit(X, encoders="auto", max_epochs=4)
    modules = {name: aligner.as_module(name) for name in X}
    assert all(each.closed_form.projection is not None for each in modules.values())
    assert is_ordered(aligner)
    found = np.concatenate(list(aligner.embed(X).values()))
    for each in modules.values():
        each.closed_form.projection = None
    rows = [module_rows(aligner.inputs_[name].prepare(X[name])) for name in X]
    wide = [
        module(each).detach().numpy() for module, each in zip(modules.values(), rows, strict=True)
    ]
    wide = np.concatenate(wide).astype(np.float64)
    axes = np.linalg.eigh(wide.T @ wide)[1][:, ::-1]
    for k in (2, 4):
        expected = unit(wide @ axes[:, :k])
        first = unit(found[:, :k])
        np.testing.assert_allclose(first @ first.T, expected @ expected.T, rtol=0, atol=1e-4)


def test_the_closed_form_alone_is_ordered():
    aligner = fit(views(2), encoders="canonical")
    assert all(aligner.as_module(name).closed_form.is_alone for name in aligner.modality_names_)
    assert is_ordered(aligner)


def test_networks_alone_are_not_ordered():
    assert not is_ordered(fit(views(2), encoders="mlp", bottleneck=None))


def test_the_closed_form_beside_networks_has_two_orders():
    aligner = fit(views(3), encoders="auto", n_components=64, max_epochs=10)
    beside = aligner.as_module("v0").closed_form
    assert not beside.is_alone
    assert beside.projection is None
    assert not is_ordered(aligner)


def test_the_closed_form_is_in_the_files(tmp_path):
    for params in ({"encoders": "mlp"}, {"encoders": "canonical"}, {"encoders": "auto"}):
        X = views(3)
        aligner = fit(X, bottleneck="canonical", fusion="concat", **params)
        write_bundle(aligner, tmp_path)
        bundle = Bundle(tmp_path)
        side_by_side = np.concatenate([bundle.embed(name, X[name]) for name in X], axis=1)
        np.testing.assert_allclose(aligner.transform(X), side_by_side, rtol=0, atol=1e-5)


def module_rows(prepared):
    import torch

    return torch.from_numpy(np.asarray(prepared, np.float32))
