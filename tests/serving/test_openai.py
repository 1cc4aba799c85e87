import base64
import re

import numpy as np
import pytest

from mibsk import IBAligner
from mibsk.bundle import Bundle, write_bundle


def embed(client, **body):
    return client.post("/v1/embeddings", json=body)


def vectors(answer):
    assert answer.status_code == 200, answer.text
    return np.array([each["embedding"] for each in answer.json()["data"]], np.float32)


def test_rows_are_embedded_as_by_python(client, digits, halves):
    expected = Bundle(digits).embed("left", halves["left"][:3])
    several = embed(client, model="digits/left", input=halves["left"][:3].tolist())
    np.testing.assert_allclose(vectors(several), expected, rtol=0, atol=1e-6)
    one = embed(client, model="left", input=halves["left"][0].tolist())
    np.testing.assert_allclose(vectors(one), expected[:1], rtol=0, atol=1e-6)
    assert several.json()["model"] == "digits/left"
    assert several.json()["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


def test_base64_is_float32(client, halves):
    body = {"model": "left", "input": halves["left"][:2].tolist()}
    floats = vectors(embed(client, **body))
    answer = embed(client, **body, encoding_format="base64").json()
    decoded = [np.frombuffer(base64.b64decode(d["embedding"]), "<f4") for d in answer["data"]]
    np.testing.assert_array_equal(decoded, floats)


def test_the_first_dimensions_have_norm_one(client, halves):
    body = {"model": "left", "input": halves["left"][:5].tolist()}
    whole = vectors(embed(client, **body))
    cut = vectors(embed(client, **body, dimensions=3))
    expected = whole[:, :3] / np.linalg.norm(whole[:, :3], axis=1, keepdims=True)
    np.testing.assert_allclose(cut, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({}, 400, "lacks the field 'model'"),
        ({"model": "left", "input": [], "imput": 1}, 400, "unknown field 'imput'"),
        ({"model": "lefd", "input": []}, 404, "Did you mean 'left'"),
        ({"model": 3, "input": []}, 404, "no modality 3"),
        ({"model": "left", "input": []}, 400, "input is empty"),
        ({"model": "left", "input": None}, 400, "got null"),
        ({"model": "left", "input": "text"}, 400, "data URL"),
        ({"model": "left", "input": [1, 2, 3]}, 400, "got lists 1 deep"),
        ({"model": "left", "input": [[1.0, 2], [1]]}, 400, "unequal length within row 0"),
        ({"model": "left", "input": [[0.5] * 4] * 8, "dimensions": 0}, 400, "from 1 to"),
        ({"model": "left", "input": [[0.5] * 4] * 8, "encoding_format": []}, 400, "'base64'"),
        ({"model": "left", "input": [[None] * 4] * 8}, 400, "is missing"),
        ({"model": "left", "input": [[0.5] * 4] * 7}, 400, r"\(8, 4\) were seen in fit"),
        ({"model": "left", "input": [[1e39] * 4] * 8}, 400, "too large for float32"),
    ],
)
def test_bad_input_says_what_is_wrong(client, body, status, message):
    answer = client.post("/v1/embeddings", json=body)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert re.search(message, error["message"]), error["message"]


def test_fewer_dimensions_need_ordered_components(client_of, halves, tmp_path):
    params = {"encoders": "network", "bottleneck": None, "max_epochs": 1, "random_state": 0}
    write_bundle(IBAligner(n_components=4, **params).fit(halves), tmp_path)
    client, rows = client_of(tmp_path), halves["left"][:2].tolist()
    answer = embed(client, model="left", input=rows, dimensions=2)
    assert answer.status_code == 400
    message = answer.json()["error"]["message"]
    assert "the components of this model are not ordered" in message
    assert "leave dimensions out, or ask for all 4" in message
    assert embed(client, model="left", input=rows, dimensions=4).status_code == 200
