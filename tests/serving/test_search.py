import numpy as np
import pytest

from mibsk.bundle import Bundle

from .fake_index import FakeIndex


@pytest.fixture
def searching(client_of, digits, halves):
    rows = {name: X[:40] for name, X in halves.items()}
    return client_of(digits, open_index=lambda bundle: FakeIndex(bundle, rows))


def search(client, query, modality="right", **fields):
    return client.post("/search", json={"query": query, "modality": modality, **fields})


def test_a_search_is_by_inner_product(searching, digits, halves):
    z = {name: Bundle(digits).embed(name, X[:40]) for name, X in halves.items()}
    best = np.argsort(-(z["right"] @ z["left"][3]), kind="stable")[:5]
    by_input = search(searching, {"modality": "left", "input": halves["left"][3].tolist()}, k=5)
    assert by_input.status_code == 200, by_input.text
    results = by_input.json()["results"]
    assert [int(each["id"]) for each in results] == best.tolist()
    assert set(results[0]) == {"id", "score", "metadata", "media_type"}
    assert results[0]["media_type"] == "text/html"
    by_id = search(searching, {"modality": "left", "id": "3"}, k=5).json()["results"]
    by_vector = search(searching, {"vector": (7 * z["left"][3]).tolist()}, k=5).json()["results"]
    for others in (by_id, by_vector):
        assert [each["id"] for each in others] == [each["id"] for each in results]
        scores = [[each["score"] for each in rows] for rows in (others, results)]
        np.testing.assert_allclose(*scores, rtol=0, atol=1e-5)


def test_a_search_is_filtered(searching):
    query = {"modality": "left", "id": "3"}
    results = search(searching, query, where={"even": False}).json()["results"]
    assert len(results) == 10
    assert all(int(each["id"]) % 2 for each in results)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"modality": "right"}, 400, "lacks the field 'query'"),
        ({"query": {}, "modality": "right", "resize": True}, 400, "It goes inside query."),
        (
            {"query": {}, "to": "right"},
            400,
            "lacks the field 'modality' and has an unknown field 'to'",
        ),
        ({"query": {}, "modality": "right"}, 400, "one of the fields"),
        ({"query": {"id": "1", "vector": []}, "modality": "right"}, 400, "one of the fields"),
        ({"query": {"id": "1"}, "modality": "right"}, 400, "modality must be a string"),
        ({"query": {"vector": [1]}, "modality": "right"}, 400, "list of 8 numbers"),
        ({"query": {"vector": [0] * 8}, "modality": "right"}, 400, "no direction"),
        ({"query": {"vector": [1e300] * 8}, "modality": "right"}, 400, "no direction"),
        ({"query": {"vector": [True] * 8}, "modality": "right"}, 400, "list of 8 numbers"),
        ({"query": {"modality": "left", "id": "x"}, "modality": "right"}, 404, "no row 'x'"),
        ({"query": {"modality": "up", "id": "1"}, "modality": "right"}, 404, "no modality 'up'"),
        ({"query": {"modality": "up", "vector": [1] * 8}, "modality": "right"}, 404, "no modality"),
        ({"query": {"modality": ["left"], "vector": [1] * 8}, "modality": "right"}, 400, "string"),
        ({"query": {"modality": "up", "input": []}, "modality": "right"}, 404, "no modality"),
        ({"query": {"modality": "left", "input": []}, "modality": "right"}, 400, "empty"),
        ({"query": {"modality": "left", "id": "1"}, "modality": "up"}, 404, "no modality 'up'"),
        ({"query": {"modality": "left", "id": "1"}, "modality": "right", "k": 0}, 400, "k must"),
        ({"query": {"modality": "left", "id": "1"}, "modality": "right", "where": 3}, 400, "obje"),
        (
            {"query": {"modality": "left", "id": "1"}, "modality": "right", "where": {"odd": 1}},
            400,
            "no column 'odd'",
        ),
    ],
)
def test_bad_searches_say_what_is_wrong(searching, body, status, message):
    answer = searching.post("/search", json=body)
    assert answer.status_code == status, answer.text
    assert message in answer.json()["error"]["message"]


def test_rows_of_the_index_are_listed(searching):
    summary = searching.get("/index").json()
    assert summary["modalities"]["left"] == {
        "n_rows": 40,
        "columns": {"even": "boolean"},
        "has_content": True,
    }
    rows = searching.get("/index/left/rows?offset=38&limit=5").json()
    assert rows["n_rows"] == 40
    assert rows["rows"][1] == {"id": "39", "metadata": {"even": False}, "media_type": "text/html"}
    for wrong in ("offset=-1", "limit=0", "limit=x", "limit=" + "9" * 50, "offset=²"):
        assert searching.get(f"/index/left/rows?{wrong}").status_code == 400


def test_contents_run_no_scripts(searching):
    content = searching.get("/index/left/rows/3/content")
    assert content.text == "<b>3</b>"
    assert content.headers["content-security-policy"].startswith("sandbox")
    assert content.headers["x-content-type-options"] == "nosniff"
    assert searching.get("/index/left/rows/x/content").status_code == 404


def test_without_an_index_search_says_so(client):
    answer = search(client, {"modality": "left", "id": "1"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_index")
    assert client.get("/index").status_code == 404


def test_an_index_of_another_model_is_not_searched(client_of, digits, halves):
    index = FakeIndex(Bundle(digits), {name: X[:5] for name, X in halves.items()})
    opened = []

    def open_index(bundle):
        opened.append(bundle)
        if len(opened) > 1:
            raise ValueError("/home/me/index is of another model.")
        return index

    client = client_of(digits, open_index=open_index)
    assert client.portal.call(client.service.reload)
    answer = search(client, {"modality": "left", "id": "1"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "index_unusable")
    assert "/home" not in answer.text
    assert "another model" in client.get("/readyz").json()["index_problem"]
    body = {"model": "left", "input": halves["left"][0].tolist()}
    assert client.post("/v1/embeddings", json=body).status_code == 200


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/home/me/digits-index/", "digits-index"),
        ("qdrant+https://me:secret@host:6333/digits?key=secret", "digits"),
    ],
)
def test_visitors_see_the_name_of_the_index_alone(client_of, digits, halves, address, name):
    index = FakeIndex(Bundle(digits), {key: X[:5] for key, X in halves.items()})
    index.address = address
    answer = client_of(digits, open_index=lambda bundle: index).get("/index")
    assert answer.json()["name"] == name
    assert not any(word in answer.text for word in ("home", "secret", "host"))
