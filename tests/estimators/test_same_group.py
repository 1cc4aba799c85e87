"""What pairs of one group are to each other in the loss: `same_group`."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import sklearn
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from mibsk import (
    ClassPairs,
    IBAligner,
    IBAlignerCV,
    Modalities,
    ModalityEncoder,
    fit_together,
)
from mibsk.data import duplicate_groups, tensor_source
from mibsk.exceptions import DuplicateRowsWarning, LargeGroupsWarning
from mibsk.losses import SUFFICIENCY, Embedding, infonce
from mibsk.metrics import recall_at_k
from mibsk.training._budget_control import _recall
from mibsk.training._selection import ALPHAS, TEMPERATURES, choose_alpha

from .common import Items, assert_same_weights
from .test_aligner_stream import Stream

OTHERS = ("ignored", "positive", "apart")
PICTURE = np.repeat(np.arange(60), 3)


@pytest.fixture(scope="module")
def texts():
    """Sixty pictures with three texts each; a picture is repeated for each text."""
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((60, 4))
    image = (shared @ rng.standard_normal((4, 6)))[PICTURE]
    text = shared[PICTURE] @ rng.standard_normal((4, 5)) + 0.3 * rng.standard_normal((180, 5))
    return Modalities({"image": image, "text": text})


class Seen(Callback):
    """Records the groups of each training batch, and what they mean."""

    def __init__(self):
        self.groups = []

    def on_batch_begin(self, net, batch, training, **kwargs):
        if training:
            self.positives = net.module.objective.positives
            self.groups.append(None if batch.groups is None else batch.groups.tolist())

    @property
    def n_together(self):
        """Largest number of rows of one group in a batch."""
        return max(np.unique(groups, return_counts=True)[1].max() for groups in self.groups)


@pytest.mark.parametrize("form", ["mapping", "table", "pair", "dataset"])
@pytest.mark.parametrize("same_group", OTHERS)
def test_batches_have_the_groups(texts, quick, form, same_group):
    table = np.hstack(list(texts.values()))
    cut = {"image": slice(0, 6), "text": slice(6, 11)}
    args = {
        "mapping": (texts,),
        "table": (table,),
        "pair": (texts["image"], texts["text"]),
        "dataset": (Items(texts),),
    }[form]
    seen = Seen()
    params = {"same_group": same_group, "callbacks": [seen], "max_epochs": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing equal is a negative
        quick(cut if form == "table" else None, **params).fit(*args, groups=PICTURE)
    assert sorted(np.bincount(np.concatenate(seen.groups))) == [3] * 60
    assert seen.positives == (same_group == "positive")
    assert (seen.n_together == 1) == (same_group == "apart")


def test_negatives_are_the_default(texts, quick):
    seen = Seen()
    with pytest.warns(DuplicateRowsWarning, match=r"duplicate_groups\(X\) to fit with same_group="):
        quick(callbacks=[seen], max_epochs=1).fit(texts, groups=PICTURE)
    assert seen.groups == [None] * len(seen.groups)


def test_each_value_gives_another_model_and_the_same_one_again(texts, quick):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DuplicateRowsWarning)
        models = {
            value: [quick(same_group=value).fit(texts, groups=PICTURE) for _ in range(2)]
            for value in ("negative", *OTHERS)
        }
    for one, again in models.values():
        assert_same_weights(one, again)
    ends = [one.history_[-1]["train_loss"] for one, _ in models.values()]
    assert len(set(ends)) == 4


@pytest.mark.parametrize("same_group", OTHERS)
def test_groups_of_one_row_change_nothing(views, quick, same_group):
    own = quick(same_group=same_group).fit(views, groups=np.arange(48))
    assert_same_weights(own, quick().fit(views))


@pytest.mark.filterwarnings("ignore", category=LargeGroupsWarning)
def test_many_views_of_few_things():
    """Recall of things that were not trained on; views of one differ by noise alone."""
    rng = np.random.default_rng(0)
    thing = np.repeat(np.arange(100), 20)
    shared = rng.standard_normal((100, 6))[thing]
    views = {
        name: shared @ rng.standard_normal((6, width)) + rng.standard_normal((2000, width))
        for name, width in (("a", 20), ("b", 15))
    }
    train, labels = thing < 50, (thing[thing >= 50],) * 2
    recalls = {}
    for same_group in ("negative", "ignored"):
        aligner = IBAligner(
            same_group=same_group, encoders="network", max_epochs=15, random_state=0
        )
        aligner.fit({name: X[train] for name, X in views.items()}, groups=thing[train])
        z, w = aligner.embed({name: X[~train] for name, X in views.items()}).values()
        recalls[same_group] = recall_at_k(z, w, labels=labels) + recall_at_k(w, z, labels=labels)
    assert recalls["ignored"] > recalls["negative"] + 0.02


class TestClasses:
    """Pairs of one class are of one group, and `groups` say only what is held out."""

    @pytest.mark.parametrize("same_group", OTHERS)
    def test_pairs_by_class(self, views, quick, same_group):
        labels, seen = np.arange(48) % 12, Seen()
        pairs = ClassPairs({name: (X, labels) for name, X in views.items()}, random_state=0)
        aligner = quick(same_group=same_group, callbacks=[seen]).fit(pairs)
        assert sorted(np.concatenate(seen.groups)) == sorted(np.tile(labels, 2))
        assert seen.n_together <= (2 if same_group == "apart" else 4)
        grouped = quick(same_group=same_group).fit(pairs, groups=np.arange(48) // 3)
        assert_same_weights(aligner, grouped)

    @pytest.mark.parametrize("same_group", OTHERS)
    def test_labels_as_the_second_table(self, views, quick, same_group):
        labels, seen = np.array(list("abcd"))[np.arange(48) % 4], Seen()
        quick(same_group=same_group, callbacks=[seen]).fit(views["audio"], labels)
        assert sorted(np.concatenate(seen.groups)) == sorted(np.tile(np.arange(48) % 4, 2))


class TestHeldOutPairs:
    """Held-out pairs of one group are what they are in training."""

    def test_the_weight_of_the_closed_form(self):
        """InfoNCE with groups at the best temperature, and recall of any row of the group."""
        rng = np.random.default_rng(0)
        z, w = (torch.tensor(rng.standard_normal((12, 3)), dtype=torch.float32) for _ in "zw")
        u, v = (torch.tensor(rng.standard_normal((12, 2)), dtype=torch.float32) for _ in "uv")
        unit = torch.nn.functional.normalize
        z, w, u, v = (unit(each, dim=1) for each in (z, w, u, v))
        groups = torch.arange(12) // 3

        def fixed(network, variates):
            """Return an encoder of row numbers."""
            return SimpleNamespace(
                network=lambda rows: network[rows[:, 0].long()],
                n_network_outputs=network.shape[1],
                closed_form=SimpleNamespace(
                    variates=lambda rows: variates[rows[:, 0].long()],
                    bias=torch.zeros(variates.shape[1]),
                ),
                scaled=lambda rows: rows,
            )

        encoders = {"a": fixed(z, u), "b": fixed(w, v)}
        for positives in (False, True):
            module = SimpleNamespace(
                names=["a", "b"],
                encoder=encoders.get,
                objective=SimpleNamespace(positives=positives),
            )
            rows = np.arange(12, dtype=np.float32)[:, None]
            source = tensor_source({"a": rows, "b": rows}, torch.device("cpu"))
            source = source.with_pairing(source.pairing.with_groups(groups.numpy(), None))
            alpha, compared = choose_alpha(module, source, torch.device("cpu"))
            for i, each in enumerate(ALPHAS):
                share = 1.0 if np.isinf(each) else each**2 / (1 + each**2)
                a = torch.hstack([share**0.5 * u, (1 - share) ** 0.5 * z])
                b = torch.hstack([share**0.5 * v, (1 - share) ** 0.5 * w])
                losses = [infonce(a, b, t, groups, positives).item() for t in TEMPERATURES]
                assert compared["loss"][i] == pytest.approx(min(losses), abs=1e-5)
                hits = [groups[(s).argmax(1)] == groups for s in (a @ b.T, b @ a.T)]
                recall = torch.stack(hits).double().mean().item()
                assert compared["recall"][i] == pytest.approx(recall)
            assert alpha == ALPHAS[int(np.argmin(compared["loss"]))]

    def test_the_recall_of_a_budget(self):
        z, w = torch.eye(4), torch.eye(4)[[1, 0, 3, 2]]  # the other row of the group is nearest
        embeddings = {"a": Embedding(z), "b": Embedding(w)}
        assert _recall(embeddings).item() == 0
        assert _recall(embeddings, groups=torch.tensor([0, 0, 1, 1])).item() == 1
        assert _recall(embeddings, groups=torch.tensor([0, 0, 1, 2])).item() == 0.5

    @pytest.mark.parametrize("params", [{"early_stopping": True}, {"beta": "auto"}])
    def test_validation(self, texts, quick, params):
        sizes = []

        class Validated(Callback):
            def on_batch_begin(self, net, batch, training, **kwargs):
                if not training:
                    sizes.append(np.unique(batch.groups.numpy(), return_counts=True)[1].tolist())

        params = {**params, "validation_fraction": 0.2, "budget": 0.9, "max_epochs": 2}
        quick(same_group="positive", callbacks=[Validated()], batch_size=-1, **params).fit(
            texts, groups=PICTURE
        )
        assert sizes == [[3] * 12] * 2


def test_every_door(texts, quick, tmp_path):
    """Estimators that train an aligner give it the groups, and files keep the parameter."""
    params = {"same_group": "positive", "encoders": "auto", "max_epochs": 4}
    alone = quick(**params).fit(texts, groups=PICTURE)
    (together,) = fit_together([quick(**params)], texts, groups=PICTURE)
    encoder = ModalityEncoder(quick(**params), "image").fit(texts, groups=PICTURE)
    interrupted = quick(**params, checkpoint=tmp_path / "checkpoints").fit(texts, groups=PICTURE)
    continued = quick(**params, checkpoint=tmp_path / "checkpoints").fit(texts, groups=PICTURE)
    for other in (together, encoder.aligner_, interrupted, continued):
        assert_same_weights(alone, other)
    for value in ("ignored", "apart"):
        other = quick(**{**params, "same_group": value}, checkpoint=tmp_path / "checkpoints")
        other.fit(texts, groups=PICTURE)
    assert len(list((tmp_path / "checkpoints").iterdir())) == 3
    alone.save(tmp_path / "model.safetensors")
    loaded = IBAligner.load(tmp_path / "model.safetensors")
    assert loaded.same_group == "positive"
    assert loaded.net_.module.objective.positives
    assert "same_group='positive'" in repr(loaded)
    search = IBAlignerCV(quick(**params), betas=[0.0, 1.0], cv=2).fit(texts, groups=PICTURE)
    assert search.aligner_.net_.module.objective.positives


def test_parts(texts, quick):
    """Each call has its own groups, of which one may have all rows."""
    seen = Seen()
    aligner = quick(same_group="ignored", callbacks=[seen])
    aligner.partial_fit(texts[:90], groups=PICTURE[:90])
    aligner.partial_fit(texts[90:96], groups=PICTURE[90:96])
    aligner.partial_fit(texts[:3], groups=PICTURE[:3])
    assert seen.groups[-2:] == [[0, 0, 0, 1, 1, 1], [0, 0, 0]] or len(seen.groups) == 8
    assert aligner.history_[-1]["train_sufficiency"] == 0  # nothing to compare with
    whole = quick(max_epochs=1, same_group="ignored").fit(texts, groups=PICTURE)
    assert_same_weights(quick(same_group="ignored").partial_fit(texts, groups=PICTURE), whole)


def test_routing(texts, quick):
    """Through a pipeline and a search, whose folds are of whole groups."""
    up = texts["text"][:, 0] > 0
    with sklearn.config_context(enable_metadata_routing=True):
        encoder = ModalityEncoder(quick(max_epochs=1), "text")
        model = make_pipeline(encoder.set_fit_request(groups=True), LogisticRegression())
        grid = {"modalityencoder__aligner__same_group": ["ignored", "apart"]}
        search = GridSearchCV(model, grid, cv=GroupKFold(2), error_score="raise")
        search.fit(texts, up, groups=PICTURE)
    assert search.best_score_ > 0.5
    with sklearn.config_context(enable_metadata_routing=True):
        aligner = quick(same_group="apart").set_partial_fit_request(groups=True)
        assert aligner.get_metadata_routing().partial_fit.requests["groups"] is True


class TestWarnings:
    def test_only_equal_rows_of_other_groups_are_false_negatives(self, texts, quick):
        twice = Modalities({"image": texts["image"].copy(), "text": texts["text"].copy()})
        twice["image"][3] = twice["image"][0]  # of pictures 1 and 0
        for data in (twice, Items(twice)):
            with pytest.warns(DuplicateRowsWarning, match="image.*: 4 of 180 rows") as caught:
                quick(same_group="positive", max_epochs=1).fit(data, groups=PICTURE)
            assert len(caught) == 1

    def test_the_groups_it_offers_leave_none(self, texts, quick):
        groups = duplicate_groups(texts)
        np.testing.assert_array_equal(groups, PICTURE)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            quick(same_group="positive", max_epochs=1).fit(texts, groups=groups)

    @pytest.mark.parametrize("same_group", OTHERS)
    def test_few_large_groups(self, quick, same_group):
        rng = np.random.default_rng(0)
        data = {name: rng.standard_normal((200, 3)) for name in "ab"}
        speaker = np.arange(200) % 5
        message = f"same_group='{same_group}': a pair has 39 others in its group on average, 20%"
        with pytest.warns(LargeGroupsWarning, match=message):
            quick(same_group=same_group, max_epochs=1).fit(data, groups=speaker)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            quick(max_epochs=1).fit(data, groups=speaker)
            quick(same_group=same_group, max_epochs=1).fit(data, groups=np.arange(200) // 9)
            quick(same_group=same_group, max_epochs=1).fit(data, groups=np.arange(200) // 4)


class TestBadInput:
    def test_no_groups(self, texts, quick):
        for fit in ("fit", "partial_fit"):
            with pytest.raises(ValueError, match=r"there are no groups: pass groups= to fit"):
                getattr(quick(same_group="positive"), fit)(texts)
        with pytest.raises(ValueError, match="there are no groups"):
            IBAlignerCV(quick(same_group="apart"), betas=[0.0, 1.0], cv=2).fit(texts)

    def test_a_stream(self, texts, quick):
        with pytest.raises(ValueError, match="an IterableDataset does not support"):
            quick(same_group="ignored").fit(Stream(texts))

    def test_an_unknown_value(self, texts, quick):
        with pytest.raises(ValueError, match="'same_group' parameter of IBAligner must be a str"):
            quick(same_group="none").fit(texts, groups=PICTURE)

    def test_terms_without_groups(self, texts, quick):
        def plain(z, w, temperature):
            return infonce(z, w, temperature)

        for value in ("ignored", "positive"):
            with pytest.raises(ValueError, match="needs a sufficiency term that takes groups"):
                quick(sufficiency=plain, same_group=value).fit(texts, groups=PICTURE)
        seen = Seen()
        quick(sufficiency=plain, same_group="apart", callbacks=[seen]).fit(texts, groups=PICTURE)
        assert seen.groups == [None] * len(seen.groups)
        apart = quick(same_group="apart").fit(texts, groups=PICTURE)
        own = quick(sufficiency=plain, same_group="apart").fit(texts, groups=PICTURE)
        assert_same_weights(apart, own)


@pytest.mark.parametrize("sufficiency", list(SUFFICIENCY))
@pytest.mark.parametrize("same_group", ["ignored", "positive"])
def test_registered_terms(texts, quick, sufficiency, same_group):
    """Those without negatives take groups as well."""
    params = {"sufficiency": sufficiency, "same_group": same_group, "max_epochs": 1}
    three = {**texts, "keywords": texts["text"][:, :3] + 0.1 * texts["image"][:, :3]}
    aligner = quick(**params, batch_size=60).fit(three, groups=PICTURE)
    assert np.isfinite(aligner.history_[-1]["train_loss"])
