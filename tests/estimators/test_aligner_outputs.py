"""What a fitted aligner gives: embeddings, fusion, names, encoders, history."""

import numpy as np
import pandas as pd
import pytest

from mibsk.metrics import recall_at_k

from .common import CUT


def test_fusion(views, quick):
    aligner = quick().fit(views)
    embedded = aligner.embed(views)
    parts = [embedded["audio"], embedded["image"]]
    np.testing.assert_array_equal(aligner.transform(views), np.hstack(parts))
    aligner.set_params(fusion="mean")
    np.testing.assert_allclose(aligner.transform(views), np.mean(parts, axis=0), atol=1e-7)
    aligner.set_params(fusion="image")
    np.testing.assert_array_equal(aligner.transform(views), embedded["image"])
    np.testing.assert_array_equal(aligner.transform({"image": views["image"]}), embedded["image"])


@pytest.mark.parametrize("word", ["concat", "mean"])
def test_fusion_goes_before_a_modality_of_that_name(views, quick, word):
    named = {word: views["audio"], "image": views["image"]}
    aligner = quick(fusion=word).fit(named)
    parts = list(aligner.embed(named).values())
    expected = {"concat": np.hstack(parts), "mean": np.mean(parts, axis=0)}[word]
    np.testing.assert_allclose(aligner.transform(named), expected, atol=1e-7)
    assert len(aligner.get_feature_names_out()) == expected.shape[1]
    part = {word: views["audio"]}
    if word == "mean":
        np.testing.assert_array_equal(aligner.transform(part), aligner.embed(part)[word])
        return
    with pytest.raises(ValueError, match=r"missing modality \['image'\]"):
        aligner.transform(part)


def test_embed_takes_any_part(views, quick):
    aligner = quick().fit(views)
    whole = aligner.embed(views)
    part = aligner.embed({"image": views["image"][5:9]})
    assert list(part) == ["image"]
    np.testing.assert_allclose(part["image"], whole["image"][5:9], atol=1e-6)


def test_more_rows_than_one_chunk(views, quick):
    aligner = quick().fit(views)
    many = np.tile(views["audio"], (60, 1))  # 2,880 rows
    embedded = aligner.embed({"audio": many})["audio"]
    np.testing.assert_allclose(embedded, np.tile(aligner.embed(views)["audio"], (60, 1)), atol=1e-6)


def test_no_rows_give_no_embeddings(views, quick):
    aligner = quick().fit(views)
    assert aligner.embed({"audio": views["audio"][:0]})["audio"].shape == (0, 4)


def test_score_is_mean_recall_over_ordered_pairs(views, quick):
    three = {**views, "third": views["audio"][:, :2]}
    aligner = quick().fit(three)
    z = aligner.embed(three)
    recalls = [recall_at_k(z[a], z[b]) for a in z for b in z if a != b]
    assert len(recalls) == 6
    assert aligner.score(three) == pytest.approx(np.mean(recalls))


@pytest.mark.parametrize(
    ("fusion", "first", "n_names"),
    [("concat", "audio_0", 8), ("mean", "ibaligner0", 4), ("audio", "ibaligner0", 4)],
)
def test_feature_names_match_columns(views, quick, fusion, first, n_names):
    aligner = quick(fusion=fusion).fit(views)
    names = aligner.get_feature_names_out()
    assert names[0] == first
    assert len(set(names)) == len(names) == n_names == aligner.transform(views).shape[1]


def test_set_output_pandas(table, quick):
    frame = pd.DataFrame(table, columns=[f"c{i}" for i in range(9)], index=range(100, 148))
    aligner = quick(CUT).set_output(transform="pandas")
    out = aligner.fit_transform(frame)
    assert list(out.columns) == list(aligner.get_feature_names_out())
    assert list(out.index) == list(frame.index)
    aligner.set_output(transform="default")
    np.testing.assert_array_equal(out.to_numpy(), aligner.transform(frame))


def test_set_output_pandas_of_a_mapping(views, quick):
    out = quick().set_output(transform="pandas").fit_transform(views)
    assert list(out.columns[[0, 7]]) == ["audio_0", "image_3"]


def test_history_parts_sum_to_the_loss(views, quick):
    aligner = quick(max_epochs=3, beta=0.5, early_stopping=True, validation_fraction=0.2).fit(views)
    assert [epoch["epoch"] for epoch in aligner.history_] == [1, 2, 3]
    assert aligner.n_iter_ == 3
    for epoch in aligner.history_:
        for side in ("train", "valid"):
            parts = epoch[f"{side}_sufficiency"] + epoch[f"{side}_minimality"]
            assert parts == pytest.approx(epoch[f"{side}_loss"], rel=1e-5)
            weighed = 0.5 * epoch[f"{side}_divergence"]
            assert weighed == pytest.approx(epoch[f"{side}_minimality"], rel=1e-5)
        assert epoch["beta"] == 0.5
    assert "batches" not in aligner.history_[0]


def test_one_way_sufficiency_is_another_loss(views, quick):
    both = quick(max_epochs=1).fit(views)
    oneway = quick(max_epochs=1, sufficiency="infonce-oneway").fit(views)
    assert both.history_[0]["train_sufficiency"] != oneway.history_[0]["train_sufficiency"]


def test_variational(views, quick):
    aligner = quick(minimality="variational", beta=0.01).fit(views)
    z = aligner.embed(views)["audio"]
    assert z.shape == (48, 4)
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(z, aligner.embed(views)["audio"])  # the mean, not a sample
    assert aligner.history_[-1]["train_divergence"] > 0


def test_parameters_changed_after_fit_do_not_change_the_model(views, quick):
    aligner = quick().fit(views)
    before = aligner.transform(views)
    aligner.set_params(n_components=9)
    np.testing.assert_array_equal(aligner.transform(views), before)
    assert len(aligner.get_feature_names_out()) == 8
