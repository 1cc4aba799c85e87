"""Files that version 0.1.0 wrote are still read: models, and checkpoints of a training."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mibsk import IBAligner

FOLDER = Path(__file__).parent / "version-0.1.0"


@pytest.fixture(scope="module")
def views():
    """The data on which these models were trained: three views of one hidden signal."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(90, 4))
    a = (hidden @ rng.normal(size=(4, 6))).astype(np.float32)
    b = (hidden @ rng.normal(size=(4, 5)) + rng.normal(size=(90, 5)) * 0.3).astype(np.float32)
    return {"a": a, "b": b, "c": b[:, :3] * 2 + a[:, :3]}


@pytest.mark.parametrize("name", ["three", "variational", "table"])
def test_a_model_embeds_as_it_did(name, views):
    aligner = IBAligner.load(FOLDER / f"{name}.safetensors")
    X = {key: views[key] for key in aligner.modality_names_ if key in views}
    if name == "table":
        X = pd.DataFrame(np.hstack([views["a"], views["b"]]), columns=list("abcdefghijk"))
    expected = np.load(FOLDER / f"{name}.npz")
    embedded = aligner.embed(X)
    assert embedded.keys() == set(expected)
    for key, z in embedded.items():
        np.testing.assert_allclose(z, expected[key], atol=1e-5)
    assert aligner.set_params(warm_start=True).fit(X).n_iter_ == 6


def test_a_checkpoint_is_a_model(views):
    aligner = IBAligner.load(FOLDER / "checkpoint.safetensors")
    assert aligner.n_iter_ == 2
    assert aligner.embed({"a": views["a"]})["a"].shape == (90, 4)
