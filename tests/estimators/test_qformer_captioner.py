"""Captions and embeddings of pictures by an estimator."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch.callbacks import Callback

from mibsk import IBAligner, QFormerCaptioner
from mibsk.exceptions import TornFileError

pytestmark = [
    pytest.mark.filterwarnings("ignore::mibsk.exceptions.DuplicateRowsWarning"),
    pytest.mark.filterwarnings("ignore::mibsk.exceptions.LargeGroupsWarning"),
]

COLOURS, THINGS = ("red", "green", "blue"), ("cat", "dog", "boat", "tree")
KINDS = np.array([(c, t) for c in range(3) for t in range(4)] * 8)
NEW = np.array([(c, t) for c in range(3) for t in range(4)])


def pictures(kinds, seed=0):
    """Features of 3 patches: one shows the colour, one the thing, one nothing that is told."""
    features = np.random.default_rng(seed).normal(scale=0.1, size=(len(kinds), 3, 8))
    rows = np.arange(len(kinds))
    features[rows, 0, kinds[:, 0]] += 1
    features[rows, 1, 3 + kinds[:, 1]] += 1
    return features.astype(np.float32)


def texts(kinds):
    return [[f"a {COLOURS[c]} {THINGS[t]}", f"one {THINGS[t]} in {COLOURS[c]}"] for c, t in kinds]


X, Y = pictures(KINDS), texts(KINDS)
SMALL = {
    "n_queries": 4,
    "width": 64,
    "n_layers": 2,
    "n_heads": 2,
    "n_components": 8,
    "batch_size": 32,
    "max_epochs": 2,
    "dropout": 0.0,
    "random_state": 0,
}


def fitted(**params):
    return QFormerCaptioner(**SMALL | params).fit(X, Y)


@pytest.fixture(scope="module")
def trained():
    return fitted(max_epochs=60, matching=0.5)


def test_it_learns_to_say_what_it_sees(trained):
    said = trained.predict(pictures(NEW, seed=1))
    assert said.dtype == object
    right = [a in b for a, b in zip(said, texts(NEW), strict=True)]
    assert np.mean(right) >= 0.8  # 1/24 by chance
    assert trained.aligner_.loss_terms_ == ["sufficiency", "minimality", "captioning", "matching"]


def test_pictures_and_captions_share_a_space(trained):
    captions = [first for first, _ in texts(NEW)]
    Z, W = trained.transform(pictures(NEW, seed=1), captions)
    assert Z.shape == W.shape == (12, trained.n_components_)
    np.testing.assert_allclose(np.linalg.norm(np.r_[Z, W], axis=1), 1, rtol=1e-5)
    assert np.mean((Z @ W.T).argmax(1) == np.arange(12)) >= 0.8
    np.testing.assert_array_equal(trained.embed({"caption": captions})["caption"], W)
    assert list(trained.get_feature_names_out()[:1]) == ["qformercaptioner0"]


def test_the_score_is_cider_of_the_predictions(trained):
    new = pictures(NEW, seed=1)
    good, shuffled = trained.score(new, texts(NEW)), trained.score(new, texts(NEW[::-1]))
    assert good > 2 * shuffled


def test_a_refit_is_the_same_bit_for_bit():
    a, b = fitted(dropout=0.1), clone(fitted(dropout=0.1)).fit(X, Y)
    np.testing.assert_array_equal(a.transform(X), b.transform(X))
    assert list(a.predict(X)) == list(b.predict(X))


def test_drawn_captions_are_those_of_the_seed(trained):
    new = pictures(NEW, seed=1)
    a = trained.generate(new, sample=True, temperature=2.0, random_state=3)
    assert a == trained.generate(new, sample=True, temperature=2.0, random_state=3)
    assert a != trained.generate(new, sample=True, temperature=2.0, random_state=4)
    greedy, scores = trained.generate(new, n_beams=1, return_scores=True)
    cold, cold_scores = trained.generate(
        new, sample=True, temperature=1e-4, random_state=0, return_scores=True
    )
    assert cold == greedy
    np.testing.assert_allclose(scores, cold_scores, rtol=1e-4)


def test_captions_do_not_depend_on_the_pictures_beside():
    captioner = fitted()
    many = pictures(np.repeat(NEW, 12, axis=0), seed=2)  # more than are described together
    said = captioner.generate(many)
    assert len(said) == 144
    assert said[100:103] == captioner.generate(many[100:103])
    assert captioner.generate(many[:1], max_length=3) != said[:1]


@pytest.mark.filterwarnings("error")
def test_features_may_be_read_only(trained):
    new = pictures(NEW, seed=1)
    new.flags.writeable = False
    assert len(trained.predict(new)) == len(NEW)


def test_attention_says_which_patch_a_query_reads(trained):
    weights = trained.attention(X[:5])
    assert weights.shape == (5, 4, 3)
    np.testing.assert_allclose(weights.sum(2), 1, rtol=1e-5)
    assert trained.queries(X[:5]).shape == (5, 4, 64)


def test_the_embedding_is_linear_in_the_mean_of_the_queries():
    captioner = fitted(bottleneck=None)
    project = captioner.aligner_.module_.encoder("picture").backbone.project
    mean = captioner.queries(X).mean(1)
    Z = mean @ project.weight.detach().numpy().T + project.bias.detach().numpy()
    Z /= np.linalg.norm(Z, axis=1, keepdims=True)
    np.testing.assert_allclose(captioner.transform(X), Z, atol=1e-5)


def test_a_saved_captioner_is_the_same(trained, tmp_path):
    trained.save(tmp_path / "captioner.safetensors")
    loaded = QFormerCaptioner.load(tmp_path / "captioner.safetensors")
    new = pictures(NEW, seed=1)
    np.testing.assert_array_equal(loaded.transform(new), trained.transform(new))
    assert list(loaded.predict(new)) == list(trained.predict(new))
    assert loaded.get_params() == trained.get_params()
    longer = QFormerCaptioner.load(tmp_path / "captioner.safetensors", n_beams=7)
    assert longer.n_beams == 7
    with pytest.raises(ValueError, match=r"no parameter 'n_beam'.*n_beams"):
        QFormerCaptioner.load(tmp_path / "captioner.safetensors", n_beam=7)
    again = pickle.loads(pickle.dumps(trained))
    assert list(again.predict(new)) == list(trained.predict(new))


def test_parameters_set_after_fit_do_not_change_the_file(tmp_path):
    captioner = fitted().set_output(transform="pandas")
    expected = captioner.transform(X)
    captioner.set_params(n_queries=9, captioning=0.0, max_length=5, width=32)
    captioner.save(tmp_path / "captioner")
    loaded = QFormerCaptioner.load(tmp_path / "captioner")
    pd.testing.assert_frame_equal(loaded.transform(X), expected)
    assert loaded.generate(X) == captioner.generate(X)
    assert loaded.n_queries == 9


def test_files_of_others_are_refused(trained, tmp_path):
    trained.save(tmp_path / "captioner")
    with pytest.raises(ValueError, match="QFormerCaptioner"):
        IBAligner.load(tmp_path / "captioner")
    whole = (tmp_path / "captioner").read_bytes()
    (tmp_path / "captioner").write_bytes(whole[:-10])
    with pytest.raises(TornFileError):
        QFormerCaptioner.load(tmp_path / "captioner")
    aligner = IBAligner(max_epochs=1, bottleneck=None).fit({"x": X[:, 0], "y": X[:, 0]})
    aligner.save(tmp_path / "aligner")
    with pytest.raises(ValueError, match="does not hold a QFormerCaptioner"):
        QFormerCaptioner.load(tmp_path / "aligner")


def test_an_object_that_no_file_holds_is_asked_for(tmp_path):
    tower = Patches()
    captioner = QFormerCaptioner(tower, **SMALL).fit(X.reshape(-1, 24), Y)
    captioner.save(tmp_path / "captioner")
    with pytest.raises(ValueError, match=r"QFormerCaptioner.load\(path, tower="):
        QFormerCaptioner.load(tmp_path / "captioner")
    loaded = QFormerCaptioner.load(tmp_path / "captioner", tower=tower)
    assert list(loaded.predict(X.reshape(-1, 24))) == list(captioner.predict(X.reshape(-1, 24)))


class Patches:
    """A tower that cuts rows into patches."""

    def features(self, X):
        return X.reshape(-1, 3, 8)


def test_training_goes_on_from_a_checkpoint(tmp_path):
    class StopAfterOne(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 2 and armed:
                raise RuntimeError("stopped")

    armed = True
    params = {"callbacks": [StopAfterOne()], "checkpoint": tmp_path, "max_epochs": 3}
    with pytest.raises(RuntimeError, match="stopped"):
        fitted(**params)
    armed = False
    resumed, whole = fitted(**params), fitted(max_epochs=3)
    np.testing.assert_array_equal(resumed.transform(X), whole.transform(X))
    assert list(resumed.predict(X)) == list(whole.predict(X))


def test_other_weights_of_the_losses_are_another_training(tmp_path):
    a = fitted(checkpoint=tmp_path, captioning=1.0)
    b = fitted(checkpoint=tmp_path, captioning=0.5)
    assert not np.array_equal(a.transform(X), b.transform(X))
    np.testing.assert_array_equal(b.transform(X), fitted(captioning=0.5).transform(X))


def test_captions_of_a_group_are_held_out_together():
    groups = np.repeat(np.arange(24), 4)
    captioner = QFormerCaptioner(**SMALL, early_stopping=True, bottleneck=None).fit(
        X, Y, groups=groups
    )
    alone = QFormerCaptioner(**SMALL, early_stopping=True, bottleneck=None).fit(
        X, Y, groups=np.arange(96)
    )
    by_default = QFormerCaptioner(**SMALL, early_stopping=True, bottleneck=None).fit(X, Y)
    np.testing.assert_array_equal(alone.transform(X), by_default.transform(X))
    assert not np.array_equal(captioner.transform(X), alone.transform(X))


def test_without_the_loss_of_captions_there_are_only_embeddings():
    captioner = fitted(captioning=0.0)
    assert captioner.transform(X).shape == (96, captioner.n_components_)
    captioner.aligner_.as_module("picture")
    with pytest.raises(ValueError, match="captioning=0"):
        captioner.predict(X)


def test_a_captioner_in_the_programs_of_scikit_learn():
    flat = X.reshape(len(X), -1)
    cut = FunctionTransformer(lambda rows: rows.reshape(-1, 3, 8))
    captioner = QFormerCaptioner(**SMALL)
    groups = np.arange(len(X)) % 6
    scores = cross_val_score(
        make_pipeline(cut, captioner), flat, Y, cv=GroupKFold(2), groups=groups
    )
    assert np.isfinite(scores).all()
    search = GridSearchCV(captioner, {"beta": [0.0, 1.0]}, cv=2).fit(X, Y)
    assert search.best_estimator_.beta in (0.0, 1.0)
    frame = captioner.set_output(transform="pandas").fit(X, Y).transform(X)
    assert isinstance(frame, pd.DataFrame)


def test_one_caption_or_several_in_any_container():
    first = [each[0] for each in Y]
    alone = QFormerCaptioner(**SMALL).fit(X, first)
    containers = (np.array(first), pd.Series(first), pd.DataFrame({"text": first}))
    for y in (*containers, [[text] for text in first]):
        other = QFormerCaptioner(**SMALL).fit(X, y)
        np.testing.assert_array_equal(other.transform(X), alone.transform(X))
    uneven = [each[: 1 + i % 2] for i, each in enumerate(Y)]
    QFormerCaptioner(**SMALL).fit(X[:, 0], uneven).predict(X[:, 0])


@pytest.mark.parametrize(
    ("captions", "message"),
    [
        (None, "a sequence with a string"),
        ("a cat", "a sequence with a string"),
        (dict(enumerate(Y)), "captions must be a list"),
        ([set(each) for each in Y], "captions of picture 0 must be a list, whose order"),
        ([*Y[:-1], pd.NA], "picture 95 must be a string or a list"),
        ([*Y[:-1], []], "picture 95 has no caption"),
        ([*Y[:-1], ["a cat", "  "]], "caption 1 of picture 95 is empty"),
        ([*Y[:-1], ["a cat", 3]], "caption 1 of picture 95 must be a string"),
        ([*Y[:-1], np.nan], "picture 95 must be a string or a list"),
        ([*Y[:-1], ["\udc80"]], "not valid Unicode"),
        (Y[:-1], "96 pictures and 95 captions"),
        (["!!"] * 96, None),
    ],
)
def test_captions_that_are_none(captions, message):
    captioner = QFormerCaptioner(**SMALL)
    if message is None:
        captioner.fit(X, captions)
        return
    with pytest.raises((TypeError, ValueError), match=message):
        captioner.fit(X, captions)


def test_bad_input_keeps_the_model(trained):
    captioner = pickle.loads(pickle.dumps(trained))
    before = captioner.transform(X)
    with pytest.raises(ValueError, match="max_length"):
        captioner.set_params(max_length=2).fit(X, Y)
    captioner.set_params(max_length=32)
    with pytest.raises(ValueError, match="pass the image encoder as tower="):
        captioner.fit(np.zeros((96, 8, 8, 3), np.uint8), Y)
    with pytest.raises(ValueError, match=r"NaN|missing"):
        captioner.fit(np.where(X > 0.9, np.nan, X), Y)
    np.testing.assert_array_equal(captioner.transform(X), before)
    for n in (0, 1):
        with pytest.raises(ValueError, match="at least 2 are needed"):
            captioner.fit(X[:n], Y[:n])
    with pytest.raises(ValueError, match="groups"):
        captioner.fit(X, Y, groups=np.arange(95))
    with pytest.raises(ValueError, match="shape"):
        captioner.predict(X[:, :2])
    with pytest.raises(ValueError, match="NaN"):
        captioner.predict(np.full_like(X[:3], np.nan))
    with pytest.raises(TypeError, match="a single one as"):
        captioner.transform(X, "a cat")
    with pytest.raises(TypeError, match="captions must be a list, whose order"):
        captioner.transform(X, {"a cat", "a dog"})
    with pytest.raises(TypeError, match="caption 0 must be a string"):
        captioner.transform(X, pd.DataFrame({"a cat": ["a dog"]}))
    with pytest.raises(ValueError, match="unknown modality 'image'"):
        captioner.embed({"image": X})
    with pytest.raises(NotFittedError):
        QFormerCaptioner().predict(X)


def test_strange_captions_get_a_sane_answer(trained):
    strange = ["zebra", "кот", "猫", "🐈", "a " * 5000 + "cat", "x" * 10_000, "!?", "a\x00b"]
    Z = trained.embed({"caption": strange})["caption"]
    assert np.isfinite(Z).all()
    np.testing.assert_allclose(np.linalg.norm(Z, axis=1), 1, rtol=1e-5)


def test_captions_that_are_cut_are_told():
    with pytest.warns(UserWarning, match="192 of 192 captions have more than max_length=4"):
        fitted(max_length=4)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"n_beams": 0}, "n_beams must be an integer >= 1"),
        ({"n_beams": 1.5}, "n_beams must be an integer"),
        ({"length_penalty": -1}, "length_penalty must be"),
        ({"length_penalty": np.nan}, "length_penalty must be"),
        ({"length_penalty": 1e6}, "length_penalty must be"),
        ({"max_length": 1}, "max_length must be an integer >= 2"),
        ({"sample": True, "max_length": 1}, "max_length must be"),
        ({"sample": True, "temperature": 0}, "temperature must be"),
        ({"sample": True, "temperature": np.nan}, "temperature must be"),
    ],
)
def test_settings_of_generation_that_are_refused(trained, setting, message):
    with pytest.raises((TypeError, ValueError), match=message):
        trained.generate(X[:2], **setting)


def test_of_no_pictures_there_are_no_captions(trained):
    for sample in (False, True):
        captions, scores = trained.generate(X[:0], sample=sample, return_scores=True)
        assert captions == []
        assert scores.shape == (0,)
    assert trained.predict(X[:0]).shape == (0,)
    assert trained.queries(X[:0]).shape == (0, 4, 64)
    assert trained.attention(X[:0]).shape == (0, 4, 3)
    with pytest.raises(ValueError, match="shape"):
        trained.predict(X[:0, :2])


def test_features_of_bytes_are_numbers():
    whole = np.round(X * 100).clip(0, 255)
    of_bytes = QFormerCaptioner(**SMALL, matching=1.0).fit(whole.astype(np.uint8), Y)
    of_floats = QFormerCaptioner(**SMALL, matching=1.0).fit(whole, Y)
    np.testing.assert_array_equal(
        of_bytes.transform(whole.astype(np.uint8)), of_floats.transform(whole)
    )
    assert of_bytes.generate(whole.astype(np.uint8)) == of_floats.generate(whole)
