import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from mibsk import IBAligner
from mibsk.bundle import Bundle, DataSource, Display, write_bundle
from mibsk.datasets import load_digits_halves

from .in_memory import MemoryIndex, served


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return SimpleNamespace(data=file.getvalue(), media_type="image/png")


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """Bundle and index of the halves of digits, 200 rows each."""
    halves = {name: X[:200] for name, X in load_digits_halves().data.items()}
    aligner = IBAligner(n_components=8, max_epochs=3, random_state=0).fit(halves)
    folder = tmp_path_factory.mktemp("digits")
    displays = {name: Display("image", "HW", 0.0, 16.0) for name in halves}
    data = DataSource("digits of scikit-learn", "CC BY 4.0")
    write_bundle(aligner, folder, name="Digits", displays=displays, data=data)
    bundle = Bundle(folder)
    index = MemoryIndex(bundle)
    for name, X in halves.items():
        index.add(
            name,
            [f"digit {i:03d}" for i in range(len(X))],
            bundle.embed(name, X),
            [{"row": i, "side": name} for i in range(len(X))],
            [png((255 * x / 16).round().astype(np.uint8)) for x in X],
        )
    return SimpleNamespace(bundle=bundle, index=index, rows=halves)


@pytest.fixture(scope="session")
def server(digits):
    with served(digits.bundle, digits.index) as started:
        yield started
