"""A trained aligner in a file, and files of rows."""

import numpy as np
import pandas as pd
import pytest

from mibsk import IBAligner
from mibsk.onnx import export_encoder


@pytest.fixture(scope="session")
def X():  # noqa: N802
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(200, 3))
    return {
        name: (hidden @ rng.normal(size=(3, d))).astype(np.float32)
        for name, d in {"audio": 5, "image": 4}.items()
    }


@pytest.fixture(scope="session")
def aligner(X):
    return IBAligner(max_epochs=1, random_state=0).fit(X)


@pytest.fixture(scope="session")
def models(aligner, tmp_path_factory):
    """Return a folder with the aligner, another one, and an ONNX encoder."""
    folder = tmp_path_factory.mktemp("models")
    aligner.save(folder / "aligner.safetensors")
    export_encoder(aligner, "audio", folder / "audio.onnx")
    return folder


@pytest.fixture
def table(X):
    """Return the rows of one modality, with a key."""
    frame = pd.DataFrame(X["audio"], columns=list("vwxyz"))
    frame.insert(0, "key", [f"row {i}" for i in range(len(frame))])
    return frame
