"""Indexes of every kind, of embeddings that no model has computed."""

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


@pytest.fixture
def address(tmp_path):
    return str(tmp_path / "index")


@pytest.fixture
def index(address):
    return open_index(address, bundle=bundle(), create=True)
