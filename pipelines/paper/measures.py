"""Measures of a trained aligner on held-out rows."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.utils import Bunch

from mibsk import IBAligner
from mibsk.metrics import cka, mutual_knn, probe_information, recall_at_k

from .splits import Split
from .training import modalities


def probe(
    aligner: IBAligner, factors: list[str], train: Bunch, test: Bunch, settings: dict[str, Any]
) -> pd.DataFrame:
    """Return the information of linear probes about each factor in the image embedding.

    The column ``fraction`` is the uncertainty reduction ratio, :math:`(H - CE) / H`.
    """
    return probe_information(
        aligner.embed_modality("image", train.data["image"]),
        train.labels["image"][factors],
        Z_test=aligner.embed_modality("image", test.data["image"]),
        labels_test=test.labels["image"][factors],
        l2=settings["l2"],
    )


def measure(
    aligner: IBAligner, hidden: Split, train: Bunch, test: Bunch, settings: dict[str, Any]
) -> dict[str, float]:
    """Return the alignment of the modalities, and the information about factors in the images.

    Information is in nats, and summed over the hidden factors (nuisances) or the others (shared). A
    retrieved row is correct if all of its shared factors are.
    """
    labels = test.labels["image"]
    shared = [name for name in labels if name not in hidden]
    embedded = aligner.embed(modalities(test, hidden))
    image, factors = embedded["image"], embedded["factors"]
    probed = probe(aligner, list(labels), train, test, settings)
    classes = labels.groupby(shared).ngroup().to_numpy()
    return {
        "cka": float(cka(image, factors)),
        "mutual_knn": float(mutual_knn(image, factors, k=settings["k"])),
        "recall_image_to_factors": recall_at_k(image, factors, labels=(classes, classes)),
        "recall_factors_to_image": recall_at_k(factors, image, labels=(classes, classes)),
        "temperature": aligner.temperature_,
        **_summed(probed.loc[[*hidden]], "nuisance"),
        **_summed(probed.loc[shared], "shared"),
        **{f"fraction_{name}": float(value) for name, value in probed["fraction"].items()},
    }


def _summed(probed: pd.DataFrame, name: str) -> dict[str, float]:
    """Return entropy, information and their ratio, summed over factors."""
    entropy = float(probed["entropy"].sum())
    information = float(probed["information"].clip(lower=0).sum())
    return {
        f"{name}_entropy": entropy,
        f"{name}_information": information,
        f"{name}_ratio": information / entropy,
    }
