"""Captions as strings, of a bundle that a captioner was written to."""

import numpy as np
import pytest

from mibsk import QFormerCaptioner
from mibsk.bundle import write_bundle

pytest.importorskip("fastapi")
pytest.importorskip("tokenizers")

from fastapi.testclient import TestClient

from mibsk.serving import Service, Settings, create_app


@pytest.fixture(scope="module")
def captioner():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 6)).astype(np.float32)
    captions = [f"a {name} {number}" for number, name in enumerate(["cat", "dog", "boat"] * 20)]
    small = {"n_queries": 2, "width": 16, "n_layers": 2, "n_heads": 2, "bottleneck": None}
    return QFormerCaptioner(max_epochs=1, batch_size=30, random_state=0, **small).fit(
        features, captions
    )


@pytest.fixture(scope="module")
def client(captioner, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "captioner"
    write_bundle(captioner, folder, name="things")
    with TestClient(create_app(Service(folder, Settings(access_log=False)))) as client:
        yield client


def embedded(client, rows, status=200):
    answer = client.post("/v1/embeddings", json={"model": "things/caption", "input": rows})
    assert answer.status_code == status, answer.text
    body = answer.json()
    return [each["embedding"] for each in body["data"]] if status == 200 else body["error"]


@pytest.mark.parametrize("captions", [["a cat 3"], ["a dog 1", "A BOAT", "zebra " * 100]])
def test_captions_are_embedded_as_by_the_captioner(captioner, client, captions):
    expected = captioner.embed({"caption": captions})["caption"]
    np.testing.assert_allclose(embedded(client, captions), expected, rtol=0, atol=1e-4)
    if len(captions) == 1:
        assert embedded(client, captions[0]) == embedded(client, captions)


def test_tokens_are_rows_still(captioner, client):
    (length,) = captioner.aligner_.inputs_["caption"].shape
    tokens = captioner.tokenizer_.encode(["a cat 3"], max_length=length)
    row = [*tokens[0].tolist(), *[0] * (length - tokens.shape[1])]
    assert embedded(client, row) == embedded(client, ["a cat 3"])


def test_what_is_no_caption_is_refused(client):
    assert "caption 1 is empty" in embedded(client, ["a cat", " "], 400)["message"]
    assert "must be a string, got 3" in embedded(client, ["a cat", 3], 400)["message"]
    assert "numbers of shape" in embedded(client, [[1, 2], "a cat"], 400)["message"]
    picture = client.post("/v1/embeddings", json={"model": "things/picture", "input": "a cat"})
    assert picture.status_code == 400
