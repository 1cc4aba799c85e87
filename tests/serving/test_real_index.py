"""Search in a real index, from the command line to the answer."""

import shutil

import httpx
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from mibsk.bundle import Bundle
from mibsk.cli import main

pytest.importorskip("lancedb")

from mibsk.index import Content, open_index


@pytest.fixture(scope="module")
def index(digits, halves, tmp_path_factory):
    """Address of an index of pictures with contents, and of rows without."""
    address = tmp_path_factory.mktemp("index") / "digits"
    bundle = Bundle(digits)
    opened = open_index(address, bundle=bundle, create=True)
    ids = [f"row/{i} ü" for i in range(48)] + ["two\nlines", "a/rows/b"]
    metadata = pd.DataFrame({"number": range(50), "name": ids})
    contents = [Content(b"picture %d" % i, "image/png") if i else None for i in range(50)]
    opened.add("right", ids, bundle.embed("right", halves["right"][:50]), metadata, contents)
    opened.add("left", ids, bundle.embed("left", halves["left"][:50]))
    return address


@pytest.fixture
def searching(client_of, digits, index):
    return client_of(digits, open_index=lambda bundle: open_index(index, bundle=bundle))


def test_search_agrees_with_brute_force(searching, digits, halves):
    z = {name: Bundle(digits).embed(name, X[:50]) for name, X in halves.items()}
    scores = z["right"] @ z["left"][7]
    best = np.argsort(-scores)[:4]
    query = {"modality": "left", "input": halves["left"][7].tolist()}
    answer = searching.post("/search", json={"query": query, "modality": "right", "k": 4})
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [each["metadata"]["number"] for each in results] == best.tolist()
    np.testing.assert_allclose([each["score"] for each in results], scores[best], atol=1e-5)
    where = {"number": {"gte": 40, "lt": 45}}
    query = {"modality": "right", "id": "row/3 ü"}
    body = {"query": query, "modality": "right", "where": where}
    results = searching.post("/search", json=body).json()["results"]
    assert sorted(each["metadata"]["number"] for each in results) == [40, 41, 42, 43, 44]
    wrong = searching.post("/search", json=body | {"where": {"numbre": 3}})
    assert wrong.status_code == 400
    assert "Did you mean 'number'" in wrong.json()["error"]["message"]


def test_conditions_in_conditions_without_end_are_refused(searching):
    condition = "[" * 1000 + "]" * 1000
    query = '{"modality": "left", "id": "row/3 ü"}'
    body = f'{{"query": {query}, "modality": "right", "where": {{"number": {condition}}}}}'
    headers = {"Content-Type": "application/json"}
    answer = searching.post("/search", content=body.encode(), headers=headers)
    assert answer.status_code == 400, answer.text


def test_rows_and_contents_are_those_of_the_index(searching):
    summary = searching.get("/index").json()["modalities"]
    assert summary["right"] == {
        "n_rows": 50,
        "columns": {"number": "integer", "name": "string"},
        "has_content": True,
    }
    assert summary["left"]["has_content"] is False
    rows = searching.get("/index/right/rows?limit=2").json()["rows"]
    assert [row["media_type"] for row in rows] == [None, "image/png"]
    content = searching.get("/index/right/rows/row%2F1%20%C3%BC/content")
    assert (content.content, content.headers["content-type"]) == (b"picture 1", "image/png")
    nested = searching.get("/index/right/rows/a%2Frows%2Fb/content")
    assert nested.content == b"picture 49"
    assert searching.get("/index/right/rows/two%0Alines/content").content == b"picture 48"
    assert searching.get("/index/right/rows/row%2F0%20%C3%BC/content").status_code == 404
    assert searching.get("/index/right/rows/none/content").status_code == 404


def test_the_command_serves_an_index(run_server, digits, index):
    with run_server(digits, "--index", str(index)) as server:
        assert httpx.get(f"{server.address}/index").json()["modalities"]["left"]["n_rows"] == 50


def test_an_index_has_to_be_there(digits, tmp_path):
    result = CliRunner().invoke(main, ["serve", str(digits), "--index", str(tmp_path / "none")])
    assert result.exit_code == 2
    assert "none" in result.stderr


def test_an_index_that_goes_away_is_503(client_of, digits, index, tmp_path):
    copy = shutil.copytree(index, tmp_path / "copy")
    client = client_of(digits, open_index=lambda bundle: open_index(copy, bundle=bundle))
    shutil.rmtree(copy)
    body = {"query": {"modality": "left", "id": "row/1 ü"}, "modality": "right"}
    answers = [client.post("/search", json=body), client.get("/index/right/rows")]
    for answer in answers:
        assert answer.status_code in (200, 404, 503), answer.text  # parts can be in memory
    assert client.get("/healthz").status_code == 200
