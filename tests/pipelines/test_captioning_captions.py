"""Captions of scenes and pictures: data, measures, claims, and a whole run on few rows."""

import doctest
import json

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from mibsk.datasets import make_scenes, one_per_picture
from pipelines.captioning import (
    captions,
    captions_data,
    captions_training,
    report,
    scenes_measures,
    scenes_tower,
)
from pipelines.captioning.captions_claims import claims_of
from pipelines.captioning.scenes_measures import scene_scores
from pipelines.captioning.scenes_tower import WordDetector
from pipelines.captioning.stage import HERE, CaptioningStage

SETTINGS = yaml.safe_load((HERE / "params.yaml").read_text())
EVERY = [
    (setting, of_set)
    for setting, sections in SETTINGS.items()
    for of_set in sections["captions"].values()
]


@pytest.mark.parametrize("module", [captions_data, report, scenes_measures, scenes_tower])
def test_examples_of_docstrings(module):
    failed, attempted = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert (failed, attempted > 0) == (0, True)


# data


@pytest.fixture(scope="module")
def scenes():
    return one_per_picture(make_scenes(120, image_size=16, n_captions=3, random_state=0))


def test_features_of_scenes_depend_on_the_seed_alone(scenes):
    images = np.asarray(scenes.data["image"])
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, second, other = (
        WordDetector(width=8, max_epochs=1, random_state=seed)
        .fit(images, scenes.references)
        .features(images)
        for seed in (0, 0, 1)
    )
    assert first.shape == (120, 2, 2, 8)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_words_of_captions_are_found_where_they_are():
    """A red or a blue square in one of four places, whose captions say the colour alone."""
    rng = np.random.default_rng(0)
    red, place = rng.integers(2, size=200), rng.integers(4, size=200)
    images = np.full((200, 32, 32, 3), 128, np.uint8)
    for image, is_red, quarter in zip(images, red, place, strict=True):
        row, column = divmod(quarter, 2)
        square = image[16 * row + 4 : 16 * row + 12, 16 * column + 4 : 16 * column + 12]
        square[:] = [255, 0, 0] if is_red else [0, 0, 255]
    texts = [["a red square"] if is_red else ["a blue square"] for is_red in red]
    detector = WordDetector(width=16, max_epochs=4, batch_size=20).fit(images, texts)
    maps = detector.features(images)
    assert maps.shape == (200, 4, 4, 16)
    maps = maps.reshape(200, 2, 2, 2, 2, 16).max((2, 4)).reshape(200, 4, 16)  # of the quarters
    of_square = maps[np.arange(200), place]
    by_color = np.array([of_square[red == color].mean(0) for color in (0, 1)])
    nearest = np.square(of_square[:, None] - by_color).sum(2).argmin(1)
    assert (nearest == red).all()
    elsewhere = maps[np.arange(200), 3 - place]
    gap = np.linalg.norm(elsewhere[red == 0].mean(0) - elsewhere[red == 1].mean(0))
    assert gap < np.linalg.norm(by_color[0] - by_color[1]) / 3


def test_places_are_one_hot_and_channels_are_standardised_on_the_training_rows():
    rng = np.random.default_rng(0)
    maps = rng.normal(3, 2, (50, 4, 5, 6))
    train, test = captions_data.with_places(maps, 2 * maps[:3])
    np.testing.assert_allclose(train[..., :6].mean((0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(train[..., :6].std((0, 1)), 1, rtol=1e-4)
    np.testing.assert_allclose(test[0, 7, :6], (2 * maps[0, 1, 2] - 3) / 2, atol=0.3)
    np.testing.assert_array_equal(train[0, :, 6:], test[0, :, 6:])
    np.testing.assert_allclose(np.square(train[0, :, 6:10]).mean(0), 1, rtol=1e-5)
    assert np.count_nonzero(train[0, 7, 6:]) == 2
    assert train[0, 7, 6 + 1] > 0
    assert train[0, 7, 10 + 2] > 0


def test_scenes_of_a_setting_have_no_scene_in_both_parts():
    train, test = captions_data.load(SETTINGS["smoke"]["captions"]["scenes"]["data"])
    assert train.has_scenes
    assert abs(len(test.features) - 150) < 10
    assert abs(len(train.features) - 200) < 10
    assert set(train.groups).isdisjoint(test.groups)
    assert [len(part.captions) for part in (train, test)] == [
        len(part.features) for part in (train, test)
    ]


def test_drawings_have_texts_of_the_chosen_kinds(shared_data, monkeypatch):
    if not (shared_data / "openclipart").is_dir():
        pytest.skip(f"no folder openclipart in {shared_data}")
    monkeypatch.setenv("MIBSK_DATA", str(shared_data))
    train, test = captions_data.openclipart(test_size=0.2, kinds=["title"])
    assert train.features.shape[1:] == (49, 64 + 14)
    assert {len(texts) for texts in (*train.captions, *test.captions)} == {1}
    assert set(train.groups).isdisjoint(test.groups)
    assert not train.has_scenes


# measures


def test_every_caption_of_a_scene_is_right_for_it_and_others_are_not(scenes):
    other = [texts[2] for texts in scenes.references]
    assert set(scene_scores(other, scenes.references).values()) == {1.0}
    moved = scene_scores(other[1:] + other[:1], scenes.references)
    assert moved["sentence"] == 1.0
    assert moved["scene"] < 0.05
    assert 0.2 < moved["relation"] < 0.5
    broken = scene_scores(["a red box"] * len(other), scenes.references)
    assert set(broken.values()) == {0.0}


# claims


def tables(n_seeds=3):
    """Measures and scores in which beta .1 is best by .1 in everything, up to a little noise."""
    rng = np.random.default_rng(0)
    value = {"a": 0.5, "b": 0.6, "c": 0.4, "d": 0.5, "e": 0.5, "f": 0.7}
    measures, scores = [], []
    for variant, of_variant in value.items():
        for seed in range(n_seeds):
            noise = 1e-4 * rng.normal()
            key = {"variant": variant, "seed": seed}
            names = [
                *("picture_to_text_recall_at_1", "text_to_picture_recall_at_1"),
                *("cka_best", "cka_first", "cka_mean"),
                *("arithmetic_recall_at_1", "picture_recall_at_1", "word_recall_at_1"),
            ]
            measures.append(
                key
                | dict.fromkeys(names, of_variant + noise)
                | {"picture_recall_at_1": 0.1 + noise, "early_loss": 3 - of_variant + noise}
            )
            for system, gain in (
                ("captioner", 0),
                ("nearest picture", -0.2),
                ("nearest caption", 1),
            ):
                about = {"system": system, "references": "all", "captions": "given"}
                noise = 1e-4 * rng.normal()
                values = dict.fromkeys(["cider_d", "bleu_4", "scene"], of_variant + gain + noise)
                scores.append(key | about | values)
                scores.append(key | about | {"captions": "shuffled", "cider_d": 9, "bleu_4": 9})
    return pd.DataFrame(measures), pd.DataFrame(scores)


ROLES = {
    "contrastive": "a",
    "regularised": "b",
    "strong": "c",
    "warmed": "d",
    "unsmoothed": "e",
    "matching": "f",
}


def test_claims_are_about_differences_of_the_same_seeds():
    found = {claim.key: claim for claim in claims_of(*tables(), ROLES)}
    assert found["captions.cider_d.contrastive"].value == pytest.approx(0.1, abs=1e-3)
    assert found["captions.cider_d.strong"].value == pytest.approx(0.2, abs=1e-3)
    assert found["captions.early_loss.warmed"].value == pytest.approx(0.1, abs=1e-3)
    assert found["captions.arithmetic.picture"].value == pytest.approx(0.5, abs=1e-3)
    assert found["captions.scene.nearest_picture"].value == pytest.approx(0.2, abs=1e-3)
    fails = {key for key, claim in found.items() if claim.verdict == "does not hold"}
    assert fails == {
        "captions.recall",  # higher, not lower
        *(f"captions.{name}.nearest_caption" for name in ("cider_d", "bleu_4", "scene")),
    }
    undecided = {key for key, claim in found.items() if claim.verdict == "undecided"}
    assert undecided == {"captions.arithmetic.word"}  # both are equal


def test_a_single_seed_decides_nothing():
    assert {claim.verdict for claim in claims_of(*tables(1), ROLES)} == {"undecided"}


# settings and stages


def test_every_dataset_of_a_setting_has_a_stage():
    (declared,) = yaml.safe_load((HERE / "dvc.yaml").read_text())["vars"]
    runs = {(run["setting"], run["set"]) for run in declared["captions"].values()}
    assert runs == {(name, each) for name in SETTINGS for each in SETTINGS[name]["captions"]}


@pytest.mark.parametrize(("setting", "of_set"), EVERY)
def test_variants_can_be_built_and_claims_name_them(setting, of_set):
    for changes in of_set["variants"].values():
        captions_training.build(of_set, changes, 0)._validate_params()
    assert set(of_set["claims"].values()) <= set(of_set["variants"])


@pytest.mark.slow  # 60 s
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")
def test_a_run_on_few_scenes(tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")

    class Elsewhere(CaptioningStage):
        folder = tmp_path

    (tmp_path / "params.yaml").write_text((HERE / "params.yaml").read_text())
    stage = Elsewhere("captions", "smoke", "scenes")
    captions.main(stage)
    table, scores = stage.read_table(), pd.read_csv(captions.scores_file(stage))
    assert len(table) == 2 * 8
    assert not table.isna().any().any()
    assert len(scores) == 2 * 8 * 3 * 4
    person = scores[scores["captions"] == "person"]
    assert person["bleu_1"].min() > 0.3
    for name in ("", "-pictures"):
        file = stage.table_file.with_name(f"captions-scenes{name}.png")
        assert file.stat().st_size > 5000
    shown = report.tables_of(stage)
    assert "| nearest picture | beta .1 " in shown.replace("  ", " ").replace("  ", " ")
    assert report.claims_of(stage).count("undecided") > 5


@pytest.mark.slow  # 20 s
def test_a_run_on_coco(tmp_path):
    """The published format, with a small image encoder of random weights."""
    transformers = pytest.importorskip("transformers")
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    entries = []
    for i, split in enumerate(["train"] * 20 + ["restval"] * 4 + ["test"] * 12):
        folder = "val2014" if split != "train" else "train2014"
        name = f"COCO_{folder}_{i:012d}.jpg"
        (tmp_path / folder).mkdir(exist_ok=True)
        image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(
            tmp_path / folder / name
        )
        words = [f"A {'cat' if i % 2 else 'dog'} number {i}.", f"There is a picture of {i}."]
        entries.append(
            {
                "filename": name,
                "filepath": folder,
                "split": split,
                "cocoid": i,
                "sentences": [{"raw": text, "sentid": 2 * i + j} for j, text in enumerate(words)],
            }
        )
    (tmp_path / "dataset_coco.json").write_text(json.dumps({"images": entries}))
    config = transformers.ViTConfig(
        image_size=32, patch_size=16, hidden_size=16, num_hidden_layers=1, num_attention_heads=2
    )
    transformers.ViTModel(config).save_pretrained(tmp_path / "tower")
    size = {"height": 32, "width": 32}
    transformers.ViTImageProcessor(size=size).save_pretrained(tmp_path / "tower")
    settings = {
        **SETTINGS["smoke"]["captions"]["scenes"],
        "data": {
            "source": "coco",
            "folder": str(tmp_path),
            "tower": str(tmp_path / "tower"),
            "cache": str(tmp_path / "cache"),
            "image_size": 32,
        },
    }
    train, test = captions_data.load(settings["data"])
    assert train.features.shape == (24, 5, 16)
    assert [len(texts) for texts in test.captions] == [2] * 12
    measures, scores, of_systems = captions.run(settings, "beta .1", 0, (train, test))
    assert "arithmetic_recall_at_1" not in measures
    assert len(scores) == 3 * 4
    assert len(of_systems["captioner"]) == 12
