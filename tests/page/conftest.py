import io
import json
import warnings
import wave

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mibsk import IBAligner
from mibsk.bundle import Bundle, DataSource, write_bundle
from mibsk.datasets import load_digits_halves
from mibsk.exceptions import DuplicateRowsWarning
from mibsk.index import Content

from .serving import indexed, served

ATTACK = '<img src=x onerror="alert(1)"><script>alert(2)'


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return Content(file.getvalue(), "image/png")


def recording():
    """Half a second of a tone."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 8000, 0, "NONE", ""))
        writer.writeframes((9000 * np.sin(np.arange(4000))).astype("<i2").tobytes())
    return Content(file.getvalue(), "audio/wav")


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """Bundle and index of the halves of digits, 200 rows each."""
    halves = {name: X[:200] for name, X in load_digits_halves().data.items()}
    aligner = IBAligner(n_components=8, max_epochs=3, random_state=0).fit(halves)
    folder = tmp_path_factory.mktemp("digits")
    data = DataSource("digits of scikit-learn", "CC BY 4.0")
    write_bundle(aligner, folder, name="Digits", data=data)
    bundle = Bundle(folder)
    ids = [f"digit {i:03d}" for i in range(200)]
    metadata = {name: {"row": range(200), "side": name} for name in halves}
    contents = {
        name: [png((255 * x).round().astype(np.uint8)) for x in X] for name, X in halves.items()
    }
    place = tmp_path_factory.mktemp("index") / "digits"
    return indexed(bundle, place, halves, ids, metadata=metadata, contents=contents)


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
    ids = [f"{ATTACK}/../{i}?#%" for i in range(60)]
    contents = {
        "words": [Content(f"{text} {ATTACK}".encode(), "text/plain") for text in rows["words"]],
        "sizes": [
            Content(json.dumps({ATTACK: ATTACK, **row}).encode(), "application/json")
            for row in rows["sizes"].to_dict("records")
        ],
        "note": [Content(ATTACK.encode(), "text/html")] * 60,
    }
    metadata = {name: {ATTACK: [ATTACK] * 60} for name in rows}
    place = tmp_path_factory.mktemp("index") / "mixed"
    return indexed(bundle, place, rows, ids, metadata=metadata, contents=contents)


@pytest.fixture(scope="session")
def classes(tmp_path_factory):
    """Vectors with recordings, and class labels."""
    rng = np.random.default_rng(0)
    y = np.array(["apple", "pear", "plum"])[rng.integers(3, size=60)]
    X = (rng.normal(size=(60, 5)) + (y == "plum")[:, None]).astype(np.float32)
    aligner = IBAligner(n_components=4, max_epochs=2, random_state=0).fit(X, y)
    folder = tmp_path_factory.mktemp("classes")
    write_bundle(aligner, folder, name="Classes")
    bundle = Bundle(folder)
    rows = dict(zip(bundle.modalities, (X, y), strict=True))
    place = tmp_path_factory.mktemp("index") / "classes"
    contents = {bundle.modalities[0]: [recording()] * 60, bundle.modalities[1]: None}
    return indexed(bundle, place, rows, [str(i) for i in range(60)], contents=contents)


@pytest.fixture(scope="module")
def server(digits):
    with served(digits) as started:
        yield started


@pytest.fixture(scope="module")
def mixed_server(mixed):
    with served(mixed) as started:
        yield started
