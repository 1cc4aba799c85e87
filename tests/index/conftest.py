"""Indexes of every kind, of embeddings that no model has computed."""

import uuid
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mibsk import IBAligner
from mibsk.bundle import Bundle, write_bundle
from mibsk.index import open_index

D = 8


def bundle(digest="a" * 64, n_components=D):
    """Return what an index reads of a bundle."""
    manifest = SimpleNamespace(n_components=n_components)
    return SimpleNamespace(digest=digest, manifest=manifest, path="bundle")


def unit(n, d=D, seed=0):
    """Return n rows of norm one."""
    z = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return z / np.linalg.norm(z, axis=1, keepdims=True)


@pytest.fixture(params=["folder", "qdrant"])
def address(request, tmp_path):
    if request.param == "folder":
        return str(tmp_path / "index")
    return f"qdrant+memory://test-{uuid.uuid4().hex}"


@pytest.fixture(params=["folder", "folder, from disk", "qdrant"])
def index(request, tmp_path):
    """Return an index of each kind; searches of the first keep rows in memory."""
    place = f"qdrant+memory://test-{uuid.uuid4().hex}"
    place = str(tmp_path / "index") if request.param.startswith("folder") else place
    index = open_index(place, bundle=bundle(), create=True)
    if "disk" in request.param:
        index.memory = 0
    return index


@pytest.fixture(scope="session")
def rows():
    """Return 120 rows of a picture, a text, a table and a label."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 120)
    image = rng.integers(0, 60, (120, 8, 8)).astype(np.uint8)
    image[np.arange(120), kind] += 180
    words = np.array(["red square", "green disc", "blue star"])
    return {
        "image": image,
        "text": np.array([f"{words[k]} {i}" for i, k in enumerate(kind)], object),
        "table": pd.DataFrame(
            np.eye(3)[kind] + rng.normal(0, 0.1, (120, 3)), columns=["red", "green", "blue"]
        ),
    }


@pytest.fixture(scope="session")
def model(rows, tmp_path_factory):
    """Return a folder with a bundle."""
    folder = tmp_path_factory.mktemp("model") / "bundle"
    aligner = IBAligner(n_components=8, max_epochs=3, random_state=0).fit(rows)
    write_bundle(aligner, folder)
    return folder


@pytest.fixture
def files(rows, tmp_path):
    """Return files of the rows, with ids and metadata where the format has columns."""
    folder = tmp_path / "rows"
    folder.mkdir()
    ids = [f"{i:03d}" for i in range(120)]
    np.save(folder / "image.npy", rows["image"])
    extra = {"key": ids, "group": np.arange(120) % 4, "word": ["a", None, "b's"] * 40}
    pd.DataFrame({**extra, "text": rows["text"]}).to_csv(folder / "text.csv", index=False)
    rows["table"].assign(**extra).to_parquet(folder / "table.parquet")
    return folder


@pytest.fixture
def opened(model):
    """Return the bundle."""
    return Bundle(model)


@pytest.fixture
def built(address, opened):
    """Return an empty index of each kind."""
    return open_index(address, bundle=opened, create=True)
