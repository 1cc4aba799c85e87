"""Requests that nobody planned: none fails by a defect, each wrong one says what is wrong."""

import json
import os
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from mibsk.bundle import Bundle

from .conftest import served_in_thread, unexpected_errors
from .fake_index import FakeIndex

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    schemathesis = pytest.importorskip("schemathesis")

from fastapi.testclient import TestClient
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from mibsk.serving import Service, Settings, create_app

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
]
N = int(os.environ.get("MIBSK_FUZZ_EXAMPLES", "60"))
UNHURRIED = settings(
    max_examples=N, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
LONG = settings(UNHURRIED, max_examples=20 * N)
PATHS = (
    "/v1/embeddings",
    "/search",
    "/v2/models/left/infer",
    "/v2/models/left/versions/x/infer",
    "/v2/models/table/infer",
    "/v2/models/words/infer",
    "/index/left/rows",
)


@pytest.fixture(scope="module")
def services(digits, kinds, halves):
    """Two servers with an index; at the end, neither may have failed."""
    rows = {
        "words": ["a", "b"],
        "bytes": np.zeros((2, 4, 4, 3), np.uint8),
    }
    found = {}
    for folder, some in ((digits, {n: X[:5] for n, X in halves.items()}), (kinds, rows)):
        found[folder.name] = Service(
            folder,
            Settings(poll=0, access_log=False, max_body=20_000),
            open_index=lambda bundle, some=some: FakeIndex(bundle, some),
        )
    yield found
    for service in found.values():
        assert unexpected_errors(service) == 0


@pytest.fixture(scope="module")
def clients(services):
    opened = [TestClient(create_app(service)) for service in services.values()]
    for client in opened:
        client.__enter__()
    yield opened
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture(scope="module")
def schema(services):
    with served_in_thread(services["digits"]) as port:
        yield schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/openapi.json")


def check_operations(schema, how):
    """Send requests that the document allows, and others, to each operation."""
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 15
    for operation in operations:
        for mode in GenerationMode:

            @how
            @given(case=operation.as_strategy(generation_mode=mode))
            def run(case):
                case.call_and_validate(checks=CHECKS)

            try:
                run()
            except Unsatisfiable:  # there is nothing that it would not allow
                assert mode is GenerationMode.NEGATIVE


def test_answers_are_those_of_the_openapi_document(schema):
    check_operations(schema, settings(UNHURRIED, max_examples=max(3, N // 20)))


@pytest.mark.slow
def test_answers_are_those_of_the_openapi_document_at_length(schema):
    check_operations(schema, settings(UNHURRIED, max_examples=N))


def check(clients, path, **sent):
    """Send a request to both servers; each answers in the form of the protocol."""
    for client in clients:
        answer = client.post(path, **sent)
        assert answer.status_code in (200, 400, 404, 405, 413, 415, 422), answer.text
        if answer.status_code != 200:
            error = answer.json()["error"]
            message = error if path.startswith("/v2") else error["message"]
            assert isinstance(message, str)
            assert 5 < len(message) < 1000


HARSH = [0, 1, -1, 0.5, 1e39, -1e308, 2**31, 2**63, 2**64, -(2**63), 5e-324]
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(HARSH),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(["data:image/png;base64,AAAA", "left", "kinds/words", "float"]),
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)
rows = st.one_of(
    values,
    st.lists(st.sampled_from(HARSH) | st.floats(0, 1), min_size=2, max_size=2),
    st.just([[0.5] * 4] * 8),
    st.fixed_dictionaries({"a": leaves, "b": leaves}),
    st.lists(st.text(), max_size=3),
)
modalities = st.sampled_from(["left", "digits/right", "kinds/words", "table", "bytes", "up", ""])
embeddings = st.fixed_dictionaries(
    {"model": modalities | values, "input": rows},
    optional={
        "encoding_format": st.sampled_from(["float", "base64"]) | values,
        "dimensions": st.integers(-1, 9) | values,
        "resize": values,
        "extra": values,
    },
)
queries = st.one_of(
    values,
    st.fixed_dictionaries({"modality": modalities, "input": rows}),
    st.fixed_dictionaries({"modality": modalities, "id": st.sampled_from(["0", "x"]) | values}),
    st.fixed_dictionaries({"vector": st.lists(st.sampled_from(HARSH), min_size=8, max_size=8)}),
)
searches = st.fixed_dictionaries(
    {"query": queries, "modality": modalities | values},
    optional={"k": st.integers(-1, 2000) | values, "where": values},
)
tensors = st.fixed_dictionaries(
    {
        "name": st.just("x") | values,
        "shape": st.sampled_from([[1, 8, 4], [2, 2], [1], [0], [2**62, 4]]) | values,
        "datatype": st.sampled_from(["FP32", "FP16", "BYTES", "BOOL", "INT8", "UINT64"]) | values,
    },
    optional={
        "data": st.lists(leaves, min_size=32, max_size=32) | values,
        "parameters": st.fixed_dictionaries({"binary_data_size": st.integers(-1, 200) | values})
        | values,
    },
)
inferences = st.fixed_dictionaries(
    {"inputs": st.lists(tensors, min_size=1, max_size=1) | values},
    optional={"outputs": values, "parameters": values, "id": values},
)
bodies = st.one_of(embeddings, searches, inferences, values)


@UNHURRIED
@given(path=st.sampled_from(PATHS), body=bodies)
def test_any_json_is_answered(clients, path, body):
    content = json.dumps(body).encode()  # lone surrogates are escaped
    check(clients, path, content=content, headers={"Content-Type": "application/json"})


@UNHURRIED
@given(
    path=st.sampled_from(PATHS),
    body=bodies,
    start=st.integers(0, 400),
    length=st.integers(0, 40),
    inserted=st.binary(max_size=20),
    headers=st.dictionaries(
        st.sampled_from(
            ["Content-Type", "Inference-Header-Content-Length", "Content-Encoding", "X-Request-Id"]
        ),
        st.sampled_from(["application/json", "text/plain", "", "0", "40", "-1", "x" * 300, "é"]),
    ),
)
def test_any_bytes_are_answered(clients, path, body, start, length, inserted, headers):
    content = json.dumps(body).encode()
    content = content[:start] + inserted + content[start + length :]
    sent = {name: value.encode("latin-1") for name, value in headers.items()}
    check(clients, path, content=content, headers=sent)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "content",
    [
        b"[" * 9_000,
        b'{"input":' * 1_000,
        b'{"model": "left", "input": ' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"model": "table", "input": ' + b"[" * 1000 + b"1" + b"]" * 1000 + b"}",
        b'{"model": "left", "input": [[' + b"9" * 9_000 + b"]]}",
        b'{"model": "words", "input": "\\ud800"}',
        b'{"model": "words", "input": "\xed\xa0\x80"}',
        b'{"model": "left", "input": NaN}',
        b'{"model": "left", "input": 1e999}',
        b'{"inputs": [{"name": "x", "datatype": "FP32", "shape": ['
        + b"1," * 100
        + b'1], "data": [1]}]}',
        b'{"query": {"modality": "left", "id": "' + b"x" * 9_000 + b'"}, "modality": "right"}',
        b"\xff\xfe{\0}\0",
        b"\xef\xbb\xbf{}",
        b"",
        b"null",
        b" " * 30_000,
    ],
)
def test_known_traps_are_answered(clients, path, content):
    check(clients, path, content=content, headers={"Content-Type": "application/json"})


@pytest.mark.slow
@LONG
@given(path=st.sampled_from(PATHS), body=bodies, cut=st.integers(0, 300))
def test_any_json_is_answered_at_length(clients, path, body, cut):
    content = json.dumps(body).encode()
    check(clients, path, content=content, headers={"Content-Type": "application/json"})
    check(clients, path, content=content[:cut], headers={"Content-Type": "application/json"})


def test_bundles_of_the_fuzz_have_what_is_asked_for(digits, kinds):
    assert set(Bundle(digits).modalities) == {"left", "right"}
    assert set(Bundle(kinds).modalities) == {"table", "words", "bytes"}
