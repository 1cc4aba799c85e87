"""Indexes of every kind, of embeddings that no model has computed."""

import uuid
from types import SimpleNamespace

import numpy as np
import pytest

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


@pytest.fixture(params=["folder", "qdrant+memory", "qdrant+file"])
def address(request, tmp_path):
    if request.param == "folder":
        return str(tmp_path / "index")
    if request.param == "qdrant+file":
        return f"qdrant+file://{tmp_path}/index"
    return f"qdrant+memory://test-{uuid.uuid4().hex}"


@pytest.fixture
def index(address):
    return open_index(address, bundle=bundle(), create=True)
