"""Tokens, limits, slow clients, logs and metrics."""

import json
import socket
import threading
import time

import pytest

from .conftest import server_in_thread

TOKEN = "a-secret-token"
PUBLIC = ("/", "/healthz", "/docs", "/openapi.json", "/static/style.css")
PROTECTED = ("/readyz", "/metrics", "/manifest", "/v1/models", "/v2", "/v2/health/live", "/index")


@pytest.mark.parametrize("path", PUBLIC)
def test_pages_and_health_need_no_token(client_of, digits, path):
    assert client_of(digits, token=TOKEN).get(path).status_code == 200


@pytest.mark.parametrize("path", [*PROTECTED, "/nothing", "/healthz/", "/static"])
@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN]
)
def test_everything_else_needs_the_token(client_of, digits, path, given):
    headers = {} if given is None else {"Authorization": given}
    answer = client_of(digits, token=TOKEN).get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", PROTECTED)
def test_the_token_lets_in(client_of, digits, path):
    client = client_of(digits, token=TOKEN)
    answer = client.get(path, headers={"Authorization": f"bearer {TOKEN}"})
    assert answer.status_code == (404 if path == "/index" else 200)


def test_bodies_are_refused_before_the_token_is_right(client_of, digits):
    answer = client_of(digits, token=TOKEN).post("/v1/embeddings", content=b"x" * 100)
    assert answer.status_code == 401


def test_large_bodies_are_refused(client_of, digits):
    client = client_of(digits, max_body=1000)
    assert client.post("/v1/embeddings", content=b" " * 1001).status_code == 413
    announced = {"Content-Length": "9" * 40, "Content-Type": "application/json"}
    assert client.post("/v1/embeddings", content=b"{}", headers=announced).status_code == 413

    def chunks():
        for _ in range(11):
            yield b" " * 100

    answer = client.post("/search", content=chunks())
    assert answer.status_code == 413
    assert "1,000 bytes" in answer.json()["error"]["message"]
    assert client.post("/v1/embeddings", content=b" " * 1000).status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 400),
        ({"Content-Type": "application/json; charset=utf-8"}, 400),
        ({"Content-Encoding": "gzip"}, 415),
    ],
)
def test_bodies_of_other_types_are_refused(client, headers, status):
    assert client.post("/v1/embeddings", content=b"{}", headers=headers).status_code == status


def test_requests_have_an_id(client):
    assert client.get("/healthz", headers={"X-Request-Id": "a-1"}).headers["x-request-id"] == "a-1"
    odd = client.get("/healthz", headers={"X-Request-Id": "a b\t" * 50}).headers["x-request-id"]
    assert len(odd) == 16


def test_logs_are_json_without_bodies_and_tokens(client_of, digits, capfd):
    client = client_of(digits, token=TOKEN)
    object.__setattr__(client.service.settings, "access_log", True)
    headers = {"Authorization": f"Bearer {TOKEN}", "X-Request-Id": "one"}
    client.post("/v1/embeddings", json={"model": "private-words"}, headers=headers)
    logged = capfd.readouterr().err
    line = json.loads(logged)
    assert line["event"] == "request"
    assert (line["request_id"], line["status"], line["path"]) == ("one", 400, "/v1/embeddings")
    assert TOKEN not in logged
    assert "private-words" not in logged


def test_metrics_count_requests_and_rows(client, halves):
    body = {"model": "left", "input": halves["left"][:3].tolist()}
    client.post("/v1/embeddings", json=body)
    client.post("/v1/embeddings", json={})
    client.get("/nothing/at/all")
    text = client.get("/metrics").text
    for line in (
        'mibsk_requests_total{route="/v1/embeddings",status="200"} 1.0',
        'mibsk_requests_total{route="/v1/embeddings",status="400"} 1.0',
        'mibsk_requests_total{route="other",status="404"} 1.0',
        'mibsk_rows_embedded_total{modality="left"} 3.0',
        'mibsk_request_seconds_count{route="/v1/embeddings"} 2.0',
        "mibsk_unexpected_errors_total 0.0",
        f'digest="{client.service.snapshot.bundle.digest}"',
    ):
        assert line in text


def test_a_defect_is_counted_and_logged(client, monkeypatch, capfd):
    monkeypatch.setattr(type(client.service.snapshot), "encoder", lambda *a: 1 / 0)
    answer = client.post("/v2/models/left/infer", json={})
    assert answer.status_code == 500
    metric = "mibsk_unexpected_errors_total"
    assert client.service.metrics.registry.get_sample_value(metric) == 1
    assert "ZeroDivisionError" in capfd.readouterr().err
    client.service.metrics.unexpected_errors.reset()


def answer_to(port, *parts, pause=0.0):
    """Return what a server answers to bytes that come in parts, until it closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        connection.settimeout(20)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return received


def test_slow_clients_are_cut_off_and_others_served(digits):
    """Each would hold its connection for ever; meanwhile the server answers others."""
    post = b"POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"
    with server_in_thread(digits, timeout=1.0) as (service, port):
        found = {}

        def run(name, *parts):
            start = time.monotonic()
            found[name] = answer_to(port, *parts), time.monotonic() - start

        cases = {
            "nothing": (),
            "headers": (b"GET /healthz HTTP/1.1\r\nHost: a\r\n",),
            "body": (post + b"{",),
        }
        threads = [threading.Thread(target=run, args=(n, *p)) for n, p in cases.items()]
        for thread in threads:
            thread.start()
        healthy = answer_to(port, b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert healthy.startswith(b"HTTP/1.1 200")
        for thread in threads:
            thread.join()
        assert all(seconds < 10 for _, seconds in found.values())
        assert found["nothing"][0].startswith(b"HTTP/1.1 408")
        assert found["headers"][0].startswith(b"HTTP/1.1 408")
        assert b"did not arrive within 1 seconds" in found["body"][0]
        sample = service.metrics.registry.get_sample_value
        labels = {"route": "other", "status": "408"}
        assert sample("mibsk_requests_total", labels) == 1
        assert sample("mibsk_requests_in_progress") == 0


def test_an_answer_that_nobody_reads_is_given_up(digits, halves):
    """Its buffer would be in memory for ever."""
    rows = json.dumps({"model": "left", "input": halves["left"][:100].tolist()}).encode()
    head = f"POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Length: {len(rows)}\r\n\r\n"
    with (
        server_in_thread(digits, timeout=0.5) as (service, port),
        socket.socket() as connection,
    ):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", port))
        with pytest.raises(OSError, match=r"reset|Broken pipe"):  # noqa: PT012
            connection.settimeout(20)
            for _ in range(2000):  # answers of 10 kB that fill all buffers
                connection.sendall(head.encode() + rows)
                time.sleep(0.005)
        for _ in range(200):
            if service.metrics.registry.get_sample_value("mibsk_requests_in_progress") == 0:
                break
            time.sleep(0.05)
        assert service.metrics.registry.get_sample_value("mibsk_requests_in_progress") == 0


def test_a_client_that_leaves_costs_nothing(digits):
    with server_in_thread(digits) as (service, port):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"POST /search HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{")
        labels = {"route": "other", "status": "499"}
        for _ in range(200):
            if service.metrics.registry.get_sample_value("mibsk_requests_total", labels):
                break
            time.sleep(0.05)
        assert service.metrics.registry.get_sample_value("mibsk_requests_total", labels) == 1


def test_a_large_request_does_not_delay_health(client_of, kinds):
    """Embedding takes place in a thread: the loop goes on."""
    client = client_of(kinds, max_rows=100_000)
    rows = ["word " * 20] * 20_000
    found = []

    def embed():
        found.append(client.post("/v1/embeddings", json={"model": "words", "input": rows}))

    thread = threading.Thread(target=embed)
    thread.start()
    n_healthy = 0
    while thread.is_alive():
        assert client.get("/healthz").status_code == 200
        n_healthy += 1
        thread.join(0.01)
    assert found[0].status_code == 200
    assert n_healthy > 5
