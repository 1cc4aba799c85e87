import signal

import httpx
import pytest
from click.testing import CliRunner

from mibsk.cli import main


def test_a_server_starts_answers_and_ends(run_server, digits, halves):
    with run_server(digits) as server:
        assert httpx.get(f"{server.address}/healthz").json() == {"status": "ok"}
        body = {"model": "digits/left", "input": halves["left"][0].tolist()}
        answer = httpx.post(f"{server.address}/v1/embeddings", json=body)
        assert answer.status_code == 200
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) == 0
        events = [line.split('"event":"')[1].split('"')[0] for line in server.log().splitlines()]
        assert events == ["started", "request", "request", "ended"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no bundle at nowhere"),
        (["models:/digits@champion"], "mlflow.db, which does not exist"),
        (["nowhere", "--token-file", "no-file"], "no-file: No such file"),
    ],
)
def test_bad_arguments_are_one_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    result = CliRunner().invoke(main, ["serve", *arguments])
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
