"""Paired data in every form that the contract names give sane embeddings."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.compose import make_column_selector

from mibsk import ClassPairs, Modalities
from mibsk.metrics import recall_at_k

from .common import Items

CUTS = {
    "slices": {"audio": slice(0, 5), "image": slice(5, 9)},
    "positions": {"audio": [0, 1, 2, 3, 4], "image": [5, 6, 7, 8]},
    "masks": {"audio": np.arange(9) < 5, "image": np.arange(9) >= 5},
}
NAMED_CUTS = {
    "names": {"audio": [f"audio{i}" for i in range(5)], "image": [f"image{i}" for i in range(4)]},
    "name slices": {"audio": slice("audio0", "audio4"), "image": slice("image0", "image3")},
    "callables": {
        "audio": make_column_selector(pattern="audio"),
        "image": make_column_selector(pattern="image"),
    },
}


def named(table):
    columns = [f"audio{i}" for i in range(5)] + [f"image{i}" for i in range(4)]
    return pd.DataFrame(table, columns=columns)


def assert_unit_rows(embedded, n_rows, n_components=4):
    for z in embedded.values():
        assert z.shape == (n_rows, n_components)
        assert z.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("container", [dict, Modalities])
def test_mapping(views, quick, container):
    aligner = quick().fit(container(views))
    assert aligner.modality_names_ == ["audio", "image"]
    assert not hasattr(aligner, "n_features_in_")
    assert_unit_rows(aligner.embed(container(views)), 48)
    fused = aligner.transform(container(views))
    assert fused.shape == (48, 8)
    assert fused.dtype == np.float32


def test_mapping_leaves_labels_alone(views, quick):
    """`y` is for a later step: whatever it holds, the model is the same."""
    alone = quick().fit(views).transform(views)
    for y in (np.arange(48), ["a"] * 48, np.full(48, np.nan)):
        np.testing.assert_array_equal(quick().fit(views, y).transform(views, y), alone)


@pytest.mark.parametrize("cut", CUTS)
def test_table_cut_by(table, views, quick, cut):
    aligner = quick(CUTS[cut]).fit(table)
    assert aligner.n_features_in_ == 9
    np.testing.assert_array_equal(aligner.transform(table), quick().fit(views).transform(views))


@pytest.mark.parametrize("cut", NAMED_CUTS)
def test_data_frame_cut_by(table, views, quick, cut):
    frame = named(table)
    aligner = quick(NAMED_CUTS[cut]).fit(frame)
    assert list(aligner.feature_names_in_) == list(frame.columns)
    np.testing.assert_array_equal(aligner.transform(frame), quick().fit(views).transform(views))


def test_modalities_of_a_table_may_overlap_and_leave_columns_out(table, quick):
    aligner = quick({"some": [0, 1, 2], "others": [2, 8]}).fit(table)
    assert [spec.shape for spec in aligner.inputs_.values()] == [(3,), (2,)]


def test_data_frame_with_text_and_numbers(quick):
    notes = [f"no. {i}" for i in range(20)]
    frame = pd.DataFrame({"note": notes, "a": np.arange(20.0), "b": np.ones(20)})
    aligner = quick({"text": ["note"], "numbers": ["a", "b"]}).fit(frame)
    assert {name: spec.kind for name, spec in aligner.inputs_.items()} == {
        "text": "text",
        "numbers": "dense",
    }
    assert_unit_rows(aligner.embed(frame), 20)


def test_two_tables(views, quick):
    X, Y = views["audio"], views["image"]
    aligner = quick().fit(X, Y)
    both = aligner.transform(X, Y)
    assert isinstance(both, tuple)
    assert [z.shape for z in both] == [(48, 4), (48, 4)]
    np.testing.assert_array_equal(aligner.transform(X), both[0])
    assert aligner.modality_names_ == ["x", "y"]
    assert aligner.n_features_in_ == 5
    assert 0 <= aligner.score(X, Y) <= 1


def test_two_tables_of_images(quick):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(12, 4, 4)), rng.normal(size=(12, 3))
    assert quick().fit(X, Y).transform(X).shape == (12, 4)


@pytest.mark.parametrize(
    ("labels", "n_classes"),
    [
        (np.arange(48) % 3, 3),
        (np.asarray(["cat", "dog"] * 24), 2),
        (np.asarray(["cat", "dog"] * 24, dtype=object), 2),
        (pd.Series(["cat", "dog", "cow"] * 16), 3),
        (np.arange(48) % 2 == 0, 2),
    ],
    ids=["int", "str", "object", "series", "bool"],
)
def test_class_labels_become_one_hot(views, quick, labels, n_classes):
    aligner = quick().fit(views["audio"], labels)
    assert aligner.inputs_["y"].kind == "labels"
    assert aligner.inputs_["y"].shape == (n_classes,)
    z = aligner.transform(views["audio"], labels)[1]
    assert len(np.unique(z.round(4), axis=0)) == n_classes


def test_score_with_class_labels_is_by_class(views, quick):
    y = np.tile(["cat", "dog"], 24)
    X = views["audio"] + 3.0 * (y == "cat")[:, None]
    aligner = quick().fit(X, y)
    z, w = aligner.embed(X, y).values()
    by_class = [recall_at_k(*pair, labels=(y, y)) for pair in ((z, w), (w, z))]
    assert aligner.score(X, y) == np.mean(by_class) > 0.9


def test_one_number_per_row_becomes_a_column(views, quick):
    aligner = quick().fit(views["audio"], views["image"][:, 0])
    assert aligner.inputs_["y"].kind == "dense"
    assert aligner.inputs_["y"].shape == (1,)


def test_torch_dataset(views, quick):
    dataset = Items({name: X.astype(np.float32) for name, X in views.items()})
    aligner = quick().fit(dataset)
    np.testing.assert_allclose(
        aligner.transform(views), quick().fit(views).transform(views), atol=1e-4
    )
    np.testing.assert_array_equal(aligner.transform(dataset), aligner.transform(views))
    assert aligner.score(dataset) == aligner.score(views)


def test_memory_maps(views, quick, tmp_path):
    mapped = {}
    for name, X in views.items():
        np.save(tmp_path / f"{name}.npy", X)
        mapped[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    aligner = quick().fit(mapped)
    expected = quick().fit(views).transform(views)
    np.testing.assert_allclose(aligner.transform(mapped), expected, atol=1e-5)


@pytest.mark.parametrize("make", [sp.csr_array, sp.csc_array, sp.coo_array, sp.csr_matrix])
def test_sparse(views, quick, make):
    dense = np.where(views["image"] > 0, views["image"], 0)
    aligner = quick().fit({"audio": views["audio"], "image": make(dense)})
    assert aligner.inputs_["image"].kind == "sparse"
    embedded = aligner.embed({"image": make(dense)})
    assert_unit_rows(embedded, 48)
    np.testing.assert_allclose(aligner.embed({"image": dense})["image"], embedded["image"])


@pytest.mark.parametrize("container", [list, np.asarray, pd.Series])
def test_strings(views, quick, container):
    texts = container([f"number {i}" for i in range(48)])
    aligner = quick().fit({"audio": views["audio"], "text": texts})
    assert aligner.inputs_["text"].kind == "text"
    assert_unit_rows(aligner.embed({"text": ["never seen before", "number 1"]}), 2)


def test_uint8_images_stay_uint8(views, quick):
    images = np.random.default_rng(0).integers(256, size=(48, 4, 4), dtype=np.uint8)
    aligner = quick().fit({"audio": views["audio"], "image": images})
    assert aligner.inputs_["image"].dtype == "uint8"
    assert_unit_rows(aligner.embed({"image": images}), 48)


def test_torch_tensors_and_lists(views, quick):
    expected = quick().fit(views).transform(views)
    tensors = {name: torch.tensor(X) for name, X in views.items()}
    lists = {name: X.tolist() for name, X in views.items()}
    np.testing.assert_array_equal(quick().fit(tensors).transform(tensors), expected)
    np.testing.assert_array_equal(quick().fit(lists).transform(lists), expected)


def test_class_pairs(quick):
    rng = np.random.default_rng(0)
    heard, seen = np.arange(30) % 3, np.arange(45) % 3
    pairs = ClassPairs(
        {
            "audio": (heard[:, None] + 0.1 * rng.normal(size=(30, 4)), heard),
            "image": (seen[:, None] + 0.1 * rng.normal(size=(45, 5)), seen),
        },
        anchor="audio",
        random_state=0,
    )
    aligner = quick(max_epochs=20, lr=1e-2).fit(pairs)
    assert_unit_rows(aligner.embed(pairs), 30)
    # classes are far apart, so the nearest image is of the right class
    assert aligner.score(pairs) > 0.9
    assert aligner.embed({"image": rng.normal(size=(7, 5))})["image"].shape == (7, 4)


def test_three_modalities(views, quick):
    three = {**views, "third": views["audio"][:, :2] + views["image"][:, :2]}
    aligner = quick().fit(three)
    assert aligner.transform(three).shape == (48, 12)
    assert aligner.modality_names_ == ["audio", "image", "third"]
    assert quick(fusion="mean").fit(three).transform(three).shape == (48, 4)
    assert 0 <= aligner.score(three) <= 1


def test_names_that_torch_forbids(views, quick):
    """`torch.nn.ModuleDict` takes neither dots nor its own method names."""
    odd = {"a.b": views["audio"], "keys": views["image"], "": views["audio"]}
    assert quick().fit(odd).transform(odd).shape == (48, 12)


def test_order_of_fit_counts(views, quick):
    aligner = quick().fit(views)
    backwards = {name: views[name] for name in ("image", "audio")}
    np.testing.assert_array_equal(aligner.transform(backwards), aligner.transform(views))


def test_a_table_after_a_mapping_and_back(views, table, quick):
    aligner = quick().fit(views)
    aligner.set_params(modalities=CUTS["slices"]).fit(table)
    assert aligner.n_features_in_ == 9
    aligner.set_params(modalities=None).fit(views)
    assert not hasattr(aligner, "n_features_in_")
