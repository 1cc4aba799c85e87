import json
import struct
from contextlib import ExitStack

import numpy as np
import pandas as pd
import pytest

from mibsk.bundle import Bundle

from .conftest import server_in_thread

httpclient = pytest.importorskip("tritonclient.http")


@pytest.fixture(scope="module")
def triton(digits, kinds, classes):
    """Return a function from a bundle to a client of NVIDIA's package, of a server in a thread."""
    with ExitStack() as opened:
        clients = {}
        for folder in (digits, kinds, classes):
            _, port = opened.enter_context(server_in_thread(folder))
            client = httpclient.InferenceServerClient(f"127.0.0.1:{port}")
            clients[folder] = opened.enter_context(client)
        yield clients


def test_tritonclient_finds_the_models(triton, digits):
    client = triton[digits]
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("left")
    assert client.get_server_metadata()["name"] == "mibsk"
    version = Bundle(digits).digest[:12]
    metadata = client.get_model_metadata("left", version)
    assert metadata["versions"] == [version]
    assert metadata["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 8, 4]}]
    assert metadata["outputs"] == [{"name": "z", "datatype": "FP32", "shape": [-1, 8]}]
    assert not client.is_model_ready("left", "1")
    assert not client.is_model_ready("up")


@pytest.mark.parametrize("binary_input", [False, True])
@pytest.mark.parametrize("binary_output", [False, True])
def test_tritonclient_embeds_as_python(triton, digits, halves, binary_input, binary_output):
    X = halves["left"][:5].astype(np.float32)
    tensor = httpclient.InferInput("x", X.shape, "FP32")
    tensor.set_data_from_numpy(X, binary_data=binary_input)
    wanted = [httpclient.InferRequestedOutput("z", binary_data=binary_output)]
    result = triton[digits].infer("left", [tensor], outputs=wanted, request_id="7")
    assert result.get_response()["id"] == "7"
    np.testing.assert_allclose(
        result.as_numpy("z"), Bundle(digits).embed("left", X), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize(
    ("modality", "rows", "datatype"),
    [
        ("words", np.array(["word 1 2", "word ü 3"], object), "BYTES"),
        ("y", np.array([3, 7]), "INT64"),
        ("bytes", np.arange(96, dtype=np.uint8).reshape(2, 4, 4, 3), "UINT8"),
        ("table", np.array([[0.5, 1], [0, 2]]), "FP64"),
    ],
)
@pytest.mark.parametrize("binary", [False, True])
def test_each_kind_of_rows_has_its_tensor(triton, kinds, classes, modality, rows, datatype, binary):
    folder = classes if modality == "y" else kinds
    client = triton[folder]
    listed = client.get_model_metadata(modality)["inputs"][0]
    assert listed["datatype"] == datatype.replace("FP64", "FP32")
    assert listed["shape"] == [-1, *rows.shape[1:]]
    tensor = httpclient.InferInput("x", rows.shape, datatype)
    tensor.set_data_from_numpy(rows, binary_data=binary)
    z = client.infer(modality, [tensor]).as_numpy("z")
    given = pd.DataFrame(rows, columns=["a", "b"]) if modality == "table" else rows
    expected = Bundle(folder).embed(modality, given)
    np.testing.assert_allclose(z, expected, rtol=0, atol=1e-6)


def request(**changes):
    tensor = {"name": "x", "shape": [1, 8, 4], "datatype": "FP32", "data": [0.5] * 32} | changes
    return {"inputs": [{key: value for key, value in tensor.items() if value is not None}]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "lacks the field 'inputs'"),
        ({"inputs": []}, "a list of one tensor"),
        (request(name="y"), "is 'x', got 'y'"),
        (request(shape=[2, 8, 4]), "32 values"),
        (request(shape=[-1, 8, 4]), "whole numbers"),
        (request(shape=[2**60, 2**60]), "too many values"),
        (request(shape=[0, 2**63], data=[]), "too many values"),
        (request(shape=[2**63, 0], data=[]), "too many values"),
        (request(shape=[0, 2**63], datatype="BYTES", data=[]), "too many values"),
        (request(datatype="BF16"), "datatype must be"),
        (request(data=["a"] * 32), "cannot have a string"),
        (request(datatype="BYTES", data=["1"] * 32), "takes numbers, got BYTES"),
        (request(data=None), "lacks data"),
        (request(datatype="UINT8"), "fractions"),
        (request(datatype="INT8", data=[300] * 32), "cannot hold"),
        (request(shape=[1, 32]), "rows of shape"),
        (request(parameters={"binary_data_size": 128}), "both data"),
        (request(data=None, parameters={"binary_data_size": 128}), "0 bytes are there"),
        (request() | {"outputs": [{"name": "y"}]}, "output of a model is 'z'"),
        (request() | {"id": 3}, "id must be a string"),
        (request(data=[1e300] * 32, datatype="FP64"), "too large for float32"),
    ],
)
def test_bad_requests_say_what_is_wrong(client, body, message):
    answer = client.post("/v2/models/left/infer", json=body)
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]
    assert message in answer.json()["error"]


def binary_request(data, datatype="FP32", shape=(1, 8, 4), size=None, header=None):
    tensor = {"name": "x", "shape": list(shape), "datatype": datatype}
    tensor["parameters"] = {"binary_data_size": len(data) if size is None else size}
    head = json.dumps({"inputs": [tensor]}).encode()
    length = {"Inference-Header-Content-Length": str(len(head)) if header is None else header}
    return {"content": head + data, "headers": length}


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (binary_request(b"\0" * 127), "has 128 bytes, got 127"),
        (binary_request(b"\0" * 128, size=64), "has 128 bytes, got 64"),
        (binary_request(b"\0" * 128, size=-1), "binary_data_size is -1"),
        (binary_request(b"\0" * 132, size=128), "4 bytes follow"),
        (binary_request(b"", header="9" * 30), "must be the number of bytes"),
        (binary_request(b"", header="-3"), "must be the number of bytes"),
        (binary_request(b"", header="3"), "not JSON"),
        (binary_request(np.full(32, np.nan, "<f4").tobytes()), "missing"),
        (binary_request(np.full(32, np.inf, "<f4").tobytes()), "infinity"),
        (binary_request(b"", shape=(0, 2**63)), "too many values"),
        (binary_request(b"\2" * 32, "BOOL"), "other than 0 and 1"),
        (binary_request(struct.pack("<I", 1) + b"1", "BYTES", (1, 1)), "takes numbers, got BYTES"),
        (binary_request(b"\0\0", "BYTES", (1,)), "within the length"),
        (binary_request(struct.pack("<I", 9) + b"a", "BYTES", (1,)), "within a string"),
        (binary_request(struct.pack("<I", 1) + b"\xff", "BYTES", (1,)), "not UTF-8"),
    ],
)
def test_bad_binary_data_says_what_is_wrong(client, sent, message):
    answer = client.post("/v2/models/left/infer", **sent)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_unknown_models_are_not_found(client):
    answer = client.post("/v2/models/lefd/infer", json=request())
    assert (answer.status_code, list(answer.json())) == (404, ["error"])
    assert "Did you mean 'left'" in answer.json()["error"]
    assert client.get("/v2/models/left/versions/1").status_code == 404
    assert client.get("/v2/nothing").json()["error"] == "there is nothing at /v2/nothing."
