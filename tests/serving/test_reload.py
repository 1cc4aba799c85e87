"""Bundles that are replaced while they are served: whole ones, torn ones, under load."""

import json
import shutil
import signal
import threading
import time

import httpx
import pytest

from mibsk import IBAligner
from mibsk.bundle import Bundle, write_bundle

from .fake_index import FakeIndex


@pytest.fixture(scope="module")
def other(halves, tmp_path_factory):
    """Folder of another bundle with the same modalities."""
    folder = tmp_path_factory.mktemp("other") / "digits"
    model = IBAligner(n_components=8, max_epochs=1, random_state=1).fit(halves)
    write_bundle(model, folder, name="digits-2")
    return folder


@pytest.fixture
def served(digits, tmp_path):
    """A copy of the bundle of digits, which a test can replace."""
    return shutil.copytree(digits, tmp_path / "served")


def encoder_file(folder):
    """Return a file that the manifest lists."""
    return folder / json.loads((folder / "manifest.json").read_text())["modalities"][0]["file"]


def replace(folder, other):
    shutil.copytree(other, folder, dirs_exist_ok=True)


def digest_of(client):
    return client.get("/readyz").json()["digest"]


def sample(client, name, **labels):
    return client.service.metrics.registry.get_sample_value(name, labels or None)


def reload_if_replaced(client):
    client.portal.call(client.service.reload_if_replaced)


def test_a_replaced_bundle_is_served(client_of, served, other, halves):
    client = client_of(served)
    reload_if_replaced(client)
    assert sample(client, "mibsk_reloads_total", outcome="done") is None
    replace(served, other)
    reload_if_replaced(client)
    assert digest_of(client) == Bundle(other).digest
    assert client.get("/manifest").json()["name"] == "digits-2"
    assert sample(client, "mibsk_reloads_total", outcome="done") == 1
    body = {"model": "digits-2/left", "input": halves["left"][0].tolist()}
    assert client.post("/v1/embeddings", json=body).status_code == 200


@pytest.mark.parametrize(
    "tear",
    [
        lambda folder: encoder_file(folder).write_bytes(b"x"),
        lambda folder: encoder_file(folder).unlink(),
        lambda folder: (folder / "manifest.json").write_text('{"format": '),
        lambda folder: (folder / "manifest.json").unlink(),
        lambda folder: shutil.rmtree(folder),
        lambda folder: (folder / "manifest.json").write_text("[]"),
    ],
)
def test_a_torn_bundle_is_not_served(client_of, served, digits, other, halves, tear, capfd):
    client = client_of(served)
    replace(served, other)
    tear(served)
    reload_if_replaced(client)
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["digest"] == Bundle(digits).digest
    assert ready.json()["reload_problem"]
    assert sample(client, "mibsk_reload_problem") == 1
    assert sample(client, "mibsk_reloads_total", outcome="failed") == 1
    assert '"event":"reload_failed"' in capfd.readouterr().err
    body = {"model": "left", "input": halves["left"][0].tolist()}
    assert client.post("/v1/embeddings", json=body).status_code == 200
    reload_if_replaced(client)  # the same files are not tried again
    assert sample(client, "mibsk_reloads_total", outcome="failed") == 1
    replace(served, other)
    reload_if_replaced(client)
    assert digest_of(client) == Bundle(other).digest
    assert client.get("/readyz").json()["reload_problem"] is None
    assert sample(client, "mibsk_reload_problem") == 0


def test_an_index_of_the_bundle_before_is_not_searched(client_of, served, digits, other, halves):
    index = FakeIndex(Bundle(digits), {name: X[:5] for name, X in halves.items()})

    def open_index(bundle):
        if bundle.digest != index.digest:
            raise ValueError("the index is of another model.")
        return index

    with pytest.raises(ValueError, match="another model"):
        client_of(other, open_index=open_index)
    client = client_of(served, open_index=open_index)
    query = {"query": {"modality": "left", "id": "1"}, "modality": "right"}
    assert client.post("/search", json=query).status_code == 200
    replace(served, other)
    reload_if_replaced(client)
    assert client.post("/search", json=query).status_code == 409
    body = {"model": "left", "input": halves["left"][0].tolist()}
    assert client.post("/v1/embeddings", json=body).status_code == 200
    index.digest = Bundle(other).digest  # it was made again
    reload_if_replaced(client)
    assert client.post("/search", json=query).status_code == 200


class Clients:
    """Clients in threads that embed a row again and again, on connections that stay open."""

    def __init__(self, address, row, n=4):
        self.url, self.body = f"{address}/v1/embeddings", {"model": "left", "input": row.tolist()}
        self.answered, self.lost, self.ended = 0, [], threading.Event()
        self.threads = [threading.Thread(target=self._run) for _ in range(n)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def _run(self):
        with httpx.Client(timeout=30) as client:
            while not self.ended.is_set():
                try:
                    answer = client.post(self.url, json=self.body)
                except httpx.ConnectError:  # the server has ended: nothing was sent
                    return
                except httpx.HTTPError as error:
                    self.lost.append(repr(error))
                    return
                if answer.status_code != 200:
                    self.lost.append(answer.text)
                self.answered += 1


def test_no_request_is_lost_while_bundles_are_replaced(run_server, served, digits, other, halves):
    with (
        run_server(served, "--poll", "0.1", "--no-access-log") as server,
        Clients(server.address, halves["left"][0]) as clients,
    ):
        for number in range(6):
            replace(served, (other, digits)[number % 2])
            if number == 3:
                encoder_file(served).write_bytes(b"torn")
            if number == 4:
                server.send_signal(signal.SIGHUP)
            time.sleep(0.7)
        metrics = httpx.get(f"{server.address}/metrics").text
    assert clients.lost == []
    assert clients.answered > 50
    done = metrics.split('mibsk_reloads_total{outcome="done"} ')[1].split("\n")[0]
    assert float(done) >= 3
    assert "mibsk_unexpected_errors_total 0.0" in metrics


def test_no_request_is_lost_when_the_server_ends(run_server, digits, halves):
    with (
        run_server(digits, "--no-access-log") as server,
        Clients(server.address, halves["left"][0]) as clients,
    ):
        time.sleep(1)
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
        for thread in clients.threads:
            thread.join()
    assert clients.lost == []
    assert clients.answered > 20
