"""Queries as they are written in a command: texts, files of rows, ids, and conditions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._checks.parameters import suggest
from ..bundle import Bundle
from ..captioning import CAPTION
from ._corpus import Corpus, Options, check_readable
from ._embed_chunk import embed_chunk

_CONDITION = re.compile(r"(.+?)(>=|<=|!=|=|>|<)(.*)", re.DOTALL)
_NAMES = {">=": "gte", ">": "gt", "<=": "lte", "<": "lt", "!=": "ne"}
_BOOLEANS = {"true": True, "false": False}


def embed_queries(
    bundle: Bundle, modality: str, queries: Sequence[str]
) -> tuple[list[str], np.ndarray]:
    """Return names and embeddings of queries.

    Parameters
    ----------
    bundle : Bundle
        Encoders.
    modality : str
        Modality of the queries.
    queries : sequence of str
        Texts, labels or captions of a captioner, if the modality is of these, else files of rows.

    Returns
    -------
    names : list of str (n,)
        Texts, or "file, row i".
    vectors : ndarray (n, n_components)

    Raises
    ------
    ValueError, TypeError
        If a query cannot be read or embedded, or is missing.
    """
    spec = bundle.encoder(modality).input_
    if spec.kind == "text" or (bundle.captioner and modality == CAPTION):
        return list(queries), bundle.embed(modality, list(queries))
    if spec.kind == "labels":
        labels = [_label(each, spec.classes) for each in queries]
        return list(queries), bundle.embed(modality, np.array(labels, object))
    check_readable()
    names, parts = [], []
    for query in queries:
        corpus = Corpus(Path(query), bundle.manifest.encoders[modality], Options())
        for chunk in corpus.chunks(4096):
            z = embed_chunk(bundle, modality, corpus.path, chunk)
            if len(missing := np.flatnonzero(np.isnan(z).any(axis=1))):
                raise ValueError(
                    f"row {chunk.start + missing[0]} of {query} is missing: leave it out."
                )
            parts.append(z)
            names += [f"{corpus.path.name}, row {chunk.start + i}" for i in range(len(z))]
    return names, np.vstack(parts)


def parse_where(conditions: Sequence[str], columns: Mapping[str, str]) -> dict[str, Any]:
    """Return the mapping of conditions such as "colour=red", "year>=1990" or "kind!=a".

    Several "=" of one column mean any of the values.

    Parameters
    ----------
    conditions : sequence of str
    columns : mapping of str to str
        Type of each column of the index.

    Raises
    ------
    ValueError
        If one is no condition, there is no such column, or the value is not of its type.
    """
    where: dict[str, Any] = {}
    for text in conditions:
        match = _CONDITION.fullmatch(text)
        if match is None:
            raise ValueError(
                f"{text!r} is no condition: write column=value, or >=, >, <=, <, != instead of =."
            )
        column, symbol, value = match.groups()
        if column not in columns:
            listed = f"only {', '.join(columns)}" if columns else "as it has no metadata"
            raise ValueError(
                f"the index has no column {column!r}, {listed}." + suggest(column, columns)
            )
        typed = _typed(column, columns[column], value)
        is_equal = symbol == "="
        if isinstance(where.get(column, [] if is_equal else {}), list) != is_equal:
            raise ValueError(f"column {column!r} is compared and also given values: choose one.")
        if is_equal:
            where.setdefault(column, []).append(typed)
        elif where.setdefault(column, {}).setdefault(_NAMES[symbol], typed) is not typed:
            raise ValueError(f"column {column!r} is compared with {symbol} twice.")
    return where


def _typed(column: str, kind: str, value: str) -> Any:
    try:
        if kind == "integer":
            return int(value)
        if kind == "number":
            return float(value)
        if kind == "boolean":
            return _BOOLEANS[value.lower()]
    except (KeyError, ValueError) as error:
        expected = "true or false" if kind == "boolean" else f"of type {kind}"
        raise ValueError(
            f"column {column!r} contains values that are {expected}, got {value!r}."
        ) from error
    return value


def _label(text: str, classes: Sequence[Any]) -> Any:
    """Return the class that is written so; an unknown text as it is, for the encoder's error."""
    return next((each for each in classes if str(each) == text), text)
