"""The encoder of one modality: trained with all, used alone."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from mibsk import ClassPairs, IBAligner, ModalityEncoder

from .common import CUT, Items

LABELS = np.arange(48) % 2


class TestTrained:
    """`fit` trains on all modalities."""

    def test_equals_the_aligner_trained_alike(self, views, quick):
        encoder = ModalityEncoder(quick(), "image").fit(views)
        expected = quick().fit(views).embed(views)["image"]
        for rows in (views, {"image": views["image"]}, views["image"], Items(views)):
            np.testing.assert_array_equal(encoder.transform(rows), expected)

    def test_the_aligner_that_was_passed_stays_unfitted(self, views, quick):
        encoder = ModalityEncoder(aligner := quick(), "image").fit(views)
        assert not aligner.__sklearn_is_fitted__()
        assert encoder.aligner is aligner
        assert encoder.aligner_.__sklearn_is_fitted__()
        assert not clone(encoder).__sklearn_is_fitted__()

    def test_one_table(self, table, quick):
        """`transform` takes the whole table, as a pipeline hands it on, or a mapping."""
        encoder = ModalityEncoder(quick(CUT), "image").fit(table)
        expected = quick(CUT).fit(table).embed(table)["image"]
        np.testing.assert_array_equal(encoder.transform(table), expected)
        np.testing.assert_array_equal(encoder.transform({"image": table[:, 5:]}), expected)
        with pytest.raises(ValueError, match="X has 4 features, but IBAligner is expecting 9"):
            encoder.transform(table[:, 5:])

    def test_one_table_whose_other_columns_are_unknown(self, table, quick):
        encoder = ModalityEncoder(quick(CUT), "image").fit(table)
        alone = table.copy()
        alone[:, :5] = np.nan
        np.testing.assert_array_equal(encoder.transform(alone), encoder.transform(table))

    @pytest.mark.parametrize("modality", ["x", "y"])
    def test_two_tables(self, views, quick, modality):
        X, Y = views["audio"], views["image"]
        encoder = ModalityEncoder(quick(), modality)
        embedded = encoder.fit_transform(X, Y)
        expected = quick().fit(X, Y).embed(X, Y)[modality]
        np.testing.assert_array_equal(embedded, expected)
        np.testing.assert_array_equal(encoder.transform({"x": X, "y": Y}[modality]), expected)

    @pytest.mark.parametrize("target", [LABELS, np.linspace(0, 1, 48)], ids=["labels", "numbers"])
    def test_second_modality_of_one_dimension(self, views, quick, target):
        encoder = ModalityEncoder(quick(), "y").fit(views["audio"], target)
        expected = quick().fit(views["audio"], target).embed(views["audio"], target)["y"]
        np.testing.assert_array_equal(encoder.transform(target), expected)

    def test_class_pairs(self, quick):
        """A row per anchor, so that the labels of the pairs are those of a later step."""
        rng = np.random.default_rng(0)
        pairs = ClassPairs(
            {
                name: (rng.normal(size=(n, 3)) + (y := np.arange(n) % 2)[:, None], y)
                for name, n in (("anchor", 40), ("partner", 60))
            },
            anchor="anchor",
            random_state=0,
        )
        for name in ("anchor", "partner"):
            pipeline = make_pipeline(ModalityEncoder(quick(), name), LogisticRegression())
            assert len(pipeline.fit(pairs, pairs.labels).predict(pairs)) == 40

    def test_in_a_pipeline_and_a_search(self, views, quick):
        pipeline = make_pipeline(ModalityEncoder(quick(), "image"), LogisticRegression())
        pipeline.fit(views, LABELS)
        assert pipeline.predict({"image": views["image"][:5]}).shape == (5,)
        search = GridSearchCV(
            pipeline,
            {"modalityencoder__aligner__beta": [0.0, 1.0]},
            cv=2,
            error_score="raise",
        ).fit(views, LABELS)
        found = search.best_estimator_[0].aligner_
        assert found.beta == search.best_params_["modalityencoder__aligner__beta"]

    def test_a_step_before_it(self, table, quick):
        pipeline = make_pipeline(
            StandardScaler(), ModalityEncoder(quick(CUT), "image"), LogisticRegression()
        )
        assert pipeline.fit(table, LABELS).predict(table).shape == (48,)

    def test_a_failed_fit_keeps_what_was_trained(self, views, quick):
        encoder = ModalityEncoder(quick(), "image").fit(views)
        before = encoder.transform(views)
        image = views["image"].copy()
        image[:, 1] = np.nan
        with pytest.raises(ValueError, match="NaN"):
            encoder.fit({"audio": views["audio"], "image": image})
        np.testing.assert_array_equal(encoder.transform(views), before)


class TestFrozen:
    """`aligner.encoder(name)`: trained already, and left so."""

    def test_equals_embed(self, views, quick):
        aligner = quick().fit(views)
        encoder = aligner.encoder("image")
        assert encoder.aligner_ is aligner
        np.testing.assert_array_equal(
            encoder.transform(views["image"]), aligner.embed(views)["image"]
        )

    def test_of_columns_of_a_table(self, table, quick):
        """The rows of the modality alone."""
        aligner = quick(CUT).fit(table)
        encoder = aligner.encoder("image")
        expected = aligner.embed(table)["image"]
        np.testing.assert_array_equal(encoder.transform(table[:, 5:]), expected)
        np.testing.assert_array_equal(encoder.fit(table).transform(table[:, 5:]), expected)
        with pytest.raises(ValueError, match="X has 9 features, but ModalityEncoder is expecting"):
            encoder.transform(table)

    def test_of_two_tables(self, views, quick):
        X, Y = views["audio"], views["image"]
        aligner = quick().fit(X, Y)
        for name, rows, z in zip("xy", (X, Y), aligner.transform(X, Y), strict=True):
            np.testing.assert_array_equal(aligner.encoder(name).transform(rows), z)

    @pytest.mark.parametrize(
        "copied",
        [clone, copy.deepcopy, lambda encoder: pickle.loads(pickle.dumps(encoder))],
        ids=["clone", "deepcopy", "pickle"],
    )
    def test_a_copy_needs_no_fit_and_fit_trains_nothing(self, views, quick, copied):
        encoder = quick().fit(views).encoder("audio")
        expected = encoder.transform(views["audio"])
        other = copied(encoder)
        check_is_fitted(other)
        np.testing.assert_array_equal(other.transform(views["audio"]), expected)
        np.testing.assert_array_equal(
            other.fit(views["audio"] * 7, LABELS).transform(views["audio"]), expected
        )

    def test_in_cross_validation(self, views, quick):
        pipeline = make_pipeline(quick().fit(views).encoder("audio"), LogisticRegression())
        scores = cross_val_score(pipeline, views["audio"], LABELS, cv=3, error_score="raise")
        assert np.isfinite(scores).all()

    def test_spelt_out(self, views, quick):
        aligner = quick().fit(views)
        encoder = ModalityEncoder(FrozenEstimator(aligner), "audio")
        np.testing.assert_array_equal(
            encoder.transform(views["audio"]), aligner.encoder("audio").transform(views["audio"])
        )
        assert encoder.get_params()["aligner__estimator"] is aligner


class TestColumns:
    """What scikit-learn asks about the columns of the input and the output."""

    def test_of_rows(self, views, quick):
        frames = {name: pd.DataFrame(rows).add_prefix(name) for name, rows in views.items()}
        trained = ModalityEncoder(quick(), "audio").fit(frames)
        for encoder in (trained, trained.aligner_.encoder("audio")):
            assert encoder.n_features_in_ == 5
            assert list(encoder.feature_names_in_) == list(frames["audio"])
            assert list(encoder.get_feature_names_out()) == [
                f"modalityencoder{i}" for i in range(4)
            ]
            shuffled = frames["audio"].iloc[:, ::-1]
            np.testing.assert_array_equal(
                encoder.transform(shuffled), encoder.transform(frames["audio"])
            )
            with pytest.warns(UserWarning, match="X does not have valid feature names"):
                encoder.transform(frames["audio"].to_numpy())

    def test_of_a_table(self, table, quick):
        frame = pd.DataFrame(table).add_prefix("c")
        encoder = ModalityEncoder(quick(CUT), "audio").fit(frame)
        assert encoder.n_features_in_ == 9
        assert list(encoder.feature_names_in_) == list(frame)
        frozen = encoder.aligner_.encoder("audio")
        assert (frozen.n_features_in_, hasattr(frozen, "feature_names_in_")) == (5, True)

    def test_of_rows_without_columns(self, quick):
        rng = np.random.default_rng(0)
        rows = {
            "image": rng.integers(256, size=(20, 8, 8), dtype=np.uint8),
            "text": [f"text {i}" for i in range(20)],
        }
        aligner = quick(encoders={"image": "mlp"}).fit(rows)
        for name in rows:
            encoder = aligner.encoder(name)
            assert not hasattr(encoder, "n_features_in_")
            assert not hasattr(encoder, "feature_names_in_")
            assert encoder.transform(rows[name]).shape == (20, 4)

    def test_not_fitted(self, quick):
        encoder = ModalityEncoder(quick(), "audio")
        for learned in ("aligner_", "input_", "n_features_in_", "feature_names_in_"):
            assert not hasattr(encoder, learned)

    def test_tags(self, views, quick):
        tags = ModalityEncoder(quick(), "x").__sklearn_tags__()
        assert tags.input_tags.sparse
        assert tags.target_tags.required
        assert not ModalityEncoder(quick(CUT), "image").__sklearn_tags__().target_tags.required
        tags = quick().fit(views).encoder("audio").__sklearn_tags__()
        assert not tags.target_tags.required
        assert not tags._skip_test


class TestBadInput:
    def test_unknown_modality_is_found_before_training(self, views, table, quick, monkeypatch):
        def fit(self, X, y=None):
            raise AssertionError("trained")

        monkeypatch.setattr(IBAligner, "fit", fit)
        for data, aligner in (((views,), quick()), ((table,), quick(CUT))):
            with pytest.raises(ValueError, match=r"unknown modality 'imge'.*Did you mean 'image'"):
                ModalityEncoder(aligner, "imge").fit(*data)
        with pytest.raises(ValueError, match="unknown modality 'audio'; the data have"):
            ModalityEncoder(quick(), "audio").fit(views["audio"], views["image"])

    def test_unknown_modality_of_a_trained_aligner(self, views, quick):
        aligner = quick().fit(views)
        with pytest.raises(ValueError, match=r"unknown modality 'imge'.*Did you mean 'image'"):
            aligner.encoder("imge")
        frozen = ModalityEncoder(FrozenEstimator(aligner), "imge")
        for call in (frozen.fit, frozen.transform):
            with pytest.raises(ValueError, match="unknown modality 'imge'"):
                call(views)
        assert not hasattr(frozen, "n_features_in_")

    def test_mapping_without_the_modality(self, views, quick):
        encoder = ModalityEncoder(quick(), "image").fit(views)
        with pytest.raises(ValueError, match=r"missing modality 'image'; got \['imag'\]\. Did you"):
            encoder.transform({"imag": views["image"]})
        with pytest.raises(ValueError, match="missing modality 'image'"):
            encoder.transform(Items({"audio": views["audio"]}))

    def test_rows_of_another_shape(self, views, quick):
        encoder = quick().fit(views).encoder("image")
        with pytest.raises(
            ValueError, match="X has 3 features, but ModalityEncoder is expecting 4"
        ):
            encoder.transform(views["image"][:, :3])
        with pytest.raises(ValueError, match=r"'image' has rows of 4 columns.*Reshape your data"):
            encoder.transform(views["image"][0])
        repeated = pd.DataFrame(views["image"], columns=list("aabb"))
        with pytest.raises(ValueError, match=r"names of a table must be unique, got \['a', 'b'\]"):
            encoder.transform(repeated)
        with pytest.raises(TypeError, match="'image' was fitted on numbers, got strings"):
            encoder.transform(["a", "b"])
        with pytest.raises(TypeError, match="'image' must be an array"):
            encoder.transform(7)

    def test_not_fitted(self, views, quick):
        for aligner in (quick(), FrozenEstimator(quick())):
            encoder = ModalityEncoder(aligner, "audio")
            with pytest.raises(NotFittedError):
                encoder.transform(views["audio"])
            with pytest.raises(NotFittedError):
                encoder.get_feature_names_out()
        with pytest.raises(NotFittedError):
            encoder.fit(views)

    @pytest.mark.parametrize("aligner", [StandardScaler(), None, "audio"])
    def test_what_is_not_an_aligner(self, views, aligner):
        with pytest.raises((ValueError, TypeError), match="'aligner' parameter of ModalityEncoder"):
            ModalityEncoder(aligner, "audio").fit(views)

    def test_a_class(self, views):
        with pytest.raises(
            TypeError, match="instance of scikit-learn estimator instead of a class"
        ):
            ModalityEncoder(IBAligner, "audio").fit(views)


def test_layers_that_a_program_has_set_to_training_embed_in_evaluation_mode(views, quick):
    aligner = quick(encoders="mlp").fit(views)
    expected = aligner.embed(views)["image"]
    for part in aligner.module_.encoder("image").modules():
        if not list(part.children()):
            part.train()
    np.testing.assert_array_equal(aligner.encoder("image").transform(views["image"]), expected)
