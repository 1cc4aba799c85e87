"""The canonical bottleneck as the last stage of an aligner."""

import pickle

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.base import clone

from mibsk import ClassPairs, IBAligner, IBAlignerCV, OnnxEncoder, fit_together
from mibsk.canonical import Canonical
from mibsk.encoders import MLP
from mibsk.metrics import leakage
from mibsk.onnx import export_encoder
from tests.estimators.common import Items, assert_same_weights

N, N_TEST = 400, 200


@pytest.fixture(scope="module")
def paired():
    """Two views of four shared and four private factors, as training and test rows."""
    rng = np.random.default_rng(0)
    n = N + N_TEST
    shared = rng.standard_normal((n, 4))
    rows, private = {}, {}
    for name, width in (("audio", 10), ("image", 12)):
        private[name] = rng.standard_normal((n, 4))
        hidden = np.hstack([shared, private[name]])
        rows[name] = (hidden @ rng.standard_normal((8, width))).astype(np.float32)
    train = {name: X[:N] for name, X in rows.items()}
    test = {name: X[N:] for name, X in rows.items()}
    return train, test, private


class Stream(torch.utils.data.IterableDataset):
    """The rows of a mapping of arrays, in their order."""

    def __init__(self, mapping):
        self.items = Items(mapping)

    def __iter__(self):
        return (self.items[i] for i in range(len(self.items)))


def make(**params):
    common = {"n_components": 16, "max_epochs": 8, "batch_size": 50, "lr": 0.01, "random_state": 0}
    return IBAligner(**{**common, "encoders": MLP((16,)), **params})


@pytest.fixture(scope="module")
def fitted(paired):
    return make().fit(paired[0])


def test_embeddings_have_the_kept_directions(fitted, paired):
    z = fitted.embed(paired[1])["audio"]
    found = fitted.correlations_
    assert list(found.columns) == ["train", "cross_fitted", "low", "high", "kept"]
    assert z.shape == (N_TEST, fitted.n_components_)
    assert fitted.n_components_ == found["kept"].sum() < 16
    assert (found["low"] <= found["cross_fitted"]).all()
    assert (found["cross_fitted"] <= found["high"]).all()
    assert (found["cross_fitted"][found["kept"]] > 0.5 - 0.1).all()
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, rtol=1e-5)


def test_training_is_that_without_it(fitted, paired):
    plain = make(bottleneck=None).fit(paired[0])
    assert_same_weights(plain, fitted)
    assert plain.n_components_ == 16
    assert not hasattr(plain, "correlations_")
    assert [epoch["train_loss"] for epoch in plain.history_] == [
        epoch["train_loss"] for epoch in fitted.history_
    ]


def test_the_map_is_that_of_canonical_correlation_analysis(fitted, paired):
    """The kept variates are those of scikit-learn's CCA of the embeddings, up to the ridge."""
    from sklearn.cross_decomposition import CCA

    train = paired[0]
    z = make(bottleneck=None).fit(train).embed(train)
    nearly = make(bottleneck=Canonical(ridge=1e-9, weights=None)).fit(train)
    found = nearly.correlations_["train"].to_numpy()
    u, v = CCA(3, scale=False, tol=1e-12, max_iter=10_000).fit(*z.values()).transform(*z.values())
    expected = [np.corrcoef(u[:, k], v[:, k])[0, 1] for k in range(3)]
    np.testing.assert_allclose(found[:3], expected, rtol=1e-4)


def test_what_is_private_is_removed(fitted, paired):
    train, test, private = paired
    plain = make(bottleneck=None).fit(train)
    leaks = {}
    for name, model in (("plain", plain), ("canonical", fitted)):
        z = {**{"train": model.embed(train)["audio"]}, "test": model.embed(test)["audio"]}
        leaks[name] = np.mean(
            [
                leakage(
                    z["train"],
                    private["audio"][:N, k],
                    Z_test=z["test"],
                    labels_test=private["audio"][N:, k],
                )
                for k in range(4)
            ]
        )
    assert leaks["plain"] > 0.1
    assert leaks["canonical"] < leaks["plain"] / 3


@pytest.mark.parametrize("beta", ["auto", 0.0, 0.25, 0.81])
def test_a_larger_beta_keeps_fewer_directions(paired, beta):
    some = make(bottleneck=Canonical(beta=beta)).fit(paired[0])
    more = make(bottleneck=Canonical(beta=0.0)).fit(paired[0])
    assert some.n_components_ <= more.n_components_


def test_modalities_that_share_nothing_are_left_as_trained(paired):
    rng = np.random.default_rng(1)
    rows = {name: rng.standard_normal((200, 5)).astype(np.float32) for name in ("audio", "image")}
    unrelated = make(max_epochs=1, bottleneck=Canonical(beta=0.9)).fit(rows)
    assert unrelated.n_components_ == 16
    assert not unrelated.correlations_["kept"].any()


def test_one_direction_keeps_its_value():
    """The unit vectors of a single direction would be its sign alone."""
    rng = np.random.default_rng(0)
    rows = {name: rng.standard_normal((200, 3)).astype(np.float32) for name in ("audio", "image")}
    rows["image"][:, 0] = rows["audio"][:, 0]
    settings = Canonical(beta=0.9)
    aligner = make(max_epochs=30, bottleneck=settings, encoders="linear").fit(rows)
    assert aligner.correlations_["kept"].sum() == 1
    z = aligner.embed(rows)["audio"]
    assert z.shape == (200, 2)
    assert (z[:, 1] > 0).all()
    assert abs(spearmanr(z[:, 0], rows["audio"][:, 0]).statistic) > 0.9


@pytest.mark.parametrize("n", [2, 3, 5, 9, 11])
def test_few_rows(paired, n):
    rows = {name: X[:n] for name, X in paired[0].items()}
    z = make().fit(rows).embed(rows)
    assert all(np.isfinite(Z).all() for Z in z.values())


def test_pairs_held_out_of_training(paired):
    aligner = make(bottleneck=Canonical(hold_out=True), validation_fraction=0.25).fit(paired[0])
    assert "held_out" in aligner.correlations_
    assert "valid_loss" in aligner.history_[0]
    with pytest.raises(ValueError, match=r"bottleneck=Canonical\(.*hold_out=True.*IterableDataset"):
        make(bottleneck=Canonical(hold_out=True)).fit(Stream(paired[0]))


def test_three_modalities(paired):
    train = dict(paired[0])
    train["text"] = np.hstack([train["audio"][:, :5], train["image"][:, :5]])
    aligner = make().fit(train)
    assert {Z.shape for Z in aligner.embed(train).values()} == {(N, aligner.n_components_)}


def test_class_pairs():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(5), 40)
    centres = 3 * rng.standard_normal((5, 6))
    rows = {name: centres[labels] + rng.standard_normal((200, 6)) for name in ("audio", "image")}
    pairs = ClassPairs({name: (X, labels) for name, X in rows.items()}, random_state=0)
    aligner = make(max_epochs=10).fit(pairs)
    assert aligner.n_components_ == 4  # five classes span four dimensions


def test_a_dataset_and_a_stream_give_the_maps_of_the_mapping(paired):
    train, test, _ = paired
    expected = make().fit(train).embed(test)["audio"]
    got = make().fit(Items(train)).embed(test)["audio"]
    np.testing.assert_allclose(got, expected, atol=1e-5)
    streamed = make().fit(Stream(train))
    assert streamed.n_components_ < 16


class TestIsPartOfTheModel:
    def test_of_the_encoder_and_the_onnx_file(self, fitted, paired, tmp_path):
        rows = paired[1]["audio"]
        expected = fitted.embed({"audio": rows})["audio"]
        np.testing.assert_array_equal(fitted.encoder("audio").transform(rows), expected)
        path = export_encoder(fitted, "audio", tmp_path / "audio.onnx")
        encoder = OnnxEncoder(path).fit(rows)
        np.testing.assert_allclose(encoder.transform(rows), expected, atol=1e-5)
        assert len(encoder.get_feature_names_out()) == fitted.n_components_

    def test_of_the_file(self, fitted, paired, tmp_path):
        fitted.save(tmp_path / "aligner")
        loaded = IBAligner.load(tmp_path / "aligner")
        np.testing.assert_array_equal(loaded.transform(paired[1]), fitted.transform(paired[1]))
        assert loaded.correlations_.equals(fitted.correlations_)
        assert loaded.bottleneck == "canonical"

    def test_of_the_settings_in_the_file(self, paired, tmp_path):
        settings = Canonical(beta=0.5, ridge=0.01, weights=None)
        make(bottleneck=settings, max_epochs=1).fit(paired[0]).save(tmp_path / "aligner")
        assert IBAligner.load(tmp_path / "aligner").bottleneck == settings

    def test_of_pickles_and_copies(self, fitted, paired):
        copied = pickle.loads(pickle.dumps(fitted))
        np.testing.assert_array_equal(copied.transform(paired[1]), fitted.transform(paired[1]))
        assert clone(fitted).bottleneck == "canonical"

    def test_of_the_last_checkpoint(self, paired, tmp_path):
        aligner = make(checkpoint=tmp_path).fit(paired[0])
        newest = max(tmp_path.rglob("*.safetensors"))
        loaded = IBAligner.load(newest)
        np.testing.assert_array_equal(loaded.transform(paired[1]), aligner.transform(paired[1]))
        resumed = make(checkpoint=tmp_path).fit(paired[0])
        np.testing.assert_array_equal(resumed.transform(paired[1]), aligner.transform(paired[1]))
        assert len(list(tmp_path.iterdir())) == 1  # it does not change which checkpoints match
        make(checkpoint=tmp_path, bottleneck=None).fit(paired[0])
        assert len(list(tmp_path.iterdir())) == 1

    def test_of_aligners_fitted_together_and_along_a_path(self, fitted, paired):
        [together] = fit_together([make()], paired[0])
        np.testing.assert_array_equal(together.transform(paired[1]), fitted.transform(paired[1]))
        search = IBAlignerCV(make(max_epochs=2), betas=[0, 1], cv=2).fit(paired[0])
        assert search.n_components_ == search.correlations_["kept"].sum()


def test_training_continues_without_it(fitted, paired):
    """`partial_fit` drops it, `fit` with a warm start computes it anew."""
    train = paired[0]
    further = pickle.loads(pickle.dumps(fitted)).partial_fit(train)
    assert further.n_components_ == 16
    assert not hasattr(further, "correlations_")
    plain = make(bottleneck=None).fit(train).partial_fit(train)
    assert_same_weights(plain, further)
    warm = pickle.loads(pickle.dumps(fitted)).set_params(warm_start=True).fit(train)
    assert warm.n_iter_ == 16
    assert warm.n_components_ == warm.correlations_["kept"].sum()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"beta": 1.0}, ValueError, "beta must be a finite number >= 0 and < 1, got 1.0"),
        ({"beta": "most"}, TypeError, "beta must be a finite number, got 'most'"),
        ({"ridge": -1}, ValueError, "ridge must be a finite number >= 0, got -1"),
        ({"weights": "pmi"}, ValueError, "weights must be 'information' or None, got 'pmi'"),
        ({"level": 95}, ValueError, "level must be a finite number > 0 and < 1, got 95"),
        ({"hold_out": 0.1}, TypeError, "hold_out must be True or False, got 0.1"),
    ],
)
def test_invalid_settings(settings, error, message):
    with pytest.raises(error, match=message):
        Canonical(**settings)


def test_an_unknown_bottleneck(paired):
    with pytest.raises(ValueError, match="The 'bottleneck' parameter of IBAligner must be"):
        make(bottleneck="cca").fit(paired[0])
