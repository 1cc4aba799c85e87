"""CanonicalBottleneck: forms of data, results, files, and what it refuses."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mibsk import CanonicalBottleneck, ClassPairs, Modalities, ModalityEncoder, OnnxEncoder
from mibsk.datasets import load_digits_halves
from mibsk.exceptions import NothingSharedWarning, TornFileError
from mibsk.onnx import export_encoder, export_encoders
from tests.estimators.common import CUT, Items

N = 240


@pytest.fixture(scope="module")
def rows():
    """Two views of three shared factors, and labels of the sign of the first."""
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((N, 3))
    X = {}
    for name, width in (("audio", 5), ("image", 4)):
        X[name] = 0.4 * rng.standard_normal((N, width))
        X[name][:, :3] += shared
    return X, (shared[:, 0] > 0).astype(int)


@pytest.fixture(scope="module")
def fitted(rows):
    return CanonicalBottleneck().fit(rows[0])


class TestForms:
    def test_all_forms_give_the_same(self, rows, fitted):
        X, _ = rows
        table = np.hstack(list(X.values()))
        expected = fitted.transform(X)
        pair = CanonicalBottleneck().fit(X["audio"], X["image"])
        np.testing.assert_array_equal(np.hstack(pair.transform(X["audio"], X["image"])), expected)
        for one in (table, pd.DataFrame(table, columns=list("abcdefghi"))):
            cut = CanonicalBottleneck(modalities=CUT).fit(one)
            np.testing.assert_allclose(cut.transform(one), expected, atol=1e-11)
            assert cut.n_features_in_ == 9
        for one in (Modalities(X), Items(X)):
            np.testing.assert_allclose(
                CanonicalBottleneck().fit(one).transform(one), expected, atol=1e-6
            )

    def test_images_are_flattened(self):
        halves = load_digits_halves().data[:300]
        model = CanonicalBottleneck(beta=0.1).fit(halves)
        flat = {name: np.reshape(rows, (300, -1)) for name, rows in dict(halves).items()}
        np.testing.assert_allclose(
            CanonicalBottleneck(beta=0.1).fit(flat).transform(flat), model.transform(halves)
        )
        assert model.split(halves)["left"].private.shape == (300, 8, 4)
        assert model.predict({"left": halves["left"]}).shape == (300, 8, 4)

    @pytest.mark.parametrize("container", [sp.csr_array, sp.csc_matrix, sp.coo_array])
    def test_sparse_rows_give_what_dense_ones_give(self, rows, container):
        X, _ = rows
        positive = {name: np.maximum(Z, 0) for name, Z in X.items()}
        sparse = {name: container(Z) for name, Z in positive.items()}
        dense = CanonicalBottleneck(scale=False).fit(positive)
        model = CanonicalBottleneck().fit(sparse)
        np.testing.assert_allclose(model.transform(sparse), dense.transform(positive), atol=1e-6)
        split = model.split(sparse)["audio"]
        np.testing.assert_allclose(split.private, dense.split(positive)["audio"].private, atol=1e-6)

    def test_strings(self):
        rng = np.random.default_rng(0)
        words = np.array(["red", "green", "blue", "grey"])
        colour = rng.integers(4, size=400)
        texts = [f"a {words[c]} thing {rng.integers(100)}" for c in colour]
        numbers = np.eye(4)[colour] + 0.1 * rng.standard_normal((400, 4))
        model = CanonicalBottleneck().fit({"text": texts, "colour": numbers})
        predicted = model.predict({"text": texts})
        assert (predicted.argmax(axis=1) == colour).mean() > 0.95

    def test_wide_sparse_rows_of_many(self):
        """More rows and columns than are decomposed exactly."""
        rng = np.random.default_rng(0)
        n, p = 2500, 4000
        topics = rng.integers(6, size=n)
        weights = rng.random((6, p)) ** 8
        X = sp.csr_array((rng.random((n, p)) < 0.02 * weights[topics]).astype(np.float32))
        model = CanonicalBottleneck(8).fit({"words": X, "topic": np.eye(6)[topics]})
        assert model.n_components_ == 5
        assert np.isfinite(model.transform({"words": X, "topic": np.eye(6)[topics]})).all()

    def test_class_labels(self, rows):
        X, labels = rows
        model = CanonicalBottleneck().fit(X["audio"], labels)
        assert model.n_components_ == 1
        assert (model.predict(X["audio"]) == labels).mean() > 0.8
        named = np.array(["low", "high"])[labels]
        assert set(CanonicalBottleneck().fit(X["audio"], named).predict(X["audio"])) == set(named)

    def test_class_pairs(self):
        rng = np.random.default_rng(0)
        labels = np.repeat(np.arange(4), 50)
        centres = 2 * rng.standard_normal((4, 6))
        X = {name: centres[labels] + rng.standard_normal((200, 6)) for name in ("a", "b")}
        pairs = ClassPairs({name: (Z, labels) for name, Z in X.items()}, random_state=0)
        model = CanonicalBottleneck().fit(pairs)
        assert model.n_samples_ == 200
        assert model.n_components_ == 3  # four classes span three dimensions

    def test_memory_map(self, rows, tmp_path):
        X, _ = rows
        np.save(tmp_path / "audio.npy", X["audio"])
        mapped = {"audio": np.load(tmp_path / "audio.npy", mmap_mode="r"), "image": X["image"]}
        expected = CanonicalBottleneck().fit(X)
        np.testing.assert_array_equal(
            CanonicalBottleneck().fit(mapped).transform(mapped), expected.transform(X)
        )


class TestResults:
    def test_attributes(self, rows, fitted):
        found = fitted.correlations_
        k = fitted.n_components_
        assert k == found["kept"].sum() == 3
        assert (found["low"] <= found["held_out"]).all()
        assert (found["held_out"] <= found["high"]).all()
        assert (found["low"][found["kept"]] > 0).all()
        assert fitted.weights_.shape == (3,)
        assert set(fitted.ridge_) == {"audio", "image"}
        assert fitted.loadings_["audio"].shape == (5, 3)
        assert fitted.loadings_["audio"].abs().max(axis=None) <= 1
        low, high = fitted.information_.low, fitted.information_.high
        assert fitted.information_ is fitted.information_  # computed once
        assert 0 < low < fitted.information_.value < high

    def test_embeddings_are_the_weighted_variates_of_unit_norm(self, rows, fitted):
        X, _ = rows
        variates = np.split(fitted.transform(X), 2, axis=1)
        for Z, z in zip(variates, fitted.embed(X).values(), strict=True):
            np.testing.assert_allclose(z, Z / np.linalg.norm(Z, axis=1, keepdims=True), atol=1e-6)

    def test_loadings_are_correlations(self, rows, fitted):
        X, _ = rows
        u = fitted.transform(X)[:, :3]
        expected = np.corrcoef(X["audio"].T, u.T)[:5, 5:]
        np.testing.assert_allclose(fitted.loadings_["audio"], expected, atol=1e-9)

    def test_no_weights(self, rows, fitted):
        X, _ = rows
        plain = clone(fitted).set_params(weights=None).fit(X)
        Z = plain.transform(X)
        np.testing.assert_allclose(Z.var(axis=0), 1)
        np.testing.assert_allclose(Z[:, :3] * fitted.weights_, fitted.transform(X)[:, :3])

    def test_a_larger_beta_keeps_fewer(self, rows):
        kept = [CanonicalBottleneck(beta=b).fit(rows[0]).n_components_ for b in (0.0, 0.5, 0.74)]
        assert kept == sorted(kept, reverse=True)
        assert kept[0] > kept[-1]

    def test_constant_and_collinear_columns(self, rows):
        X, _ = rows
        more = dict(X)
        more["audio"] = np.hstack([X["audio"], np.full((N, 1), 7.0), X["audio"][:, :2]])
        model = CanonicalBottleneck(ridge=0.0).fit(more)
        plain = CanonicalBottleneck(ridge=0.0).fit(X)
        np.testing.assert_allclose(
            model.correlations_["train"], plain.correlations_["train"], atol=1e-6
        )
        assert (model.loadings_["audio"].iloc[5] == 0).all()
        moved = {**more, "audio": more["audio"] + np.eye(8)[5]}
        np.testing.assert_allclose(model.transform(moved), model.transform(more), atol=1e-9)

    def test_test_of_the_number_of_directions(self, rows, fitted):
        found = fitted.permutation_test(rows[0], n_permutations=99, random_state=0)
        assert found.n_components == 3
        assert (np.diff(found.p_values) >= 0).all()
        assert found.p_values[-1] > 0.05
        again = fitted.permutation_test(rows[0], n_permutations=99, random_state=0)
        np.testing.assert_array_equal(again.p_values, found.p_values)

    @pytest.mark.filterwarnings("ignore::mibsk.exceptions.NothingSharedWarning")
    def test_of_unrelated_modalities_rejects_as_often_as_its_level(self):
        rejected = 0
        for seed in range(40):
            X, Y = np.random.default_rng(seed).standard_normal((2, 60, 4))
            model = CanonicalBottleneck(ridge=0.1).fit(X, Y)
            found = model.permutation_test(X, Y, n_permutations=39, level=0.1, random_state=seed)
            rejected += found.n_components > 0
        assert rejected <= 10  # more than 10 of 40 have probability 0.001 at level 0.1

    def test_information_of_few_rows_is_a_bound_from_held_out_rows(self):
        rng = np.random.default_rng(0)
        shared = rng.standard_normal((50, 2))
        X = {
            name: shared @ rng.standard_normal((2, 40)) + 0.3 * rng.standard_normal((50, 40))
            for name in ("a", "b")
        }
        model = CanonicalBottleneck().fit(X)
        kept = model.correlations_[model.correlations_["kept"]]
        assert model.information_.value == pytest.approx(kept["information"].sum())

    def test_prediction_of_one_of_three(self, rows):
        X, _ = rows
        three = {**X, "both": np.hstack([X["audio"][:, :2], X["image"][:, :2]])}
        model = CanonicalBottleneck().fit(three)
        from_two = model.predict({name: X[name] for name in X})
        np.testing.assert_array_equal(from_two, model.predict_modality("both", three))
        residual = from_two - three["both"]
        assert (residual.var(axis=0) < three["both"].var(axis=0) / 2).all()


class TestInScikitLearn:
    def test_grid_search_and_pipeline(self, rows):
        X, labels = rows
        pairs = Modalities(X)
        search = GridSearchCV(CanonicalBottleneck(), {"beta": [0.1, 0.6]}, cv=3).fit(pairs)
        assert search.best_score_ > 3 / 80
        table = np.hstack(list(X.values()))
        model = make_pipeline(
            StandardScaler(), CanonicalBottleneck(modalities=CUT), LogisticRegression()
        )
        assert cross_val_score(model, table, labels).mean() > 0.8

    def test_encoder_of_one_modality(self, rows, fitted):
        X, labels = rows
        encoder = fitted.encoder("audio")
        np.testing.assert_array_equal(encoder.transform(X["audio"]), fitted.embed(X)["audio"])
        model = make_pipeline(
            ModalityEncoder(CanonicalBottleneck(), "audio"), LogisticRegression()
        ).fit(X, labels)
        assert model.score({"audio": X["audio"]}, labels) > 0.8

    def test_data_frames(self, rows):
        X, _ = rows
        model = CanonicalBottleneck().set_output(transform="pandas").fit(X)
        frame = model.transform(X)
        assert list(frame.columns) == [f"{name}_{k}" for name in X for k in range(3)]

    def test_drop_in_for_cca(self, rows):
        X, _ = rows
        model = CanonicalBottleneck(2, weights=None, ridge=0.0)
        u, v = model.fit_transform(X["audio"], X["image"])
        assert u.shape == v.shape == (N, 2)
        whole = CanonicalBottleneck(4, beta=0.0, ridge=0.0).fit(X["audio"], X["image"])
        if whole.n_components_ == 4:
            expected = LinearRegression().fit(X["audio"], X["image"]).predict(X["audio"])
            np.testing.assert_allclose(whole.predict(X["audio"]), expected)

    def test_one_direction(self, rows):
        X, _ = rows
        model = CanonicalBottleneck(1).fit(X)
        assert model.transform(X).shape == (N, 2)
        z = model.embed(X)["audio"]
        assert z.shape == (N, 2)
        assert model.encoder("audio").get_feature_names_out().shape == (2,)


class TestFiles:
    def test_of_every_form(self, rows, tmp_path):
        X, labels = rows
        table = pd.DataFrame(np.hstack(list(X.values())), columns=list("abcdefghi"))
        for model, arguments in (
            (CanonicalBottleneck(), (X,)),
            (CanonicalBottleneck(), (X["audio"], labels)),
            (CanonicalBottleneck(modalities=CUT, beta=0.2), (table,)),
        ):
            model.fit(*arguments).save(tmp_path / "model")
            loaded = CanonicalBottleneck.load(tmp_path / "model")
            got, expected = loaded.transform(arguments[0]), model.transform(arguments[0])
            np.testing.assert_array_equal(got, expected)
            assert loaded.get_params() == model.get_params()
            assert loaded.correlations_.equals(model.correlations_)
            assert loaded.information_ == model.information_
            more = loaded.partial_fit(*arguments)
            assert more.n_samples_ == 2 * N

    def test_pickle(self, rows, fitted):
        copied = pickle.loads(pickle.dumps(fitted))
        np.testing.assert_array_equal(copied.transform(rows[0]), fitted.transform(rows[0]))

    def test_other_files(self, tmp_path, rows):
        (tmp_path / "broken").write_bytes(b"no model")
        with pytest.raises(TornFileError):
            CanonicalBottleneck.load(tmp_path / "broken")
        from mibsk import IBAligner

        IBAligner(n_components=2, max_epochs=1, random_state=0).fit(rows[0]).save(
            tmp_path / "other"
        )
        with pytest.raises(ValueError, match="does not hold a CanonicalBottleneck"):
            CanonicalBottleneck.load(tmp_path / "other")

    @pytest.mark.parametrize("kind", ["table", "image", "text", "one"])
    def test_onnx(self, rows, kind, tmp_path):
        X = dict(rows[0])
        if kind == "image":
            X["audio"] = np.tile(X["audio"][:, :4], 3).reshape(N, 3, 4)
        if kind == "text":
            X["audio"] = np.where(X["image"][:, 0] > 0, "a warm day", "cold and dark at night")
        model = CanonicalBottleneck(1 if kind == "one" else 64).fit(X)
        paths = export_encoders(model, tmp_path)
        for name, path in paths.items():
            got = OnnxEncoder(path).fit(X[name]).transform(X[name])
            np.testing.assert_allclose(got, model.embed({name: X[name]})[name], atol=1e-5)


class TestBadInput:
    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"n_components": 0}, "n_components"),
            ({"beta": 1.0}, "beta"),
            ({"ridge": -1.0}, "ridge"),
            ({"weights": "pmi"}, "weights"),
            ({"level": 1.0}, "level"),
        ],
    )
    def test_parameters(self, rows, params, message):
        with pytest.raises(ValueError, match=f"The '{message}' parameter of CanonicalBottleneck"):
            CanonicalBottleneck(**params).fit(rows[0])

    def test_data(self, rows):
        X, _ = rows
        nan = X["audio"].copy()
        nan[3, 1] = np.nan
        for data, error, message in (
            ({"a": X["audio"]}, ValueError, "at least two modalities"),
            ({"a": nan, "b": X["image"]}, ValueError, "modality 'a' contains NaN .first at row 3"),
            ({"a": X["audio"][:9], "b": X["image"]}, ValueError, "rows"),
            ({"a": X["audio"][:1], "b": X["image"][:1]}, ValueError, "at least 2 are needed"),
            ({"a": 0 * X["audio"] + 3, "b": X["image"]}, ValueError, "modality 'a' does not vary"),
            (X["audio"], ValueError, "requires y to be passed"),
        ):
            with pytest.raises(error, match=message):
                CanonicalBottleneck().fit(data)

    def test_a_failed_fit_keeps_the_model(self, rows, fitted):
        model = pickle.loads(pickle.dumps(fitted))
        for call in (model.fit, model.partial_fit):
            with pytest.raises(ValueError, match="contains infinity"):
                call({name: np.where(Z > 1, np.inf, Z) for name, Z in rows[0].items()})
        np.testing.assert_array_equal(model.transform(rows[0]), fitted.transform(rows[0]))
        assert model.n_samples_ == N

    def test_nothing_shared(self):
        X, Y = np.random.default_rng(0).standard_normal((2, 100, 3))
        with pytest.warns(NothingSharedWarning, match="no direction satisfies beta=0.5"):
            model = CanonicalBottleneck(beta=0.5).fit(X, Y)
        assert model.n_components_ == 1
        assert np.isfinite(model.transform(X)).all()

    def test_prediction(self, rows, fitted):
        X, _ = rows
        with pytest.raises(ValueError, match="modality= is needed"):
            fitted.predict(X)
        with pytest.raises(ValueError, match=r"unknown modality 'imag'.*Did you mean 'image'"):
            fitted.predict(X, "imag")
        with pytest.raises(ValueError, match="X must have another modality"):
            fitted.predict({"audio": X["audio"]}, "audio")
        assert not hasattr(CanonicalBottleneck(modalities=CUT), "predict")

    def test_the_permutation_test(self, rows, fitted):
        with pytest.raises(ValueError, match="n_permutations must be an integer >= 1, got 0"):
            fitted.permutation_test(rows[0], n_permutations=0)
        with pytest.raises(ValueError, match="missing modality 'image'"):
            fitted.permutation_test({"audio": rows[0]["audio"]})

    def test_export_of_an_unknown_modality(self, fitted, tmp_path):
        with pytest.raises(ValueError, match="unknown modality"):
            export_encoder(fitted, "text", tmp_path / "text.onnx")


@pytest.mark.parametrize("shape", [(0, 0, 0), (5, 0, 3)])
def test_rows_without_values(shape):
    with pytest.raises(ValueError, match=r"has 0 feature\(s\)"):
        CanonicalBottleneck().fit({"a": np.empty(shape), "b": np.empty(shape)})
