import io
import json
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mibsk import IBAligner
from mibsk.bundle import Bundle, DataSource, write_bundle
from mibsk.datasets import load_digits_halves
from mibsk.exceptions import DuplicateRowsWarning

from .in_memory import MemoryIndex, served

ATTACK = '<img src=x onerror="alert(1)"><script>alert(2)</script>'


def content(data, media_type):
    return SimpleNamespace(data=data, media_type=media_type)


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return content(file.getvalue(), "image/png")


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """Bundle and index of the halves of digits, 200 rows each."""
    halves = {name: X[:200] for name, X in load_digits_halves().data.items()}
    aligner = IBAligner(n_components=8, max_epochs=3, random_state=0).fit(halves)
    folder = tmp_path_factory.mktemp("digits")
    data = DataSource("digits of scikit-learn", "CC BY 4.0")
    write_bundle(aligner, folder, name="Digits", data=data)
    bundle = Bundle(folder)
    index = MemoryIndex(bundle)
    for name, X in halves.items():
        index.add(
            name,
            [f"digit {i:03d}" for i in range(len(X))],
            bundle.embed(name, X),
            [{"row": i, "side": name} for i in range(len(X))],
            [png((255 * x).round().astype(np.uint8)) for x in X],
        )
    return SimpleNamespace(bundle=bundle, index=index, rows=halves)


@pytest.fixture(scope="session")
def mixed(tmp_path_factory):
    """Texts and a table with names of columns; ids and contents are hostile."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(3, size=60)
    words = np.array(["red apple", "green pear", "blue plum"])
    rows = {
        "words": [f"{words[k]} {i}" for i, k in enumerate(kinds)],
        "sizes": pd.DataFrame(
            {"height": kinds + rng.normal(size=60), "width (cm)": kinds - rng.normal(size=60)}
        ).astype(np.float32),
        "note": [f"{words[k]}s" for k in kinds],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DuplicateRowsWarning)  # notes do
        aligner = IBAligner(n_components=4, max_epochs=2, random_state=0).fit(rows)
    folder = tmp_path_factory.mktemp("mixed")
    data = DataSource(ATTACK, ATTACK, units={"height": "m"})
    write_bundle(aligner, folder, name=ATTACK, data=data)
    bundle = Bundle(folder)
    index = MemoryIndex(bundle)
    ids = [f"{ATTACK}/../{i}?#%" for i in range(60)]
    contents = {
        "words": [content(f"{text} {ATTACK}".encode(), "text/plain") for text in rows["words"]],
        "sizes": [
            content(json.dumps({ATTACK: ATTACK, **row}).encode(), "application/json")
            for row in rows["sizes"].to_dict("records")
        ],
        "note": [content(ATTACK.encode(), "text/html")] * 60,
    }
    for name, X in rows.items():
        index.add(name, ids, bundle.embed(name, X), [{ATTACK: ATTACK}] * 60, contents[name])
    return SimpleNamespace(bundle=bundle, index=index, rows=rows)


@pytest.fixture(scope="session")
def classes(tmp_path_factory):
    """Vectors and class labels."""
    rng = np.random.default_rng(0)
    y = np.array(["apple", "pear", "plum"])[rng.integers(3, size=60)]
    X = (rng.normal(size=(60, 5)) + (y == "plum")[:, None]).astype(np.float32)
    aligner = IBAligner(n_components=4, max_epochs=2, random_state=0).fit(X, y)
    folder = tmp_path_factory.mktemp("classes")
    write_bundle(aligner, folder, name="Classes")
    bundle = Bundle(folder)
    index = MemoryIndex(bundle)
    for name, rows in zip(bundle.modalities, (X, y), strict=True):
        index.add(name, [str(i) for i in range(60)], bundle.embed(name, rows))
    return SimpleNamespace(bundle=bundle, index=index)


@pytest.fixture(scope="module")
def server(digits):
    with served(digits.bundle, digits.index) as started:
        yield started


@pytest.fixture(scope="module")
def mixed_server(mixed):
    with served(mixed.bundle, mixed.index) as started:
        yield started
