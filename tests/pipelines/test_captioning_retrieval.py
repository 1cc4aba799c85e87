"""Retrieval from frozen towers: features, measures, claims, and a whole run on few rows."""

import doctest

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.utils import Bunch

from mibsk import Modalities
from pipelines.captioning import data, data_images, retrieval, retrieval_claims
from pipelines.captioning.data_detected import DetectedWords
from pipelines.captioning.data_images import Gradients, Patches
from pipelines.captioning.data_texts import ObjectCounts
from pipelines.captioning.stage import HERE, CaptioningStage
from pipelines.paper.stage import params


@pytest.mark.parametrize("module", [data, data_images])
def test_examples_of_docstrings(module):
    failed, attempted = doctest.testmod(module)
    assert (failed, attempted > 0) == (0, True)


# pictures


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (40, 24, 24), dtype=np.uint8)


def test_gradients_keep_their_sum_over_directions(images):
    one = np.square(Gradients(n_directions=1).fit_transform(images))
    eight = np.square(Gradients(n_directions=8).fit_transform(images))
    np.testing.assert_allclose(eight.reshape(40, -1, 8).sum(2), one, rtol=1e-4)


def test_a_turned_picture_has_turned_gradients(images):
    found = Gradients(n_directions=4).fit_transform(images).reshape(40, 4, 4, 4)
    turned = Gradients(n_directions=4).fit_transform(np.rot90(images, axes=(1, 2)))
    # up is a smaller row, so that a quarter turn to the left takes direction k to k - 1
    expected = np.roll(np.rot90(found, axes=(1, 2)), -1, axis=3)
    np.testing.assert_allclose(turned.reshape(40, 4, 4, 4), expected, atol=1e-4)


def test_patches_do_not_depend_on_brightness_and_hardly_on_contrast(images):
    patches = Patches(6, 16, grid=(2, 2)).fit(images)
    found = patches.transform(images // 2)
    assert found.shape == (40, 16 * 4)
    np.testing.assert_allclose(patches.transform(images // 2 + 100), found, atol=1e-3)
    assert np.corrcoef(patches.transform(images).ravel(), found.ravel())[0, 1] > 0.95


def test_sorted_regions_have_the_same_values_in_ascending_order(images):
    plain, in_order = (
        Patches(6, 8, grid=(2, 2), sort=sort).fit(images).transform(images).reshape(40, 8, 4)
        for sort in (False, True)
    )
    np.testing.assert_array_equal(in_order, np.sort(plain, axis=2))
    assert not np.array_equal(in_order, plain)


def test_same_seed_gives_the_same_patches(images):
    first, second = (Patches(6, 16).fit(images).transform(images) for _ in range(2))
    np.testing.assert_array_equal(first, second)


# tables of objects


def test_counts_of_objects_do_not_depend_on_the_order_of_boxes():
    rng = np.random.default_rng(0)
    objects = np.zeros((5, 3, 8, 10), dtype=np.float32)
    there = rng.random((5, 3, 8)) < 0.5
    objects[..., 0] = there
    objects[..., 1:4] = np.eye(3)[rng.integers(3, size=there.shape)] * there[..., None]
    objects[..., 4:7] = np.eye(3)[rng.integers(3, size=there.shape)] * there[..., None]
    objects[..., 7:] = rng.random((*there.shape, 3)) * there[..., None]
    found = ObjectCounts().fit_transform(objects)
    np.testing.assert_array_equal(ObjectCounts().fit_transform(objects[:, [2, 0, 1]]), found)
    kinds = found.reshape(5, 3, 15)[..., :9]
    np.testing.assert_array_equal(kinds.sum((1, 2)), there.sum((1, 2)))
    sizes = found.reshape(5, 3, 15)[..., 9:12]
    np.testing.assert_array_equal(sizes.sum((1, 2)), there.sum((1, 2)))


# blocks of features


@pytest.fixture
def parts():
    rng = np.random.default_rng(0)
    picture = np.repeat(np.arange(20), 2)

    def bunch(n):
        rows = {
            "image_features": rng.normal(3, 2, (20, 6))[picture[:n]],
        }
        rows["text_features"] = rows["image_features"][:, :4] + rng.normal(size=(n, 4))
        return Bunch(data=Modalities(rows), picture=picture[:n], groups=picture[:n] // 2)

    return bunch(40), bunch(10)


SPECS = {
    "image": {"tower": {"source": "image_features", "n_components": 3}},
    "text": {"tower": {"source": "text_features", "weight": 0.5}},
}


def test_a_block_has_the_total_variance_of_its_weight(parts):
    train, test = data.features(*parts, SPECS)
    assert train.blocks["image"]["tower"].shape == (40, 3)
    assert test.blocks["image"]["tower"].shape == (10, 3)
    for modality, total in (("image", 1.0), ("text", 0.25)):
        rows = train.blocks[modality]["tower"]
        np.testing.assert_allclose(rows.mean(0), 0, atol=1e-6)
        np.testing.assert_allclose(rows.var(0).sum(), total, rtol=1e-5)


def test_features_of_training_rows_do_not_depend_on_test_rows(parts):
    train, test = parts
    other = Bunch(**{**test, "data": Modalities({k: v * 9 for k, v in test.data.items()})})
    first, second = (data.features(train, each, SPECS)[0].blocks for each in (test, other))
    for modality in SPECS:
        np.testing.assert_array_equal(first[modality]["tower"], second[modality]["tower"])


def test_all_texts_of_a_picture_are_a_further_row(parts):
    train, _ = data.features(*parts, SPECS)
    found = train.with_all_texts()
    assert len(found.picture) == 60
    np.testing.assert_array_equal(found.picture[40:], np.arange(20))
    np.testing.assert_array_equal(found.groups[40:], np.arange(20) // 2)
    text, image = (train.blocks[modality]["tower"] for modality in ("text", "image"))
    mean = (text[0] + text[1]) / 2
    np.testing.assert_allclose(found.blocks["text"]["tower"][40], mean, atol=1e-6)
    np.testing.assert_array_equal(found.blocks["image"]["tower"][40], image[0])


def drawings():
    """Bright squares, named after their side of the picture, and words that nothing shows."""
    rng = np.random.default_rng(0)
    images = rng.integers(60, size=(96, 24, 24), dtype=np.uint8)
    is_left = np.arange(96) % 2 == 0
    for image, left in zip(images, is_left, strict=True):
        column = rng.integers(1, 4) + (0 if left else 14)
        image[8:16, column : column + 6] = 255
    texts = [f"{'left' if left else 'right'} {rng.choice(['dim', 'odd'])}" for left in is_left]
    return images, texts, np.arange(96) // 4, is_left


DETECTOR = {"n_folds": 2, "max_epochs": 8, "batch_size": 16, "shift": 1}


def test_words_are_detected_in_new_pictures():
    images, texts, groups, is_left = drawings()
    detector = DetectedWords(**DETECTOR)
    crossed = detector.fit_transform(images[:64], texts[:64], groups[:64])
    found = detector.transform(images[64:])
    assert crossed.shape == (64, 8)
    assert found.shape == (32, 8)  # dim, left, odd, right: scores, and roots of probabilities
    for rows, truth in ((crossed, is_left[:64]), (found, is_left[64:])):
        assert np.mean((rows[:, 1] > rows[:, 3]) == truth) > 0.9
    totals = [crossed[:, :4].var(0).sum(), crossed[:, 4:].var(0).sum()]
    np.testing.assert_allclose(totals, 1, rtol=1e-4)
    again = DetectedWords(**DETECTOR).fit_transform(images[:64], texts[:64], groups[:64])
    np.testing.assert_array_equal(again, crossed)


def test_scores_of_a_training_picture_are_of_networks_without_its_group():
    images, texts, groups, _ = drawings()
    first = DetectedWords(**DETECTOR)
    crossed = first.fit_transform(images, texts, groups)
    texts[0] = "left right dim odd"
    second = DetectedWords(**DETECTOR)
    changed = second.fit_transform(images, texts, groups)
    # up to the common scale, which depends on all
    same = (changed * np.repeat(second.scales_, 4) + np.hstack(second.means_)) - (
        crossed * np.repeat(first.scales_, 4) + np.hstack(first.means_)
    )
    fold_of_first = np.abs(same).max(1) < 1e-5
    assert fold_of_first[:4].all()
    assert 0.2 < fold_of_first.mean() < 0.8


# measures and claims


def test_pictures_are_once_in_the_gallery_and_any_text_is_right():
    picture = np.array([0, 0, 1, 2])
    texts = np.eye(3)[[1, 0, 1, 2]]
    found = retrieval.measure({"image": np.eye(3)[picture], "text": texts}, picture)
    found = {row["direction"]: row for row in found}
    assert found["image to text"]["queries"] == 3
    assert found["image to text"]["gallery"] == 4
    # the wrong text 0 ties with the right text 2 of picture 1, and counts against it
    assert found["image to text"]["recall@1"] == pytest.approx(2 / 3)
    assert found["text to image"]["recall@1"] == pytest.approx(3 / 4)
    # the texts of picture 0 together are as near to picture 1 as to it
    assert found["texts to image"]["queries"] == 3
    assert found["texts to image"]["recall@1"] == pytest.approx(2 / 3)


def test_with_one_text_to_a_picture_there_are_two_directions():
    Z = {"image": np.eye(4), "text": np.eye(4)}
    found = retrieval.measure(Z, np.arange(4))
    assert [row["direction"] for row in found] == ["image to text", "text to image"]


def test_methods_together_have_the_sum_of_their_scores(parts):
    train, test = data.features(*parts, SPECS)
    one = {"estimator": "canonical", "n_components": 2, "level": 0.01}
    methods = {"one": one, "other": one | {"ridge": 1.0}, "twice": {"together": ["one", "one"]}}
    found = retrieval.run({"methods": methods}, train, test, seed=0).set_index("method")
    columns = ["direction", "recall@1", "recall@5", "median rank"]
    pd.testing.assert_frame_equal(
        found.loc["one", columns].reset_index(drop=True),
        found.loc["twice", columns].reset_index(drop=True),
    )


def test_claims_are_about_differences_on_the_same_splits():
    recalls = {"ours": [0.5, 0.6], "floor": [0.4, 0.5], "nce": [0.45, 0.5], "beta": [0.44, 0.49]}
    table = pd.DataFrame(
        {"method": method, "split": split, "direction": direction, "recall@10": value}
        for method, values in recalls.items()
        for split, value in enumerate(values)
        for direction in ("image to text", "text to image")
    )
    settings = {"ours": "ours", "floor": "floor", "contrastive": "nce", "regularised": "beta"}
    claims = retrieval_claims.claims_of(table, settings | {"gain": 0.08})
    found = {claim.key: claim for claim in claims}
    assert len(found) == 6
    assert found["retrieval.image_to_text.gain"].value == pytest.approx(0.1)
    assert found["retrieval.image_to_text.gain"].verdict == "holds"
    assert found["retrieval.text_to_image.regulariser"].verdict == "holds"


# settings and stages


def test_every_dataset_of_a_setting_has_a_stage():
    (declared,) = yaml.safe_load((HERE / "dvc.yaml").read_text())["vars"]
    runs = {(run["setting"], run["set"]) for run in declared["runs"].values()}
    settings = yaml.safe_load((HERE / "params.yaml").read_text())
    assert runs == {
        (name, each) for name in settings for each in settings[name].get("retrieval", {})
    }


@pytest.mark.parametrize("setting", ["small", "smoke"])
def test_methods_can_be_built_and_claims_name_them(setting):
    for of_set in params(setting, HERE)["retrieval"].values():
        for method in of_set["methods"].values():
            if "together" in method:
                assert set(method["together"]) <= set(of_set["methods"])
            else:
                retrieval.build(method, 0)._validate_params()
        named = {k: v for k, v in of_set["claims"].items() if k not in ("gain", "recall")}
        assert set(named.values()) <= set(of_set["methods"])


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")
@pytest.mark.filterwarnings("ignore::mibsk.exceptions.NothingSharedWarning")  # of few rows
def test_a_run_on_few_rows(shared_data, tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    if not (shared_data / "nlvr").is_dir():
        pytest.skip(f"no folder nlvr in {shared_data}")
    monkeypatch.setenv("MIBSK_DATA", str(shared_data))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")

    class Elsewhere(CaptioningStage):
        folder = tmp_path

    (tmp_path / "params.yaml").write_text((HERE / "params.yaml").read_text())
    stage = Elsewhere("retrieval", "smoke", "nlvr")
    retrieval.main(stage)
    table = stage.read_table()
    assert len(table) == 2 * 4 * 4
    assert not table.isna().any().any()
    assert table["recall@10"].between(table["recall@1"], 1).all()
    assert len(stage.read_claims()) == 6
    assert stage.table_file.with_suffix(".png").stat().st_size > 5000
    retrieval.main(stage)
    columns = ["method", "split", "direction", "recall@10", "median rank"]
    pd.testing.assert_frame_equal(stage.read_table()[columns], table[columns])


def test_the_pictures_of_nlvr_are_its_scenes(shared_data):
    if not (shared_data / "nlvr").is_dir():
        pytest.skip(f"no folder nlvr in {shared_data}")
    bunch = data.load("nlvr", {"path": shared_data, "modalities": ["text"], "n_orders": 1})
    assert len(np.unique(bunch.picture)) == 523
    part = data.load(
        "nlvr", {"path": shared_data, "modalities": ["text"], "n_orders": 1, "share": 0.1}
    )
    assert 100 <= len(part.data) <= 120
