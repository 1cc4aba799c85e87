"""Several metrics of two or more modalities in one call."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, permutations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ._cka import cka
from ._modality_gap import modality_gap
from .neighbours import mutual_knn
from .probes import Penalty, probe_information
from .retrieval import recall_at_k


def alignment_report(
    embeddings: Mapping[str, ArrayLike], *, k: int = 10, labels: ArrayLike | None = None
) -> dict[str, Any]:
    """Measure how well the embeddings of paired rows agree.

    Parameters
    ----------
    embeddings : mapping of str to array-like (n, d)
        One entry per modality; row `i` of each belongs together.
    k : int, default=10
        Number of neighbours in mutual k-NN.
    labels : array-like (n,), default=None
        Classes of the pairs: then a retrieved row is relevant if it has the query's class, not only
        if it is its partner.

    Returns
    -------
    dict
        ``cka``, ``mutual_knn`` and ``modality_gap``, each the mean over the pairs of modalities,
        and ``recall_at_1``, a dict with one entry per direction such as ``"image_to_text"``.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import alignment_report
    >>> Z = np.eye(12)
    >>> report = alignment_report({"image": Z, "text": Z}, k=3)
    >>> round(report["cka"], 6), report["recall_at_1"]
    (1.0, {'image_to_text': 1.0, 'text_to_image': 1.0})
    """
    pairs = list(combinations(embeddings.values(), 2))
    if not pairs:
        raise ValueError(f"alignment needs at least two modalities, got {list(embeddings)}.")
    relevance = None if labels is None else (labels, labels)
    return {
        "cka": float(np.mean([cka(z, w) for z, w in pairs])),
        "mutual_knn": float(np.mean([mutual_knn(z, w, k=k) for z, w in pairs])),
        "recall_at_1": {
            f"{a}_to_{b}": recall_at_k(embeddings[a], embeddings[b], labels=relevance)
            for a, b in permutations(embeddings, 2)
        },
        "modality_gap": float(np.mean([modality_gap(z, w) for z, w in pairs])),
    }


def information_report(
    embeddings: Mapping[str, ArrayLike],
    labels: Mapping[str, pd.DataFrame],
    *,
    embeddings_test: Mapping[str, ArrayLike],
    labels_test: Mapping[str, pd.DataFrame],
    l2: Penalty = "auto",
    probe: str = "linear",
    groups: Mapping[str, ArrayLike] | None = None,
    groups_test: Mapping[str, ArrayLike] | None = None,
) -> pd.DataFrame:
    """Measure what each modality's embedding says about each factor of its rows.

    Parameters
    ----------
    embeddings, embeddings_test : mapping of str to array-like (n, d)
        Per modality, embeddings to train the probes on, and held-out ones.
    labels, labels_test : mapping of str to DataFrame
        Per modality one column per factor; constant factors are ignored.
    l2 : float or "auto", default="auto"
        Penalty of the probes' weights; see :func:`probe_information`.
    probe : {"linear", "mlp"}, default="linear"
        The probe; see :func:`probe_information`.
    groups, groups_test : mapping of str to array-like (n,), default=None
        Per modality, groups of rows that are not independent; see :func:`probe_information`. A
        modality that is left out has none.

    Returns
    -------
    DataFrame
        One row per factor, one column per modality: the fraction of the factor's entropy (of real
        numbers, of their variance) that the probe recovers, 0..1; NaN where the modality does
        not have the factor.

    Raises
    ------
    ValueError, TypeError
        If a modality or a factor is missing, labels are not data frames, or `l2` is out of range.
    """
    names = "embeddings", "labels", "embeddings_test", "labels_test"
    given = embeddings, labels, embeddings_test, labels_test
    for what, mapping in zip(names, given, strict=True):
        if not isinstance(mapping, Mapping):
            raise TypeError(
                f"{what} must map names of modalities to data, got {type(mapping).__name__}."
            )
        if missing := [name for name in embeddings if name not in mapping]:
            raise ValueError(f"{what} lacks {missing}; it has {list(mapping)}.")
    for what, of_rows in (("groups", groups), ("groups_test", groups_test)):
        if of_rows is not None and not isinstance(of_rows, Mapping):
            raise TypeError(
                f"{what} must map names of modalities to groups of rows, got "
                f"{type(of_rows).__name__}."
            )
    fractions = {}
    for name, Z in embeddings.items():
        table = _check_factors("labels", name, labels[name])
        table_test = _check_factors("labels_test", name, labels_test[name])
        if lost := [factor for factor in table if factor not in table_test]:
            raise ValueError(f"labels_test[{name!r}] lacks the factors {lost}.")
        varying = [c for c in table if table[c].nunique() > 1 and table_test[c].nunique() > 1]
        if not varying:
            continue
        Z_test, held_out = embeddings_test[name], table_test[varying]
        found = probe_information(
            Z,
            table[varying],
            Z_test=Z_test,
            labels_test=held_out,
            l2=l2,
            probe=probe,
            groups=(groups or {}).get(name),
            groups_test=(groups_test or {}).get(name),
        )
        fractions[name] = found["fraction"]
    return pd.DataFrame(fractions)


def _check_factors(what: str, name: str, table: Any) -> pd.DataFrame:
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"{what}[{name!r}] must be a DataFrame with one column per factor, got "
            f"{type(table).__name__}: pandas.DataFrame({{'factor': labels}}) makes one."
        )
    if not table.columns.is_unique:
        raise ValueError(f"{what}[{name!r}] has factors whose names repeat: rename them.")
    return table
