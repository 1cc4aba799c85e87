"""Captioners as MLflow models."""

import numpy as np
import pytest

from mibsk import QFormerCaptioner
from mibsk.tracking import load_model, save_model

mlflow = pytest.importorskip("mlflow")

pytestmark = [
    pytest.mark.filterwarnings("ignore::mibsk.exceptions.DuplicateRowsWarning"),
    pytest.mark.filterwarnings("ignore::mibsk.exceptions.LargeGroupsWarning"),
]

X = np.random.default_rng(0).normal(size=(60, 3, 8)).astype(np.float32)
Y = [["a cat", "one cat"] if row[0, 0] > 0 else ["a dog", "one dog"] for row in X]


@pytest.fixture(scope="module")
def captioner():
    settings = {"n_queries": 2, "width": 16, "n_layers": 1, "n_heads": 2, "n_components": 4}
    captioner = QFormerCaptioner(
        **settings, max_epochs=2, batch_size=20, bottleneck=None, random_state=0
    )
    return captioner.fit(X, Y)


def test_a_saved_captioner_loads_bit_for_bit(captioner, tmp_path):
    save_model(captioner, tmp_path / "model")
    loaded = load_model(str(tmp_path / "model"))
    assert isinstance(loaded, QFormerCaptioner)
    np.testing.assert_array_equal(loaded.transform(X), captioner.transform(X))
    assert "tokenizers==" in (tmp_path / "model" / "requirements.txt").read_text()
    other = load_model(str(tmp_path / "model"), n_beams=5)
    assert other.n_beams == 5


def test_pyfunc_describes_and_embeds(captioner, tmp_path):
    save_model(captioner, tmp_path / "model")
    model = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    found = model.predict({"picture": X[:3], "caption": np.array(["a cat"])})
    assert list(found) == ["picture", "caption", "generated"]
    np.testing.assert_array_equal(found["picture"], captioner.transform(X[:3]))
    assert list(found["generated"]) == list(captioner.predict(X[:3]))
    assert list(model.predict({"caption": np.array(["a cat"])})) == ["caption"]
    with pytest.raises(TypeError, match="'picture', 'caption' or both"):
        model.predict(X)
