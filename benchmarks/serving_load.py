"""Requests per second and latency of ``mibsk serve`` beside other servers of the same encoder.

    python -m benchmarks.serving_load [--rounds 25] [--seconds 0.6] [--clients 16]
        [--csv benchmarks/results/serving.csv]
    python -m benchmarks.serving_load --soak MINUTES

All servers run on the same machine; in each round every one is loaded in turn for less than a
second, because other programs on the machine take turns too, and ratios are those of one round. The
processor time of a server per request hardly depends on others. A request has one row of 8 x 4
pixels, and the encoder is the default one of `IBAligner`, an MLP. Others are a bare FastAPI
application with pydantic, LitServe with one worker, and ``mlflow models serve`` of the ONNX file.

`--soak` loads ``mibsk serve`` with requests of one row and of many, bad ones, slow clients, and a
bundle that is replaced every ten seconds, by a torn one each third time; it prints lost requests
and resident memory over time.
"""

from __future__ import annotations

import argparse
import csv
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import psutil

from mibsk import IBAligner
from mibsk.bundle import Bundle, write_bundle
from mibsk.datasets import load_digits_halves

from .serving_bare import session_of
from .serving_client import request_of, run_load
from .serving_soak import soak


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def process(command: list[str], port: int, wait: float = 120) -> Iterator[subprocess.Popen]:
    """Run a server until the block ends; yields when it answers."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow runs uvicorn
    changed = {"MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1", "PATH": path}
    environment = {**os.environ, **changed}
    started = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + wait
        while True:
            if started.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"did not start: {' '.join(command)}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                    break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.2)
        yield started
    finally:
        started.terminate()
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()


def write_encoder(folder: Path, seed: int = 0) -> Path:
    """Train an encoder, and return its bundle."""
    rows = {name: X[:1000] for name, X in load_digits_halves().data.items()}
    model = IBAligner(n_components=64, max_epochs=2, random_state=seed).fit(rows)
    write_bundle(model, folder, name="digits")
    return folder


def encoder_file(bundle: Path) -> Path:
    """Return the ONNX file of the modality that is embedded."""
    return bundle / Bundle(bundle).manifest.encoders["left"].file


def save_for_mlflow(file: Path, folder: Path) -> None:
    """Write an ONNX file as a model of MLflow."""
    import mlflow
    import onnx

    mlflow.onnx.save_model(
        onnx.load(file), folder, save_as_external_data=False, pip_requirements=["onnxruntime"]
    )


def processor_time(server: subprocess.Popen) -> float:
    """Return the processor seconds of a server and of the processes that it started."""
    first = psutil.Process(server.pid)
    times = [each.cpu_times() for each in (first, *first.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def servers(bundle: Path, folder: Path, row: list, stack: ExitStack) -> dict[str, tuple]:
    """Start all servers; returns process, port and request by name."""
    file, python = str(encoder_file(bundle)), sys.executable
    embeddings = request_of("/v1/embeddings", {"model": "left", "input": row})
    tensor = {"name": "x", "shape": [1, 8, 4], "datatype": "FP32", "data": row}
    started = {}

    def add(name: str, command: list[str], request: bytes) -> None:
        port = free_port()
        command = [each.replace("PORT", str(port)) for each in command]
        started[name] = stack.enter_context(process(command, port)), port, request

    bare = [python, "-m", "benchmarks.serving_bare", file, "PORT"]
    add("bare", bare, request_of("/", {"input": [row]}))
    serve = [python, "-m", "mibsk", "serve", str(bundle), "--port", "PORT"]
    add("mibsk", [*serve, "--no-access-log"], embeddings)
    add("mibsk, access log", serve, embeddings)
    kserve = request_of("/v2/models/left/infer", {"inputs": [tensor]})
    started["mibsk, KServe"] = *started["mibsk"][:2], kserve
    litserve = [python, "-m", "benchmarks.serving_litserve", file, "PORT"]
    add("LitServe", litserve, request_of("/predict", {"input": [row]}))
    save_for_mlflow(Path(file), folder / "mlflow")
    mlflow = [python, "-m", "mlflow", "models", "serve", "-m", str(folder / "mlflow")]
    body = {"inputs": {"x": [row]}}
    add(
        "mlflow models serve",
        [*mlflow, "--env-manager", "local", "--port", "PORT"],
        request_of("/invocations", body),
    )
    return started


def added_latency(port: int, request: bytes, file: Path, row: list) -> tuple[float, float]:
    """Return median seconds of one row over HTTP, one client, and in the session alone."""
    session, x = session_of(str(file)), np.asarray([row], np.float32)
    times = []
    for _ in range(2000):
        start = time.perf_counter()
        session.run(["z"], {"x": x})
        times.append(time.perf_counter() - start)
    return run_load(port, request, 1, 3).quantile(0.5), sorted(times)[1000]


def compare(args: argparse.Namespace, folder: Path) -> None:
    """Load all servers in turn, and print and write what was measured."""
    bundle = write_encoder(folder / "bundle")
    row = load_digits_halves().data["left"][0].round(4).tolist()
    results: dict[str, list[tuple[float, ...]]] = {}
    with ExitStack() as stack:
        started = servers(bundle, folder, row, stack)
        for _, port, request in started.values():
            warm = run_load(port, request, args.clients, 1)
            assert not warm.lost, warm.lost[:3]
        for number in range(args.rounds):
            for name, (server, port, request) in started.items():
                before = processor_time(server)
                load = run_load(port, request, args.clients, args.seconds)
                assert not load.lost, load.lost[:3]
                used = (processor_time(server) - before) / len(load.seconds)
                measured = load.rate, load.quantile(0.5), load.quantile(0.99), used
                results.setdefault(name, []).append(measured)
                print(f"{number} {name}: {load.rate:.0f}/s", file=sys.stderr)
        over_http, alone = added_latency(*started["mibsk"][1:], encoder_file(bundle), row)
        bare_http, _ = added_latency(*started["bare"][1:], encoder_file(bundle), row)
    lines = []
    for name, measured in results.items():
        rate, p50, p99, _ = np.median(measured, axis=0)
        used = np.mean([each[3] for each in measured])
        ratio = np.median([m[0] / b[0] for m, b in zip(measured, results["bare"], strict=True)])
        values = [f"{rate:.0f}", f"{1e3 * p50:.2f}", f"{1e3 * p99:.2f}", f"{ratio:.2f}"]
        lines.append([name, *values, f"{1e6 * used:.0f}"])
    header = ["server", "requests_per_second", "p50_ms", "p99_ms", "ratio_to_bare", "cpu_us"]
    for line in [header, *lines]:
        print("{:22}{:>20}{:>10}{:>10}{:>15}{:>9}".format(*line))
    print(
        f"one client, one row: {1e3 * over_http:.2f} ms (bare {1e3 * bare_http:.2f} ms), the "
        f"session alone {1e3 * alone:.3f} ms: {1e3 * (over_http - alone):.2f} ms added"
    )
    if args.csv:
        with open(args.csv, "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([header, *lines])
            writer.writerow(["one client: mibsk", "", f"{1e3 * over_http:.3f}", "", "", ""])
            writer.writerow(["one client: bare", "", f"{1e3 * bare_http:.3f}", "", "", ""])
            writer.writerow(["one row in the session", "", f"{1e3 * alone:.3f}", "", "", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=0.6)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--csv")
    parser.add_argument("--soak", type=float, metavar="MINUTES")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.soak is None:
            compare(args, Path(folder))
            return
        bundle = write_encoder(Path(folder) / "bundle")
        port = free_port()
        serve = [sys.executable, "-m", "mibsk", "serve", str(bundle), "--port", str(port)]
        other = write_encoder(Path(folder) / "other", seed=1)
        with process([*serve, "--timeout", "5"], port) as server:
            soak(bundle, other, port, server.pid, 60 * args.soak)


if __name__ == "__main__":
    main()
