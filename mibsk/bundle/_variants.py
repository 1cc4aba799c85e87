"""Writing of variants: encoders in a lower precision, with the recall that is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from .._checks.parameters import suggest
from .._checks.rows import n_rows
from ..exceptions import EmbeddingError
from ..metrics import recall_at_k
from ..onnx import PRECISIONS, OnnxEncoder, export_precision
from ._entries import RecallLoss

_KS = (1, 10)


def check_variants(
    variants: Sequence[str], rows: Mapping[str, Any] | None, modalities: Sequence[str]
) -> None:
    """Raise ``ValueError`` unless variants are known and their recall can be measured on rows."""
    if isinstance(variants, str):
        raise ValueError(f"variants must be a list of names, got {variants!r}: use [{variants!r}].")
    for name in variants:
        if name not in PRECISIONS:
            raise ValueError(
                f"variants must be some of {', '.join(PRECISIONS)}, got {name!r}."
                + suggest(str(name), PRECISIONS)
            )
    if not variants:
        if rows is not None:
            raise ValueError(
                "rows are used to measure variants, and none were asked for: pass "
                "variants=['int8'] or omit rows."
            )
        return
    if not isinstance(rows, Mapping) or set(rows) != set(modalities):
        raise ValueError(
            "a variant is only written with the recall that it loses, measured on pairs that the "
            f"model has not seen: pass rows with the modalities {list(modalities)}."
        )
    numbers = {name: n_rows(name, X) for name, X in rows.items()}
    if len(set(numbers.values())) > 1:
        raise ValueError(f"rows must be pairs, got different numbers of rows: {numbers}.")
    if min(numbers.values()) <= max(_KS):
        raise ValueError(
            f"rows has {min(numbers.values())} pairs: recall at {max(_KS)} needs more than "
            f"{max(_KS)}, and some hundreds to be measured well."
        )


def write_variant(
    name: str, drafts: Mapping[str, Path], rows: Mapping[str, Any]
) -> tuple[dict[str, Path], dict[str, float], tuple[RecallLoss, ...]]:
    """Write a variant of exported encoders, and measure it.

    Parameters
    ----------
    name : {"int8", "float16"}
        Precision.
    drafts : dict of str to Path
        Exported encoders; files of the variant are put beside them.
    rows : dict of str to array-like
        Pairs that the model has not seen.

    Returns
    -------
    files : dict of str to Path
        By modality.
    differences : dict of str to float
        Largest absolute difference of embeddings of the rows.
    recall : tuple of RecallLoss
        Between all modalities.
    """
    files, before, after, differences = {}, {}, {}, {}
    for modality, draft in drafts.items():
        files[modality] = export_precision(draft, draft.with_stem(f"{draft.stem}-{name}"), name)
        before[modality] = OnnxEncoder(draft).transform(rows[modality])
        try:
            after[modality] = OnnxEncoder(files[modality]).transform(rows[modality])
        except EmbeddingError as error:
            raise ValueError(
                f"{name} cannot hold the values within the encoder of modality {modality!r}: "
                "write the bundle without this variant."
            ) from error
        found = np.abs(after[modality] - before[modality])
        differences[modality] = float(np.nanmax(found, initial=0))
    recall = tuple(
        RecallLoss(
            query,
            gallery,
            k,
            float(recall_at_k(before[query], before[gallery], k=k)),
            float(recall_at_k(after[query], after[gallery], k=k)),
        )
        for query, gallery in permutations(drafts, 2)
        for k in _KS
    )
    return files, differences, recall
