"""Embed the test rows of all modalities into an index, to be searched."""

from __future__ import annotations

from typing import Any

from sklearn.utils import Bunch

from mibsk import ClassPairs
from mibsk.bundle import Bundle
from mibsk.datasets import load_bunch
from mibsk.index import Content, content_of, open_index

from .stage import DATA, EXPORTS, INDEX


def ids_of(test: Bunch, modality: str) -> list[str]:
    """Return the names of the test rows of a modality; partners have the same."""
    n = len(test.labels[modality])
    prefix = f"{modality}-" if isinstance(test.data, ClassPairs) else ""
    return [f"{prefix}{row:0{len(str(n - 1))}}" for row in range(n)]


def contents_of(bundle: Bundle, test: Bunch, modality: str) -> list[Content]:
    """Return what shows the rows to a person: a picture, or else the factors in words."""
    encoder = bundle.manifest.encoders[modality]
    labels = test.labels[modality].to_dict("records")
    return [
        content_of(row, encoder.input, encoder.display) or _in_words(factors)
        for row, factors in zip(test.data[modality], labels, strict=True)
    ]


def _in_words(factors: dict[Any, Any]) -> Content:
    text = ", ".join(f"{name} {value}" for name, value in factors.items())
    return Content(text.encode(), "text/plain; charset=utf-8")


def main() -> None:
    """Run the stage."""
    test = load_bunch(DATA / "test")
    bundle = Bundle(EXPORTS)
    index = open_index(str(INDEX), bundle=bundle, create=True)
    for modality in bundle.modalities:
        vectors = bundle.embed(modality, test.data[modality])
        contents = contents_of(bundle, test, modality)
        ids = ids_of(test, modality)
        index.add(modality, ids, vectors, test.labels[modality], contents)
        print(f"{modality}: {len(ids)} rows")
    index.optimise()


if __name__ == "__main__":
    main()
