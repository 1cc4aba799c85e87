"""An aligner on rows of every kind, exported to ONNX files once because export is slow."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp

from mibsk import IBAligner

N_ROWS = 64


@pytest.fixture(scope="session")
def rows():
    """Rows of every kind, which share three factors: floats, pixels, sparse, text."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(N_ROWS, 3))
    audio = hidden @ rng.normal(size=(3, 6))
    photo = 128 + 40 * hidden @ rng.normal(size=(3, 64)) + 20 * rng.normal(size=(N_ROWS, 64))
    counts = hidden @ rng.normal(size=(3, 50)) + rng.normal(size=(N_ROWS, 50)) - 2
    return {
        "audio": audio,
        "photo": np.clip(photo, 0, 255).astype(np.uint8).reshape(N_ROWS, 8, 8),
        "counts": sp.csr_array(np.maximum(counts, 0)),
        "text": np.asarray(
            [f"{'short' if h > 0 else 'a much longer'} text, {h:.3f}" for h in hidden[:, 0]]
        ),
    }


@pytest.fixture(scope="session")
def exported(rows, tmp_path_factory):
    """An aligner fitted on those rows, and the file of each modality."""
    pytest.importorskip("onnxruntime")
    from mibsk.onnx import export_encoders

    aligner = IBAligner(
        n_components=5, max_epochs=2, random_state=0, beta=0.3, input_scaling={"audio": "columns"}
    ).fit(rows)
    files = export_encoders(aligner, tmp_path_factory.mktemp("exported") / "new" / "folder")
    return SimpleNamespace(aligner=aligner, files=files, rows=rows)


@pytest.fixture(scope="session")
def dense_file(exported) -> Path:
    """The file of the float modality, which is the smallest."""
    return exported.files["audio"]


@pytest.fixture
def small():
    """An aligner fitted on two tiny tables."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3))
    Y = X[:, :2] + 0.1 * rng.normal(size=(20, 2))
    return IBAligner(n_components=2, max_epochs=1, random_state=0).fit({"x": X, "y": Y})
