"""All examples of docs/serving.md are run, in order, in one folder and against real servers."""

import contextlib
import doctest
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from functools import cache
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest

from mibsk.cli import COMMANDS

PAGE = Path(__file__).parents[1] / "docs" / "serving.md"
LANGUAGES = ("bash", "python", "javascript")
SECONDS = 90
# how a server shows that it is ready
READY = {"mibsk serve": "/healthz", "mlflow models serve": "/ping", "http.server": "/"}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PORT = re.compile(r"(?<=127\.0\.0\.1:)\d{4}|(?<=--port )\d{4}|(?<=http\.server )\d{4}")


class Example(NamedTuple):
    """A block of code, and the output that the page shows below it."""

    line: int
    language: str
    code: str
    output: str


def read_examples(text: str) -> list[Example]:
    """Return all fenced blocks; a block of text is the output of the block before it."""
    found: list[Example] = []
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S):
        language, code = match.groups()
        if language == "text":
            found[-1] = found[-1]._replace(output=code)
        else:
            found.append(Example(text[: match.start()].count("\n") + 1, language, code, ""))
    return found


TEXT = PAGE.read_text()
EXAMPLES = read_examples(TEXT)


def test_every_block_has_a_language_that_is_run():
    assert len(EXAMPLES) > 10
    assert {example.language for example in EXAMPLES} == set(LANGUAGES)
    assert ">>>" not in TEXT  # these would be run twice


def test_the_commands_of_the_page_exist():
    commands = re.findall(r"^mibsk ([a-z]+)", TEXT, re.M)
    assert commands
    assert set(commands) <= set(COMMANDS)


def test_outputs_belong_to_the_block_before():
    text = "a\n```python\nprint(1)\n```\n\n```text\n1\n```\n```bash\ntrue\n```\n"
    assert read_examples(text) == [
        Example(2, "python", "print(1)\n", "1\n"),
        Example(9, "bash", "true\n", ""),
    ]


class Reader:
    """Somebody who runs the examples in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports: dict[str, str] = {}
        self.names: dict[str, object] = {"__name__": "example"}
        self.servers: list[subprocess.Popen] = []
        programs = folder / "programs"
        programs.mkdir()
        (programs / "mibsk").write_text(f'#!/bin/sh\nexec {sys.executable} -m mibsk "$@"\n')
        (programs / "mibsk").chmod(0o755)
        path = f"{programs}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
        self.environment = kept | {
            "PATH": path + os.environ["PATH"],
            "PYTHONPATH": str(PAGE.parents[1]),
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }

    def with_ports(self, code: str) -> str:
        """Replace each port by a free one, which stays the same on the whole page."""
        return PORT.sub(lambda match: self.port(match[0]), code)

    def port(self, shown: str) -> str:
        if shown not in self.ports:
            with socket.socket() as found:
                found.bind(("127.0.0.1", 0))
                self.ports[shown] = str(found.getsockname()[1])
        return self.ports[shown]

    def run(self, example: Example) -> str:
        """Run a block and return what it printed."""
        code = self.with_ports(example.code)
        return getattr(self, f"run_{example.language}")(code)

    def run_python(self, code: str) -> str:
        printed = StringIO()
        with contextlib.redirect_stdout(printed), contextlib.chdir(self.folder):
            exec(compile(code, PAGE.name, "exec"), self.names)
        return printed.getvalue()

    def run_javascript(self, code: str) -> str:
        (self.folder / "example.mjs").write_text(code)
        return self._output(["node", "example.mjs"])

    def run_bash(self, code: str) -> str:
        for start, ready in READY.items():
            if start in code:
                return self._start(code, ready)
        return self._output(["bash", "-euo", "pipefail", "-c", code])

    def _output(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _start(self, code: str, ready: str) -> str:
        """Start a server, which runs until the end, and wait until it answers."""
        log = self.folder / f"log-{len(self.servers)}.txt"
        with open(log, "w") as file:
            process = subprocess.Popen(
                ["bash", "-c", code],
                cwd=self.folder,
                env=self.environment,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        self.servers.append(process)
        shown = re.search(r"(?:--port|http\.server) (\d+)", code)
        url = f"http://127.0.0.1:{shown[1] if shown else self.port('8000')}{ready}"
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
                return log.read_text()
            time.sleep(0.2)
        raise AssertionError(f"{url} does not answer after {SECONDS} s:\n{log.read_text()}")

    def close(self) -> None:
        for process in self.servers:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    for name in ("fastapi", "lancedb", "openai", "tritonclient"):
        pytest.importorskip(name)
    mlflow = pytest.importorskip("mlflow")
    reader = Reader(tmp_path_factory.mktemp("serving"))
    yield reader
    reader.close()
    mlflow.set_tracking_uri(None)


# what a block with one of these words needs: a program, and a call of it that shows that it works
NEEDS = {
    r"^docker ": ["docker", "info"],
    r"^npm |onnxruntime-node|mibsk site|--directory site": ["npm", "ping", "--fetch-retries=0"],
    r"^curl ": ["curl", "--version"],
}


@cache
def works(*command: str) -> bool:
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def reason_to_skip(example: Example) -> str:
    """Return what an example needs and this machine lacks, if anything."""
    needed = [each for words, each in NEEDS.items() if re.search(words, example.code, re.M)]
    if example.language == "javascript":
        needed.append(["node", "--version"])
    return next((f"{' '.join(each)} fails here" for each in needed if not works(*each)), "")


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"line {example.line}")
# of the clients, not of this package
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")
@pytest.mark.filterwarnings("ignore:[\\s\\S]*Any type hint is inferred as AnyType:UserWarning")
def test_an_example_runs_as_shown(reader, example):
    if reason := reason_to_skip(example):
        pytest.skip(reason)
    printed = reader.run(example)
    if example.output:
        expected = reader.with_ports(example.output)
        assert doctest.OutputChecker().check_output(expected, printed, FLAGS), printed
