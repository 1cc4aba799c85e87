"""The image of the server: its steps name what there is, and give a small one without torch.

There is no Docker where the tests run: the fast tests read the Dockerfile, the slow one runs its
steps in a clean folder.
"""

import ast
import fnmatch
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from mibsk import IBAligner
from mibsk.bundle import write_bundle
from mibsk.cli import main
from mibsk.datasets import load_digits_halves

REPOSITORY = Path(__file__).parents[1]
MAX_MEGABYTES = 1000


class Step(NamedTuple):
    """One instruction of the file."""

    instruction: str
    arguments: str


def read_steps() -> list[Step]:
    """Return the instructions, continued lines joined."""
    text = (REPOSITORY / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Step(*line.split(" ", 1)) for line in joined.splitlines() if line]


STEPS = read_steps()
FIRST, LAST = (
    STEPS[: [i for i, step in enumerate(STEPS) if step.instruction == "FROM"][1]],
    STEPS[[i for i, step in enumerate(STEPS) if step.instruction == "FROM"][1] :],
)


def arguments_of(instruction: str, steps=STEPS) -> list[str]:
    return [step.arguments for step in steps if step.instruction == instruction]


def copied() -> list[tuple[list[str], str]]:
    """Return sources and target of each COPY from the repository."""
    split = [shlex.split(each) for each in arguments_of("COPY", FIRST)]
    return [(parts[:-1], parts[-1]) for parts in split]


def install_command() -> list[str]:
    (run,) = arguments_of("RUN", FIRST)
    (command,) = [each for each in run.split("&&") if "pip install" in each]
    return shlex.split(command)


def health_check() -> str:
    (check,) = arguments_of("HEALTHCHECK")
    command = json.loads(check[check.index("[") :])
    assert command[:2] == ["python", "-c"]
    return command[2]


def served_command() -> list[str]:
    (entry,), (default,) = arguments_of("ENTRYPOINT"), arguments_of("CMD")
    return [*json.loads(entry), *json.loads(default)]


def test_what_is_copied_is_there_and_not_ignored():
    patterns = (REPOSITORY / ".dockerignore").read_text().splitlines()
    kept = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    assert "*" in patterns
    sources = [source for listed, _ in copied() for source in listed]
    assert len(sources) == 5
    for source in sources:
        assert (REPOSITORY / source).exists()
        assert any(fnmatch.fnmatch(source, pattern) for pattern in kept)


def test_the_extras_are_those_that_serve():
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    asked = re.fullmatch(r"\.\[(.*)\]", install_command()[-1])[1].split(",")
    assert asked == ["onnx", "serve", "search"]
    needed = [package for name in asked for package in extras["optional-dependencies"][name]]
    assert needed
    assert not [package for package in needed if re.match("torch|mibsk", package)]


def test_the_command_of_the_image_is_one_of_mibsk():
    program, name, *arguments = served_command()
    assert program == "mibsk"
    command = main.get_command(None, name)
    context = command.make_context(name, list(arguments))  # raises for unknown options
    assert context.params["host"] == "0.0.0.0"
    assert context.params["bundle"] == "/bundle"
    assert f"127.0.0.1:{context.params['port']}/healthz" in health_check()
    assert arguments_of("EXPOSE") == [str(context.params["port"])]


def test_the_health_check_is_a_program():
    ast.parse(health_check())


def test_the_server_is_not_root_and_the_image_has_no_build_stage():
    assert arguments_of("USER", LAST) == ["1000"]
    assert [each.split()[0] for each in arguments_of("COPY", LAST)] == ["--from=build"]


@contextmanager
def started(command, log):
    with open(log, "w") as file:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file, text=True)
    try:
        line = process.stdout.readline()
        assert line, Path(log).read_text()
        yield line.split()[-1]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.slow
def test_its_steps_give_a_small_server_without_torch(tmp_path):
    source = tmp_path / "src"
    source.mkdir()
    for listed, target in copied():
        for name in listed:
            if (REPOSITORY / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(REPOSITORY / name, source / target, ignore=ignored)
            else:
                shutil.copy(REPOSITORY / name, source / target)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip, *install = install_command()
    assert pip == "/opt/mibsk/bin/pip"
    installed = subprocess.run(
        [python, "-m", "pip", "--quiet", *install],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    if "No matching distribution found" in installed.stderr:
        pytest.skip(f"no wheels, and no package index: {installed.stderr.splitlines()[-1]}")
    assert installed.returncode == 0, installed.stderr

    (packages,) = (tmp_path / "venv" / "lib").glob("*/site-packages")
    names = {folder.name for folder in packages.iterdir()}
    assert {"mibsk", "onnxruntime", "fastapi", "lancedb"} <= names
    assert {"torch", "skorch", "onnx", "mlflow", "playwright"} & names == set()
    size = sum(file.stat().st_size for file in packages.rglob("*") if file.is_file())
    assert size < MAX_MEGABYTES * 1e6

    halves = load_digits_halves().data
    aligner = IBAligner(n_components=8, max_epochs=1, random_state=0).fit(halves)
    write_bundle(aligner, tmp_path / "bundle")
    program, name, *_ = served_command()
    command = [python.with_name(program), name, "--port", "0", tmp_path / "bundle"]
    with started(command, tmp_path / "log") as address:
        check = health_check().replace("http://127.0.0.1:8000", address)
        subprocess.run([python, "-c", check], check=True)
        ask = (
            "import json, sys; from urllib.request import Request, urlopen\n"
            "kind = {'Content-Type': 'application/json'}\n"
            f"request = Request({address!r} + '/v1/embeddings', sys.stdin.buffer.read(), kind)\n"
            "print(json.load(urlopen(request))['data'][0]['embedding'])"
        )
        row = halves["left"][0]
        asked = json.dumps({"model": "left", "input": row.tolist()})
        done = subprocess.run(
            [python, "-c", ask], input=asked, capture_output=True, text=True, check=True
        )
    expected = aligner.embed({"left": row[None]})["left"][0]
    np.testing.assert_allclose(json.loads(done.stdout), expected, atol=1e-5)
