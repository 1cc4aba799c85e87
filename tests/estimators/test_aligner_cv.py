"""An aligner with beta chosen by cross-validation along a path."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, KFold, LeaveOneOut, ShuffleSplit, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mibsk import ClassPairs, IBAligner, IBAlignerCV, Modalities, ModalityEncoder
from mibsk.encoders import MLP
from mibsk.exceptions import DivergenceError
from mibsk.metrics import get_scorer, recall_at_k
from mibsk.onnx import export_encoder

from .common import CUT, Items

BETAS = (0.0, 0.5, 4.0)
SMALL = MLP((8,))
LABELS = np.arange(48) % 2


class Planned:
    """A scorer that returns planned scores for each beta, fold by fold."""

    def __init__(self, table):
        self.table = {beta: iter(scores) for beta, scores in table.items()}

    def __call__(self, aligner, X, y=None):
        return next(self.table[aligner.beta])


@pytest.fixture(scope="module")
def search(quick):
    """Return a function that makes a quick search."""

    def make(aligner=None, **params):
        aligner = quick(encoders=SMALL) if aligner is None else aligner
        return IBAlignerCV(aligner, **{"betas": BETAS, "cv": 3, "path_epochs": 1, **params})

    return make


@pytest.fixture(scope="module")
def found(views, search):
    """A search fitted on the two views, for tests that only read it."""
    return search().fit(views)


@pytest.fixture
def class_pairs():
    """Forty anchors of two classes, all of the first before all of the second."""
    rng = np.random.default_rng(0)
    rows = {}
    for name, n in (("anchor", 40), ("partner", 60)):
        classes = np.arange(n) // (n // 2)
        rows[name] = (rng.normal(size=(n, 3)) + classes[:, None], classes)
    return ClassPairs(rows, anchor="anchor", random_state=0)


def by_hand(aligner, betas, X, y=None):
    """Train along the betas with the public interface alone."""
    for i, beta in enumerate(betas):
        epochs = {"max_epochs": 1, "warm_start": True} if i else {}
        yield aligner.set_params(beta=beta, **epochs).fit(X, y)


class TestPath:
    def test_scores_by_hand(self, views, quick, found):
        """Of held-out rows, which the models have not seen."""
        for fold, (train, test) in enumerate(KFold(3).split(np.zeros(48))):
            for i, aligner in enumerate(by_hand(quick(encoders=SMALL), BETAS, views[train])):
                assert found.scores_[i, fold] == aligner.score(views[test])
                row = found.path_.query("fold == @fold and beta == @BETAS[@i]").iloc[0]
                last = aligner.history_[-1]
                assert row["divergence"] == last["train_divergence"]
                assert row["temperature"] == aligner.temperature_
                assert row["n_iter"] == aligner.n_iter_ == 2 + i

    def test_held_out_rows_change_nothing_in_training(self, views, search, found):
        """Scores of the first fold stay, whatever the rows of the second are to it."""
        other = {name: rows.copy() for name, rows in views.items()}
        other["image"][:16] *= -3
        first, second = (fitted.path_.query("fold == 0") for fitted in (found, search().fit(other)))
        for quantity in ("sufficiency", "divergence", "temperature", "modality_gap"):
            np.testing.assert_array_equal(first[quantity], second[quantity])
        assert (first["score"] != second["score"]).any()

    def test_refit_walks_the_same_path_on_all_rows(self, views, quick, search):
        plan = {0.0: [0.5, 0.25, 0.5], 0.5: [0.5, 0.75, 1.0], 4.0: [0.0, 0.0, 0.0]}
        found = search(quick(), scoring=Planned(plan)).fit(views)
        assert (found.beta_, found.aligner_.n_iter_, found.n_iter_) == (0.5, 3, 3)
        *_, expected = by_hand(quick(), BETAS[:2], views)
        np.testing.assert_array_equal(found.transform(views), expected.transform(views))
        own = found.aligner_.get_params()
        assert own == quick(beta=0.5).get_params()

    def test_table_of_the_path(self, found):
        columns = ["beta", "fold", "score", "n_iter"]
        columns += ["sufficiency", "divergence", "modality_gap", "temperature"]
        assert list(found.path_.columns) == columns
        scores = found.path_.pivot(index="beta", columns="fold", values="score")
        np.testing.assert_array_equal(scores, found.scores_)
        np.testing.assert_array_equal(scores.index, found.betas_)
        assert np.isfinite(found.path_).all(axis=None)
        last = found.path_.groupby("beta")["divergence"].mean()
        assert last[4.0] < last[0.0], "beta changed nothing"

    def test_path_epochs(self, views, quick, search):
        aligner = quick(max_epochs=9)
        for given, expected in ((None, [9, 12]), (2, [9, 11])):
            found = search(aligner, betas=[0, 1], path_epochs=given).fit(views)
            assert found.path_["n_iter"].tolist() == expected * 3

    @pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
    def test_bit_for_bit(self, views, search, found, n_jobs):
        other = search(n_jobs=n_jobs).fit(views)
        pd.testing.assert_frame_equal(other.path_, found.path_, check_exact=True)
        np.testing.assert_array_equal(other.transform(views), found.transform(views))

    def test_what_was_passed_stays_as_it_is(self, views, quick, search):
        aligner = quick(beta=0.7, random_state=np.random.RandomState(3))
        state = aligner.random_state.get_state()[1].copy()
        search(aligner).fit(views)
        assert not aligner.__sklearn_is_fitted__()
        assert (aligner.beta, aligner.warm_start, aligner.max_epochs) == (0.7, False, 2)
        np.testing.assert_array_equal(aligner.random_state.get_state()[1], state)

    def test_early_stopping_checkpoints_and_a_warm_start_of_the_prototype(
        self, views, quick, search, tmp_path
    ):
        params = {"early_stopping": True, "warm_start": True, "checkpoint": tmp_path}
        first, again = (search(quick(**params)).fit(views) for _ in range(2))
        pd.testing.assert_frame_equal(again.path_, first.path_, check_exact=True)

    def test_a_line_per_fold_and_beta(self, views, search, capsys):
        search(verbose=1).fit(views)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 9
        assert lines[4].startswith("fold 1  beta 0.5    score 0.")
        search().fit(views)
        assert capsys.readouterr().out == ""


class TestRule:
    PLAN = {0.0: [0.5, 0.75, 1.0], 0.5: [0.625, 0.75, 1.0], 4.0: [0.5, 0.875, 0.9375]}  # noqa: RUF012

    @pytest.mark.parametrize(("rule", "beta"), [("one-standard-error", 4.0), ("best", 0.5)])
    def test_the_chosen_beta(self, views, search, rule, beta):
        found = search(rule=rule, scoring=Planned(self.PLAN)).fit(views)
        assert (found.beta_, found.best_beta_) == (beta, 0.5)
        np.testing.assert_array_equal(found.scores_, list(self.PLAN.values()))
        differences = found.scores_[1] - found.scores_
        expected = differences.std(axis=1, ddof=1) / np.sqrt(3)
        np.testing.assert_allclose(found.standard_error_, expected)

    def test_a_single_fold(self, views, search):
        cv = ShuffleSplit(1, random_state=0)
        found = search(rule="best", cv=cv).fit(views)
        assert found.scores_.shape == (3, 1)
        assert np.isnan(found.standard_error_).all()
        with pytest.raises(ValueError, match=r"needs at least 2 folds, cv=.* makes 1"):
            search(cv=cv).fit(views)


class TestForms:
    """What `IBAligner` takes, with rows chosen as `GridSearchCV` chooses them."""

    def test_all_forms_of_the_same_pairs(self, views, table, quick, search, found):
        frame = pd.DataFrame(table).add_prefix("c")
        for modalities, data in (
            (None, (dict(views),)),
            (None, (Items(views),)),
            (CUT, (table,)),
            (CUT, (frame,)),
            (None, (views["audio"], views["image"])),
            (None, (views["audio"].tolist(), pd.DataFrame(views["image"]))),
        ):
            other = search(quick(modalities, encoders=SMALL)).fit(*data)
            np.testing.assert_allclose(other.scores_, found.scores_, atol=1e-12)
            assert other.score(*data) == pytest.approx(found.score(views))

    def test_pairs_by_class_are_stratified(self, class_pairs, search):
        """Folds of rows in order would leave a class out."""
        aligner = search().aligner
        found = search(aligner, cv=4).fit(class_pairs)
        explicit = search(aligner, cv=StratifiedKFold(4)).fit(class_pairs, class_pairs.labels)
        np.testing.assert_array_equal(found.scores_, explicit.scores_)
        assert 0 <= found.score(class_pairs) <= 1

    def test_second_table_of_class_labels(self, views, search):
        in_order = np.sort(LABELS)
        found = search().fit(views["audio"], in_order)
        explicit = search(cv=StratifiedKFold(3)).fit(views["audio"], in_order)
        np.testing.assert_array_equal(found.scores_, explicit.scores_)

    def test_groups_are_held_out_together(self, views, search):
        groups = np.repeat(np.arange(6), 8)
        found = search(cv=GroupKFold(3)).fit(views, groups=groups)
        explicit = search(cv=GroupKFold(3).split(np.zeros(48), groups=groups)).fit(views)
        np.testing.assert_array_equal(found.scores_, explicit.scores_)
        with pytest.raises(ValueError, match="'groups' parameter"):
            search(cv=GroupKFold(3)).fit(views)

    def test_a_stream_has_no_rows_to_choose(self, views, search):
        class Stream(torch.utils.data.IterableDataset):
            def __iter__(self):
                return iter(Items(views))

        with pytest.raises(TypeError, match="IterableDataset does not support"):
            search().fit(Stream())


class TestScoring:
    def test_by_name(self, views, search):
        named, passed = (
            search(scoring=scoring).fit(views)
            for scoring in ("neg_modality_gap", get_scorer("neg_modality_gap"))
        )
        np.testing.assert_array_equal(named.scores_, passed.scores_)
        assert named.scores_.max() < 0
        assert named.score(views) == get_scorer("neg_modality_gap")(named.aligner_, views)

    def test_the_default_is_that_of_an_aligner(self, views, search, found):
        default, named = found, search(scoring="recall_at_1").fit(views)
        np.testing.assert_array_equal(default.scores_, named.scores_)
        weights = np.arange(48.0)
        expected = default.aligner_.score(views, sample_weight=weights)
        assert default.score(views, sample_weight=weights) == expected

    def test_labels_of_the_held_out_rows(self, views, search, found):
        def same_label(aligner, X, y):
            z, w = aligner.embed(X).values()
            return recall_at_k(z, w, labels=(y, y))

        by_label = search(scoring=same_label).fit(views, LABELS)
        assert (by_label.scores_ > found.scores_).all()

    @pytest.mark.parametrize("score", [np.nan, np.inf])
    def test_a_score_that_is_not_finite(self, views, search, score):
        plan = {beta: [0.5, score, 0.5] for beta in BETAS}
        with pytest.raises(ValueError, match=rf"for beta=0 on fold 1 it returned {score}"):
            search(scoring=Planned(plan)).fit(views)

    @pytest.mark.parametrize("score", [None, {"a": 1.0}, "good", np.ones(2)])
    def test_a_score_that_is_not_a_number(self, views, search, score):
        with pytest.raises(TypeError, match="must return one number"):
            search(scoring=lambda aligner, X, y: score).fit(views)

    def test_an_unknown_name(self, views, search):
        with pytest.raises(ValueError, match="Did you mean 'recall_at_1'"):
            search(scoring="recall@1").fit(views)


class TestFitted:
    """After `fit` it is what its aligner is."""

    def test_embeds(self, views, found):
        aligner = found.aligner_
        np.testing.assert_array_equal(found.transform(views), aligner.transform(views))
        np.testing.assert_array_equal(
            found.embed(views)["image"], aligner.embed({"image": views["image"]})["image"]
        )
        np.testing.assert_array_equal(
            found.encoder("image").transform(views["image"]), aligner.embed(views)["image"]
        )
        assert list(found.get_feature_names_out()) == list(aligner.get_feature_names_out())
        assert found.modality_names_ == ["audio", "image"]
        assert found.temperature_ == aligner.temperature_
        assert found.history_ == aligner.history_

    def test_fit_transform(self, views, search):
        X, Y = views["audio"], views["image"]
        pair = search().fit_transform(X, Y)
        for z, w in zip(pair, search().fit(X, Y).transform(X, Y), strict=True):
            np.testing.assert_array_equal(z, w)
        assert search().fit_transform(X, LABELS).shape == (48, 4)

    @pytest.mark.parametrize(
        "copied",
        [copy.deepcopy, lambda found: pickle.loads(pickle.dumps(found))],
        ids=["deepcopy", "pickle"],
    )
    def test_copies(self, views, found, copied):
        other = copied(found)
        np.testing.assert_array_equal(other.transform(views), found.transform(views))
        pd.testing.assert_frame_equal(other.path_, found.path_)
        assert other.beta_ == found.beta_

    def test_in_a_pipeline(self, table, quick, search):
        frame = pd.DataFrame(table).add_prefix("c")
        steps = (
            StandardScaler().set_output(transform="pandas"),
            search(quick(CUT)).set_output(transform="pandas"),
            LogisticRegression(),
        )
        pipeline = make_pipeline(*steps).fit(frame, LABELS)
        assert pipeline.predict(frame).shape == (48,)
        found = pipeline[1]
        assert list(found.feature_names_in_) == list(frame)
        assert found.n_features_in_ == 9
        embedded = pipeline[:2].transform(frame)
        assert list(embedded) == [f"{name}_{i}" for name in CUT for i in range(4)]

    def test_inside_the_encoder_of_one_modality(self, table, quick, search):
        """In a pipeline that predicts from one modality."""
        encoder = ModalityEncoder(search(quick(CUT)), "image")
        pipeline = make_pipeline(encoder, LogisticRegression()).fit(table, LABELS)
        expected = search(quick(CUT)).fit(table, LABELS).embed(table)["image"]
        np.testing.assert_array_equal(pipeline[0].transform(table), expected)
        np.testing.assert_array_equal(
            pipeline.predict({"image": table[:, 5:]}), pipeline.predict(table)
        )

    @pytest.mark.slow
    def test_onnx(self, found, tmp_path):
        export_encoder(found, "image", tmp_path / "image.onnx")

    def test_nested_parameters(self, views, quick, search):
        aligner = quick(encoders={"audio": MLP(hidden=(8,))})
        made = clone(search(aligner)).set_params(
            aligner__n_components=3, aligner__encoders__audio__hidden=(6,)
        )
        assert aligner.n_components == 4
        assert made.fit(views).embed(views)["audio"].shape == (48, 3)
        assert made.get_params()["aligner__encoders__audio__hidden"] == (6,)
        assert IBAlignerCV().get_params()["aligner"] is None

    def test_default_aligner(self, views):
        found = IBAlignerCV(betas=[0.0, 1.0], cv=2).fit(views)
        assert found.aligner_.get_params() == IBAligner(beta=found.beta_).get_params()

    def test_not_fitted(self, views, search):
        for name in ("transform", "embed", "score", "encoder", "get_feature_names_out"):
            with pytest.raises(NotFittedError):
                getattr(search(), name)(views)
        assert not hasattr(search(), "n_features_in_")
        assert not hasattr(search(), "beta_")


class TestBadInput:
    @pytest.mark.parametrize(
        ("betas", "message"),
        [
            ([], "at least one number"),
            (3.0, "'betas' parameter"),
            ("auto", "'betas' parameter|at least one number"),
            (np.zeros((1, 2)), "at least one number"),
            ([0.0, -1.0], r"betas\[1\] must be a finite number >= 0, got -1"),
            ([0.0, np.nan], r"betas\[1\] must be a finite number"),
            ([0.0, np.inf], r"betas\[1\] must be a finite number"),
            ([1.0, 0.0], r"must be strictly ascending.*Pass \[0\.0, 1\.0\]"),
            ([0.0, 1.0, 1], r"must be strictly ascending"),
        ],
    )
    def test_betas(self, views, search, betas, message):
        with pytest.raises(ValueError, match=message):
            search(betas=betas).fit(views)

    @pytest.mark.parametrize("beta", ["1", True, None])
    def test_betas_that_are_not_numbers(self, views, search, beta):
        with pytest.raises(TypeError, match=r"betas\[1\] must be a finite number"):
            search(betas=[0.0, beta]).fit(views)

    @pytest.mark.parametrize(
        ("cv", "message"),
        [
            (49, "n_splits=49 greater than the number of samples"),
            (LeaveOneOut(), r"fold 0 trains on 47 row\(s\) and scores 1,"),
            ([([0], np.arange(1, 48))] * 2, r"trains on 1 row\(s\) and scores 47"),
            (1, "'cv' parameter"),
            ("many", "'cv' parameter"),
        ],
    )
    def test_cv(self, views, search, cv, message):
        with pytest.raises(ValueError, match=message):
            search(cv=cv).fit(views)

    @pytest.mark.parametrize(
        "params",
        [
            {"rule": "largest"},
            {"path_epochs": 0},
            {"path_epochs": 1.5},
            {"scoring": 3},
            {"aligner": make_pipeline(IBAligner())},
            {"aligner": IBAligner},
            {"n_jobs": 0.5},
        ],
    )
    def test_parameters(self, views, search, params):
        (name,) = params
        with pytest.raises((ValueError, TypeError), match=f"'{name}' parameter of IBAlignerCV"):
            search().set_params(**params).fit(views)

    def test_parameters_of_the_aligner(self, views, quick, search):
        with pytest.raises(ValueError, match="'lr' parameter of IBAligner"):
            search(quick(lr=-1)).fit(views)

    @pytest.mark.parametrize("row", [0, 47])
    def test_a_row_that_is_not_finite_is_found_before_training(
        self, views, search, row, monkeypatch
    ):
        def fit(self, X, y=None):
            raise AssertionError("trained")

        image = views["image"].copy()
        image[row, 1] = np.nan
        monkeypatch.setattr(IBAligner, "fit", fit)
        with pytest.raises(ValueError, match=rf"'image' contains NaN \(first at row {row}"):
            search().fit({"audio": views["audio"], "image": image})

    def test_data_in_no_form(self, views, search):
        with pytest.raises(ValueError, match="requires y to be passed"):
            search().fit(views["audio"])
        with pytest.raises(TypeError, match="expected a table, or a mapping"):
            search().fit(7)
        with pytest.raises(ValueError, match="at least two modalities"):
            search().fit({"audio": views["audio"]})
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            search().fit(views, LABELS[:20])

    def test_a_failed_fit_keeps_what_was_trained(self, views, search):
        found = search().fit(views)
        before, beta = found.transform(views), found.beta_
        with pytest.raises(
            ValueError, match=r"48 of 48 rows lack every modality: 0, 1, 2, 3, 4, \.\.\."
        ):
            found.fit(Modalities({name: rows * np.nan for name, rows in views.items()}))
        plan = {0.0: [0.5, 0.5, 0.5], 0.5: [0.5, 0.5, np.nan], 4.0: [0.5, 0.5, 0.5]}
        with pytest.raises(ValueError, match="it returned nan"):
            found.set_params(scoring=Planned(plan)).fit(views)
        np.testing.assert_array_equal(found.transform(views), before)
        assert found.beta_ == beta

    def test_training_that_diverges(self, views, quick, search):
        with pytest.raises(DivergenceError):
            search(quick(lr=1e20, optimizer="SGD")).fit(views)
