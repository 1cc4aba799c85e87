"""Rows that lack modalities: what is trained, and what comes of them."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mibsk import IBAlignerCV, Modalities, fit_together
from mibsk.exceptions import FewHeldOutWarning
from mibsk.losses import Minimality
from mibsk.metrics import recall_at_k

from .common import CUT, assert_same_weights, without_times

N = 48
SETTINGS = {
    "network": {},
    "variational": {"minimality": "variational", "beta": 0.01},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.25},
    "bottleneck": {"bottleneck": "canonical"},
    "auto": {"encoders": "auto"},
    "canonical": {"encoders": "canonical"},
    "budget": {"beta": "auto", "budget": 0.2, "validation_fraction": 0.25},
}
few = settings(max_examples=10, deadline=None)


@pytest.fixture(scope="module")
def three(views):
    """Three dense views (48, ...)."""
    touch = views["audio"][:, :3] + views["image"][:, 1:] + np.sin(np.arange(N))[:, None]
    return Modalities({**views, "touch": touch})


@pytest.fixture(scope="module")
def present():
    """Which rows have each modality: each has at least one, most have two or three."""
    has = np.random.default_rng(1).random((N, 3)) > 0.3
    has[np.arange(N), np.arange(N) % 3] = True
    return dict(zip(("audio", "image", "touch"), has.T, strict=True))


def with_holes(X, present):
    """Return a mapping in which rows without a modality are of NaN."""
    return {name: np.where(present[name][:, None], rows, np.nan) for name, rows in X.items()}


def as_none(X, present):
    return {
        name: [row if has else None for row, has in zip(rows, present[name], strict=True)]
        for name, rows in X.items()
    }


def as_masked(X, present):
    return {
        name: np.ma.MaskedArray(rows, np.repeat(~present[name][:, None], rows.shape[1], axis=1))
        for name, rows in X.items()
    }


def as_records(X, present):
    return [{name: rows[i] for name, rows in X.items() if present[name][i]} for i in range(N)]


FORMS = {
    "NaN": with_holes,
    "None": as_none,
    "masked": as_masked,
    "frames": lambda X, present: {
        name: pd.DataFrame(rows) for name, rows in with_holes(X, present).items()
    },
    "tensors": lambda X, present: {
        name: torch.from_numpy(rows) for name, rows in with_holes(X, present).items()
    },
    "Modalities of None": lambda X, present: Modalities(as_none(X, present)),
    "Modalities, masked": lambda X, present: Modalities(as_masked(X, present)),
    "records": as_records,
}


class Records(torch.utils.data.Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class Stream(torch.utils.data.IterableDataset):
    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_model(form, three, present, quick):
    expected = quick(bottleneck="canonical").fit(with_holes(three, present))
    X = FORMS[form](three, present)
    found = quick(bottleneck="canonical").fit(X)
    assert_same_weights(found, expected)
    for name, z in expected.embed(with_holes(three, present)).items():
        np.testing.assert_array_equal(found.embed(X)[name], z)
        np.testing.assert_array_equal(np.isnan(z).all(axis=1), ~present[name])
        np.testing.assert_array_equal(np.isnan(z).any(axis=1), ~present[name])


def test_a_dataset_is_the_same_model(three, present, quick):
    # rows of a single modality are in its batches, but not in those of arrays
    rows = np.flatnonzero(np.sum(list(present.values()), axis=0) > 1)
    X, has = three[rows], {name: mask[rows] for name, mask in present.items()}
    expected = quick().fit(with_holes(X, has))
    items = [{n: X[n][i] if has[n][i] else None for n in X} for i in range(len(rows))]
    found = quick(input_scaling=None).fit(Records(items))
    assert_same_weights(found, quick(input_scaling=None).fit(with_holes(X, has)))
    for name, z in found.embed(Records(items)).items():
        np.testing.assert_array_equal(np.isnan(z[:, 0]), ~has[name])
    assert expected.score(Records(items)) == expected.score(with_holes(X, has))


def test_a_stream(three, present, quick):
    items = as_records(three, present)
    items[0] = {**dict.fromkeys(three), **items[0]}
    aligner = quick(bottleneck="canonical").fit(Stream(items))
    for name, z in aligner.embed(Stream(items)).items():
        np.testing.assert_array_equal(np.isnan(z[:, 0]), ~present[name])


@pytest.mark.parametrize("case", SETTINGS)
@pytest.mark.filterwarnings("ignore::mibsk.exceptions.FewHeldOutWarning")
@pytest.mark.filterwarnings("ignore::mibsk.exceptions.NothingSharedWarning")
def test_every_kind_of_training(case, three, present, quick):
    aligner = quick(max_epochs=4, **SETTINGS[case]).fit(with_holes(three, present))
    assert all(np.isfinite(list(z.values())).all() for z in without_times(aligner.history_))
    assert np.isfinite(np.concatenate(list(aligner.embed(three).values()))).all()
    assert 0 <= aligner.score(with_holes(three, present)) <= 1


def test_rows_of_one_modality_do_not_change_the_batches(three, quick):
    """A row without a partner counts in the scaling, and nowhere else."""
    more = {
        name: np.vstack([rows, np.full((2, rows.shape[1]), np.nan)]) for name, rows in three.items()
    }
    more["audio"][N:] = [three["audio"].mean(axis=0), three["audio"][0] + 1]
    params = {"input_scaling": None, "bottleneck": "canonical"}
    assert_same_weights(quick(**params).fit(more), quick(**params).fit(three))


@few
@given(seed=st.integers(0, 2**31), share=st.floats(0, 1))
def test_an_embedding_does_not_depend_on_the_other_modalities(seed, share, three, quick_fitted):
    rng = np.random.default_rng(seed)
    has = {name: rng.random(N) >= share for name in three}
    whole, part = quick_fitted.embed(three), quick_fitted.embed(with_holes(three, has))
    for name, mask in has.items():
        np.testing.assert_allclose(part[name][mask], whole[name][mask], atol=1e-6)
        assert np.isnan(part[name][~mask]).all()


@pytest.fixture(scope="module")
def quick_fitted(three, quick):
    return quick(encoders="auto", bottleneck="canonical").fit(three)


@few
@given(seed=st.integers(0, 2**31))
def test_the_mean_is_that_of_what_a_row_has(seed, three, quick_fitted):
    rng = np.random.default_rng(seed)
    has = {name: rng.random(N) > 0.4 for name in three}
    X = with_holes(three, has)
    z = np.stack(list(quick_fitted.embed(X).values()))
    fused = quick_fitted.set_params(fusion="mean").transform(X)
    count = np.sum(list(has.values()), axis=0)
    expected = np.nansum(z, axis=0) / np.maximum(count, 1)[:, None]
    np.testing.assert_allclose(fused[count > 0], expected[count > 0], atol=1e-6)
    assert np.isnan(fused[count == 0]).all()


def test_fusion(three, present, quick_fitted):
    some = {"image": three["image"]}
    quick_fitted.set_params(fusion="mean")
    np.testing.assert_array_equal(quick_fitted.transform(some), quick_fitted.embed(some)["image"])
    quick_fitted.set_params(fusion="concat")
    X = with_holes(three, present)
    blocks = np.split(quick_fitted.transform(X), 3, axis=1)
    for name, block in zip(three, blocks, strict=True):
        np.testing.assert_array_equal(block, quick_fitted.embed(X)[name])
    with pytest.raises(ValueError, match="choose fusion='mean' or the name of one modality"):
        quick_fitted.transform(some)


def test_score_compares_the_rows_that_have_both(three, present, quick_fitted):
    X = with_holes(three, present)
    z = quick_fitted.embed(three)
    found, sizes = [], []
    for a in three:
        for b in three:
            if a != b:
                both = present[a] & present[b]
                found.append(recall_at_k(z[a][both], z[b][both]))
                sizes.append(both.sum())
    assert quick_fitted.score(X) == pytest.approx(np.average(found, weights=sizes))


def test_kinds_of_rows(quick):
    """Texts, bytes, sparse rows and labels of another type keep their type."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 4, 4)).astype(np.uint8)
    texts = [f"caption {i}" for i in range(20)]
    counts = sp.random_array((20, 30), density=0.3, rng=0).tolil()
    counts[4] = np.nan
    X = {
        "image": [None if i % 5 == 0 else row for i, row in enumerate(images)],
        "text": [None if i % 5 == 1 else text for i, text in enumerate(texts)],
        "counts": counts.tocsr(),
    }
    for form in (X, Modalities(X), Modalities(X)[np.arange(20)]):
        aligner = quick().fit(form)
        assert aligner.inputs_["image"].dtype == "uint8"
        assert [spec.kind for spec in aligner.inputs_.values()] == ["dense", "text", "sparse"]
        z = aligner.embed(form)
        assert np.flatnonzero(np.isnan(z["image"][:, 0])).tolist() == [0, 5, 10, 15]
        assert np.flatnonzero(np.isnan(z["text"][:, 0])).tolist() == [1, 6, 11, 16]
        assert np.flatnonzero(np.isnan(z["counts"][:, 0])).tolist() == [4]


def test_a_table(table, quick):
    X = table.copy()
    X[::4, CUT["image"]] = np.nan
    aligner = quick(CUT, fusion="mean").fit(X)
    assert np.isfinite(aligner.transform(X)).all()
    masked = np.ma.masked_invalid(X)
    assert_same_weights(quick(CUT).fit(masked), aligner)
    frame = pd.DataFrame(X, columns=list("abcdefghi"), index=[f"r{i}" for i in range(N)])
    named = quick(CUT, fusion="mean").set_output(transform="pandas").fit(frame)
    assert named.transform(frame).index.tolist() == frame.index.tolist()
    assert_same_weights(named, aligner)


def test_two_tables(views, quick):
    X, Y = views["audio"], views["image"].copy()
    Y[3:9] = np.nan
    aligner = quick().fit(X, Y)
    assert_same_weights(aligner, quick().fit({"x": X, "y": Y}))
    assert np.isnan(aligner.transform(X, Y)[1][:, 0]).sum() == 6
    assert aligner.fit_transform(X, np.ma.masked_invalid(Y))[1].shape == (N, 4)


def test_model_selection(three, present, quick):
    X = Modalities(as_masked(three, present))
    train, test = train_test_split(X, random_state=0)
    assert 0 <= quick().fit(train).score(test) <= 1
    search = GridSearchCV(quick(), {"beta": [0.1, 1.0]}, cv=2).fit(X)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    found = IBAlignerCV(quick(), betas=(0, 1), cv=2, path_epochs=1).fit(X)
    assert np.isfinite(found.scores_).all()


def test_a_pipeline(three, present, quick):
    labels = np.arange(N) % 2
    X = Modalities(with_holes(three, present))
    model = make_pipeline(quick(fusion="mean"), StandardScaler(), LogisticRegression())
    assert model.fit(X, labels).predict(X[:5]).shape == (5,)
    assert model.predict({"image": three["image"][:3]}).shape == (3,)


def test_together_and_in_parts(three, present, quick):
    X = with_holes(three, present)
    for one in fit_together([quick(), quick()], X):
        assert_same_weights(one, quick().fit(X))
    aligner = quick().partial_fit(X).partial_fit(X)
    assert aligner.n_iter_ == 2
    assert quick(warm_start=True).fit(X).fit(X).n_iter_ == 4


def test_groups(three, present, quick):
    groups = np.repeat(np.arange(12), 4)
    params = {"encoders": "auto", "bottleneck": "canonical", "early_stopping": True}
    aligner = quick(validation_fraction=0.25, **params).fit(
        with_holes(three, present), groups=groups
    )
    assert np.isfinite(aligner.embed(three)["audio"]).all()


def test_a_checkpoint_is_that_of_the_same_holes(three, present, quick, tmp_path):
    X = with_holes(three, present)
    first = quick(checkpoint=tmp_path).fit(X)
    assert len(list(tmp_path.iterdir())) == 1
    again = quick(checkpoint=tmp_path).fit(X)
    assert_same_weights(first, again)
    assert len(list(tmp_path.iterdir())) == 1
    # the same rows of each modality, with other partners
    rolled = {**X, "audio": np.roll(X["audio"], 1, axis=0)}
    quick(checkpoint=tmp_path).fit(rolled)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("n", [2, 3])
def test_batches_with_one_row_of_a_modality(n, three, quick):
    """Batch normalisation gets no batch of one row, and no placeholder."""

    def normalised(shape, n_outputs):
        return torch.nn.Sequential(
            torch.nn.Linear(shape[0], 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, n_outputs)
        )

    X = {name: rows.copy() for name, rows in three.items()}
    X["touch"][n:] = np.nan
    aligner = quick(encoders=normalised, batch_size=4).fit(X)
    assert np.isfinite(aligner.embed(three)["touch"]).all()
    norm = aligner.module_.encoder("touch").backbone[1]
    assert norm.running_mean.isfinite().all()


NAN = np.nan


def beside_missing(X, value):
    return np.vstack([np.full((9, 5), NAN), [[value, 1, 1, 1, 1]], X[10:]])


ERRORS = {
    "a row without any modality": (
        lambda X: {name: np.where(np.arange(N)[:, None] == 7, NAN, x) for name, x in X.items()},
        "1 of 48 rows lack every modality: 7. Drop",
    ),
    "a modality of one row": (
        lambda X: {**X, "touch": np.where(np.arange(N)[:, None] == 7, X["touch"], NAN)},
        "modality 'touch' is present in 1 of 48 rows, while at least 2",
    ),
    "modalities that do not meet": (
        lambda X: {
            "audio": np.where(np.arange(N)[:, None] < 20, X["audio"], NAN),
            "image": np.where(np.arange(N)[:, None] < 20, NAN, X["image"]),
        },
        r"no two rows have both a modality of \['audio'\] and one of \['image'\]",
    ),
    "a part of a row": (
        lambda X: {**X, "audio": np.where(np.eye(N, 5) > 0, NAN, X["audio"])},
        r"'audio' contains NaN \(first at row 0; 5 row\(s\).*SimpleImputer",
    ),
    "a part of a row beside whole ones": (
        lambda X: {
            **X,
            "audio": beside_missing(X["audio"], NAN),
        },
        r"'audio' contains NaN \(first at row 9; 1 row\(s\)",
    ),
    "infinity beside whole rows": (
        lambda X: {
            **X,
            "audio": beside_missing(X["audio"], np.inf),
        },
        r"'audio' contains infinity \(first at row 9; 1 row\(s\)",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_what_cannot_be_trained(case, three, quick):
    spoil, message = ERRORS[case]
    with pytest.raises(ValueError, match=message):
        quick().fit(spoil(dict(three)))


def test_modalities_that_a_third_connects(three, quick):
    early = np.arange(N)[:, None] < 24
    X = {
        **three,
        "audio": np.where(early, three["audio"], NAN),
        "image": np.where(early, NAN, three["image"]),
    }
    aligner = quick(bottleneck="canonical").fit(X)
    assert np.isfinite(aligner.embed(three)["image"]).all()


def test_items_of_other_names(three, quick):
    items = [{"audio": a, "image": b} for a, b in zip(three["audio"], three["image"], strict=True)]
    items[7] = {"audio": items[7]["audio"], "imgae": items[7]["image"]}
    with pytest.raises(ValueError, match=r"have modality 'imgae'.*Did you mean 'image'"):
        quick().fit(Records(items))


def test_complete_data_has_no_masks(three, quick):
    lists = as_none(three, dict.fromkeys(three, np.ones(N, bool)))
    assert_same_weights(quick().fit(three), quick().fit(lists))


@pytest.mark.parametrize("takes_unpaired", [False, True])
def test_rows_without_a_partner_are_in_batches_of_terms_that_use_them(views, quick, takes_unpaired):
    counts = []

    def counted(embeddings, present=None):
        whole = [len(item.mean) for item in embeddings]
        counts.append(whole if present is None else [int(mask.sum()) for mask in present])
        return sum(item.mean.sum() for item in embeddings) * 0

    term = Minimality(counted, pairwise=False, takes_present=True, takes_unpaired=takes_unpaired)
    image = views["image"].copy()
    image[10:] = np.nan
    data = {"audio": views["audio"], "image": image}
    groups = np.arange(N) // 2
    quick(minimality=term, max_epochs=1, batch_size=-1, same_group="ignored").fit(
        data, groups=groups
    )
    assert counts == [[N if takes_unpaired else 10, 10]]


def test_geometry_of_held_out_rows_that_all_lack_a_modality(three, quick):
    rare = dict.fromkeys(three, np.ones(N, bool)) | {"touch": np.arange(N) % 16 == 0}
    aligner = quick(early_stopping=True, validation_fraction=0.1)
    history = aligner.fit(with_holes(three, rare)).history_
    assert np.isfinite([epoch["valid_modality_gap"] for epoch in history]).all()
    assert np.isfinite([epoch["valid_uniformity"] for epoch in history]).all()


def test_held_out_rows_without_a_partner_are_no_pairs(views, quick):
    X = {name: rows.copy() for name, rows in views.items()}
    X["audio"][8:] = np.nan
    X["image"][2:8] = np.nan
    with pytest.raises(ValueError, match="but 2 pairs are too few to split"):
        quick(minimality="cs", early_stopping=True).fit(X)
    X["image"][2:8] = views["image"][2:8]
    with pytest.warns(FewHeldOutWarning, match="a loss of 0.02 on [2-8] held-out pairs"):
        quick(minimality="cs", beta="auto", validation_fraction=0.5).fit(X)
