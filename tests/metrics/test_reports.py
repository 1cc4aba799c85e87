"""Reports have the values of the single metrics."""

import numpy as np
import pandas as pd
import pytest

from mibsk.metrics import (
    alignment_report,
    cka,
    information_report,
    modality_gap,
    mutual_knn,
    probe_information,
    recall_at_k,
)


def unit(Z):
    return Z / np.linalg.norm(Z, axis=1, keepdims=True)


@pytest.fixture
def embeddings():
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((80, 4))
    return {name: unit(hidden + rng.standard_normal((80, 4))) for name in ("image", "text", "pen")}


def two(embeddings):
    return {name: embeddings[name] for name in ("image", "text")}


def test_alignment_of_two_is_the_single_metrics(embeddings):
    z, w = two(embeddings).values()
    report = alignment_report(two(embeddings), k=7)
    assert report == {
        "cka": cka(z, w),
        "mutual_knn": mutual_knn(z, w, k=7),
        "recall_at_1": {"image_to_text": recall_at_k(z, w), "text_to_image": recall_at_k(w, z)},
        "modality_gap": modality_gap(z, w),
    }
    assert report["mutual_knn"] != alignment_report(two(embeddings), k=3)["mutual_knn"]


def test_alignment_of_three_is_the_mean_over_the_pairs(embeddings):
    report = alignment_report(embeddings, k=5)
    pairs = [
        alignment_report({a: embeddings[a], b: embeddings[b]}, k=5)
        for a, b in (("image", "text"), ("image", "pen"), ("text", "pen"))
    ]
    for key in ("cka", "mutual_knn", "modality_gap"):
        assert report[key] == pytest.approx(sum(pair[key] for pair in pairs) / 3, rel=1e-12)
    assert report["recall_at_1"] == {
        direction: value for pair in pairs for direction, value in pair["recall_at_1"].items()
    }
    assert len(report["recall_at_1"]) == 6


def test_any_row_of_the_class_counts_where_labels_are_given(embeddings):
    labels = np.arange(80) % 3
    z, w = two(embeddings).values()
    report = alignment_report(two(embeddings), labels=labels)
    assert report["recall_at_1"] == {
        "image_to_text": recall_at_k(z, w, labels=(labels, labels)),
        "text_to_image": recall_at_k(w, z, labels=(labels, labels)),
    }
    single = alignment_report(two(embeddings), labels=np.arange(80))
    assert single == alignment_report(two(embeddings))
    assert all(
        report["recall_at_1"][key] > single["recall_at_1"][key] for key in single["recall_at_1"]
    )


def test_one_modality_does_not_align(embeddings):
    with pytest.raises(ValueError, match=r"at least two modalities, got \['image'\]"):
        alignment_report({"image": embeddings["image"]})


@pytest.fixture
def labelled():
    rng = np.random.default_rng(1)
    factors = pd.DataFrame(
        {"digit": np.arange(400) % 4, "speaker": rng.integers(3, size=400), "constant": 7}
    )
    heard = np.eye(4)[factors["digit"]] + rng.standard_normal((400, 4))
    spoken = 3 * np.eye(3)[factors["speaker"]] @ rng.standard_normal((3, 4))
    audio, image = heard + spoken, heard + rng.standard_normal((400, 4))
    labels = {"audio": factors, "image": factors[["digit"]]}
    return {"audio": audio, "image": image}, labels


def report(Z, labels, n_train=300):
    return information_report(
        {name: z[:n_train] for name, z in Z.items()},
        {name: table[:n_train] for name, table in labels.items()},
        embeddings_test={name: z[n_train:] for name, z in Z.items()},
        labels_test={name: table[n_train:] for name, table in labels.items()},
    )


def test_information_is_the_probe_of_each_modality(labelled):
    Z, labels = labelled
    table = report(Z, labels)
    assert list(table.columns) == ["audio", "image"]
    for name, carried in (("audio", ["digit", "speaker"]), ("image", ["digit"])):
        found = probe_information(
            Z[name][:300],
            labels[name][carried][:300],
            Z_test=Z[name][300:],
            labels_test=labels[name][carried][300:],
        )
        pd.testing.assert_series_equal(
            table[name].dropna(), found["fraction"], check_names=False, check_exact=True
        )
    assert table.loc["speaker", "audio"] > 0.2
    assert 0 < table.loc["digit"].min() < table.loc["digit"].max() < 1


def test_missing_factors_are_nan_and_constant_ones_are_ignored(labelled):
    table = report(*labelled)
    assert sorted(table.index) == ["digit", "speaker"]
    assert table.isna().to_dict() == {
        "audio": {"digit": False, "speaker": False},
        "image": {"digit": False, "speaker": True},
    }


def test_a_factor_constant_on_the_held_out_rows_is_left_out(labelled):
    Z, labels = labelled
    labels["audio"] = labels["audio"].assign(late=(np.arange(400) < 150).astype(int))
    assert "late" not in report(Z, labels).index


def test_a_modality_without_factors_is_left_out(labelled):
    Z, labels = labelled
    labels["image"] = labels["image"].assign(digit=1)
    assert list(report(Z, labels).columns) == ["audio"]
