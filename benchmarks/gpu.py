"""All that is said of a GPU, measured on one, beside the CPU of the same machine in the same run.

    python -m benchmarks.gpu [same_weights same_numbers leaving metrics metrics_speed epochs loss
        together] [--device auto] [--results benchmarks/results/gpu.json]

Each part prints a table; the file has the same numbers, and the parts that ran in an earlier call
on the same device stay in it. A part that fails is recorded with its error, and the next one runs.
Without a GPU nothing is measured, unless `--device cpu` asks for a small run in which the CPU takes
both sides: that tests this script, and says nothing of a GPU.

Times are medians after a warm-up, to the end of all work on the device. Epochs of MLPs on the CPU
are timed with one thread and with all, and the better counts. "holds" says whether a number is as
the documentation has it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import pickle
import platform
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from sklearn.base import clone
from skorch.callbacks import Callback
from torch.nn.functional import normalize

from benchmarks.together import SETTINGS, aligners
from mibsk import IBAligner, Modalities, OnnxEncoder, __version__, fit_together, metrics
from mibsk.datasets import make_sprites
from mibsk.encoders import MLP, ResNet, ViT
from mibsk.exceptions import DuplicateRowsWarning
from mibsk.losses import infonce
from mibsk.onnx import export_encoders

GB = 10**9
CPU = torch.device("cpu")
N_THREADS = torch.get_num_threads()
SECONDS_AT_MOST = 30  # of the CPU's side of a metric
EMBEDDINGS_DIFFER = 1e-4  # at most, by which an ONNX file may differ as well
VALUES_DIFFER = {torch.float64: 1e-9, torch.float32: 1e-5}  # of metrics, at most

Row = dict[str, Any]


class Setup(NamedTuple):
    """The device under test, and whether data are small."""

    device: torch.device
    small: bool

    def n(self, many: int, few: int) -> int:
        """Return the size of the data."""
        return few if self.small else many


# what is timed and trained


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(
    do: Callable[[], Any], device: torch.device, rounds: int = 3, *, warm_up: int = 1
) -> float:
    """Return the median over rounds, after some that do not count."""
    times = []
    for _ in range(warm_up + rounds):
        synchronize(device)
        started = time.perf_counter()
        do()
        synchronize(device)
        times.append(time.perf_counter() - started)
    return float(np.median(times[warm_up:]))


def peak(do: Callable[[], Any], device: torch.device) -> float:
    """Return the gigabytes of a GPU that are needed beyond what is taken; 0 on a CPU."""
    if device.type != "cuda":
        do()
        return 0.0
    synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    do()
    synchronize(device)
    return (torch.cuda.max_memory_allocated(device) - before) / GB


@contextmanager
def threads(n: int) -> Iterator[None]:
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(N_THREADS)


def best_of_threads(measure: Callable[[], float]) -> float:
    """Return the better of the times with one thread and with all."""
    times = []
    for n in {1, N_THREADS}:
        with threads(n):
            times.append(measure())
    return min(times)


def sprites(n: int, side: int) -> Modalities:
    """Return images and the factors that they show, almost all of them different."""
    shared = ("shape", "scale", "orientation", "pos_x", "pos_y")
    data: Modalities = make_sprites(n, image_size=side, shared=shared, random_state=0).data
    return data


def encoders(name: str) -> dict[str, Any]:
    image = {"mlp": MLP(hidden=(512, 256)), "resnet20": ResNet(20)}[name]
    return {"image": image, "factors": MLP(hidden=(64, 64))}


def aligner(device: torch.device, name: str = "mlp", **params: Any) -> IBAligner:
    given = {"encoders": encoders(name), "random_state": 0, "max_epochs": 3, **params}
    return IBAligner(device=str(device), **given)


def equal_weights(a: IBAligner, b: IBAligner) -> bool:
    """Whether weights, running statistics and temperature are the same bit for bit."""
    ours, theirs = a.module_.state_dict(), b.module_.state_dict()
    same = [torch.equal(ours[name].cpu(), theirs[name].cpu()) for name in ours]
    return all(same) and ours.keys() == theirs.keys()


def farthest(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> float:
    """Return the largest absolute difference between the embeddings of all modalities."""
    return max(float(np.abs(a[name] - b[name]).max()) for name in a)


class SeesCudnn(Callback):
    """Looks whether cuDNN is on while training."""

    def initialize(self) -> SeesCudnn:
        """Begin anew."""
        self.seen: list[bool] = []
        return self

    def on_batch_begin(self, net: Any, **kwargs: Any) -> None:
        """Look."""
        self.seen.append(torch.backends.cudnn.enabled)


# the parts


def same_weights(setup: Setup) -> list[Row]:
    """Whether one seed gives one model on the device, bit for bit, and cuDNN is on meanwhile."""
    data, device = sprites(setup.n(512, 256), 32), setup.device
    rows: list[Row] = []

    def check(encoder: str, what: str, do: Callable[[], bool]) -> None:
        row: Row = {"encoder": encoder, "check": what}
        try:
            rows.append(row | {"holds": do()})
        except Exception as error:
            traceback.print_exc()
            rows.append(row | {"holds": False, "error": _in_short(error)})

    for name in ("mlp", "resnet20"):
        for precision in ("float32", "auto"):
            make = partial(aligner, device, name, precision=precision)
            check(name, f"fitted twice, {precision}", partial(_fitted_twice, make, data))
            check(name, f"1 + 2 epochs are 3, {precision}", partial(_in_two, make, data))
            for how in ("a file", "a pickle"):
                go_on = partial(_goes_on, make, data, how)
                check(name, f"goes on from {how}, {precision}", go_on)
    noisy = partial(aligner, device, minimality="variational", beta=0.01)
    check("mlp", "variational, fitted twice", partial(_fitted_twice, noisy, data))
    on_device = {name: torch.from_numpy(X).to(device) for name, X in data.items()}
    given = "fitted on tensors of the device and on arrays"
    check("mlp", given, partial(_fitted_twice, partial(aligner, device), data, on_device))
    for name, encoder in (("mlp", MLP((64,))), ("resnet8", ResNet(8)), ("vit", ViT(dim=48))):
        make = partial(aligner, device, encoders={"image": encoder, "factors": MLP((64,))})
        check(name, "stacked twice", partial(_stacked_twice, make, data))
    check("mlp", "torch's generators stay", partial(_generators_stay, noisy, data, device))
    sees = SeesCudnn()
    check("", "cuDNN is on in fit", lambda: _seen_on(aligner(device, callbacks=[sees]), sees, data))
    return rows


def _fitted_twice(make: Callable[..., IBAligner], data: Any, other: Any = None) -> bool:
    return equal_weights(make().fit(data), make().fit(data if other is None else other))


def _in_two(make: Callable[..., IBAligner], data: Any) -> bool:
    parts = make(max_epochs=1).fit(data)
    parts.set_params(max_epochs=2, warm_start=True).fit(data)
    return equal_weights(make().fit(data), parts)


def _goes_on(make: Callable[..., IBAligner], data: Any, how: str) -> bool:
    fitted = make().fit(data)
    with tempfile.TemporaryDirectory() as folder:
        fitted.save(f"{folder}/model.safetensors")
        loaded = IBAligner.load(f"{folder}/model.safetensors")
    other = loaded if how == "a file" else pickle.loads(pickle.dumps(fitted))
    return equal_weights(fitted.partial_fit(data), other.partial_fit(data))


def _stacked_twice(make: Callable[..., IBAligner], data: Any) -> bool:
    first, again = (
        fit_together([make(random_state=seed) for seed in range(2)], data, how="stacked")
        for _ in range(2)
    )
    return all(equal_weights(a, b) for a, b in zip(first, again, strict=True))


def _generators_stay(make: Callable[..., IBAligner], data: Any, device: torch.device) -> bool:
    before = torch.get_rng_state(), _generator_state(device)
    make().fit(data)
    after = torch.get_rng_state(), _generator_state(device)
    return all(map(torch.equal, before, after))


def _seen_on(made: IBAligner, sees: SeesCudnn, data: Any) -> bool:
    made.fit(data)
    return all(sees.seen)


def _generator_state(device: torch.device) -> torch.Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def same_numbers(setup: Setup) -> list[Row]:
    """Held-out recall and CKA of three seeds: CPU, device in float32, device in bfloat16."""
    data = sprites(setup.n(5120, 384), 32)
    sides = {
        "CPU, float32": (CPU, "float32"),
        "device, float32": (setup.device, "float32"),
        "device, auto": (setup.device, "auto"),
    }
    rows: list[Row] = []
    for name, n_train, n_epochs in (
        ("mlp", setup.n(4096, 256), setup.n(12, 2)),
        ("resnet20", setup.n(2048, 256), setup.n(5, 1)),
    ):
        train, test = data[:n_train], data[-setup.n(1024, 128) :]
        found = {side: np.empty((3, 3)) for side in sides}
        for side, (device, precision) in sides.items():
            for seed in range(3):
                fitted = aligner(
                    device, name, precision=precision, random_state=seed, max_epochs=n_epochs
                ).fit(train)
                image, factors = fitted.embed(test).values()
                found[side][seed] = (
                    metrics.recall_at_k(image, factors, k=10),
                    metrics.cka(image, factors),
                    fitted.history_[-1]["train_loss"],
                )
        spread = found["device, float32"][:, :2].var(axis=0, ddof=1)
        noise = 3 * np.sqrt(2 * spread / 3)  # of a difference of means of three
        for side, values in found.items():
            beside = found["CPU, float32" if side == "device, float32" else "device, float32"]
            differ = values - beside
            row: Row = {"encoder": name, "side": side}
            for i, what in enumerate(("recall@10", "CKA", "loss")):
                low, mean, high = (f(values[:, i]) for f in (np.min, np.mean, np.max))
                row[what] = f"{mean:.4f} ({low:.4f} to {high:.4f})"
            if side != "CPU, float32":
                row["beside"] = "CPU" if side == "device, float32" else "device, float32"
                means = differ.mean(axis=0)[:2]
                row["recall differs"], row["CKA differs"] = (round(float(x), 4) for x in means)
                row["three standard errors"] = f"{noise[0]:.4f}, {noise[1]:.4f}"
                row["holds"] = bool((np.abs(means) <= noise).all())
            rows.append(row)
    return rows


def leaving(setup: Setup) -> list[Row]:
    """Models fitted on the device: in files, in pickles, without a GPU, in ONNX."""
    data = sprites(setup.n(512, 256), 32)
    rows = []
    for name in ("mlp", "resnet20"):
        fitted = aligner(setup.device, name).set_params(device="auto").fit(data)
        here = fitted.embed(data)

        def row(what: str, there: dict[str, np.ndarray], most: float, here: Any = here) -> None:
            differs = farthest(here, there)
            rows.append(
                {
                    "encoder": name,  # noqa: B023
                    "embeddings of the device beside": what,
                    "largest difference": differs,
                    "at most": most,
                    "holds": differs <= most,
                }
            )

        row("those of a pickle", pickle.loads(pickle.dumps(fitted)).embed(data), 0.0)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder)
            fitted.save(path / "model.safetensors")
            (path / "model.pickle").write_bytes(pickle.dumps(fitted))
            np.savez(path / "data.npz", **data)
            row("those of a file", IBAligner.load(path / "model.safetensors").embed(data), 0.0)
            moved = IBAligner.load(path / "model.safetensors", device="cpu").embed(data)
            row("a file, loaded with device='cpu'", moved, EMBEDDINGS_DIFFER)
            command = [sys.executable, "-m", "benchmarks.gpu", "--without-gpu", folder]
            subprocess.run(command, check=True, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""})
            for kind in ("file", "pickle"):
                there = dict(np.load(path / f"{kind}.npz"))
                row(f"a {kind}, in a process that sees no GPU", there, EMBEDDINGS_DIFFER)
            files = export_encoders(fitted, path / "onnx")
            served = {key: OnnxEncoder(file).transform(data[key]) for key, file in files.items()}
            row("ONNX, on the CPU", served, EMBEDDINGS_DIFFER)
            with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
                row("moved to the CPU, convolutions without TF32", moved, 1e-5, fitted.embed(data))
            fitted_here = aligner(CPU, name).fit(data)
            fitted_here.save(path / "cpu.safetensors")
            back = IBAligner.load(path / "cpu.safetensors", device=str(setup.device)).embed(data)
            row("fitted on the CPU, here", back, EMBEDDINGS_DIFFER, fitted_here.embed(data))
    return rows


def without_gpu(folder: Path) -> None:
    """Embed with a file and a pickle that came from a GPU, and train on: no GPU is seen here."""
    assert not torch.cuda.is_available()
    data = Modalities(dict(np.load(folder / "data.npz")))
    loaded = {
        "file": IBAligner.load(folder / "model.safetensors"),
        "pickle": pickle.loads((folder / "model.pickle").read_bytes()),
    }
    for kind, model in loaded.items():
        np.savez(folder / f"{kind}.npz", **model.embed(data))
        assert np.isfinite(model.partial_fit(data).history_[-1]["train_loss"])


def metric_cases(n: int) -> dict[str, Callable[..., Any]]:
    """Return functions of two representations; labels are numbers of ten classes."""
    labels = np.random.default_rng(1).integers(10, size=n)
    return {
        "cka": metrics.cka,
        "cka, unbiased": partial(metrics.cka, unbiased=True),
        "cka, RBF": partial(metrics.cka, kernel="rbf", sigma=1.0),
        "mutual_knn": metrics.mutual_knn,
        "cycle_knn": metrics.cycle_knn,
        "lcs_knn": metrics.lcs_knn,
        "cknna": metrics.cknna,
        "recall_at_k, k=1": metrics.recall_at_k,
        "recall_at_k, k=10": partial(metrics.recall_at_k, k=10),
        "recall_at_k, labels": partial(metrics.recall_at_k, labels=(labels, labels)),
        "median_rank": metrics.median_rank,
        "mean_average_precision": partial(metrics.mean_average_precision, labels=(labels, labels)),
        "svcca": metrics.svcca,
        "pwcca": metrics.pwcca,
        "procrustes": metrics.procrustes,
        "alignment": metrics.alignment,
        "modality_gap": metrics.modality_gap,
        "relative_modality_gap": metrics.relative_modality_gap,
        "uniformity": lambda X, Y: metrics.uniformity(X),
        "gaussian_mutual_information": metrics.gaussian_mutual_information,
        "leakage": lambda X, Y: metrics.leakage(X, labels),
        "leakage, Z_test": lambda X, Y: metrics.leakage(X, labels, Z_test=Y, labels_test=labels),
    }


def views(n: int, d: int, noise: float = 1.0, n_distinct: int | None = None) -> list[np.ndarray]:
    """Return two noisy views of what is hidden, rows of unit norm in float32, or few of them."""
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((n, d), dtype=np.float32)
    both = [hidden + noise * rng.standard_normal((n, d), dtype=np.float32) for _ in range(2)]
    both = [Z / np.linalg.norm(Z, axis=1, keepdims=True) for Z in both]
    return both if n_distinct is None else [Z[np.arange(n) % n_distinct] for Z in both]


def metrics_agree(setup: Setup) -> list[Row]:
    """Metrics of tensors on the device beside those of the same values as arrays in float64."""
    n = 4500  # each of 150 rows 30 times, or all different
    rows = []
    for kind, n_distinct in (("all differ", None), ("each 30 times", n // 30)):
        X, Y = views(n, 64, n_distinct=n_distinct)
        for name, metric in metric_cases(n).items():
            try:
                expected = metric(X.astype(np.float64), Y.astype(np.float64))
            except ValueError:  # undefined for so few distinct rows
                continue
            row = {"metric": name, "rows": kind, "arrays": expected}
            holds = True
            for what, dtype, tf32 in (
                ("float64", torch.float64, False),
                ("float32", torch.float32, False),
                ("float32, TF32 allowed", torch.float32, True),
            ):
                given = [torch.from_numpy(Z).to(setup.device, dtype) for Z in (X, Y)]
                torch.backends.cuda.matmul.allow_tf32 = tf32
                try:
                    row[what] = abs(metric(*given) - expected)
                    holds &= row[what] <= VALUES_DIFFER[dtype] * max(1.0, abs(expected))
                except Exception as error:
                    traceback.print_exc()
                    row[what], holds = _in_short(error), False
                finally:
                    torch.backends.cuda.matmul.allow_tf32 = False
            rows.append(row | {"holds": bool(holds)})
    return rows


def metrics_speed(setup: Setup) -> list[Row]:
    """Large inputs: tensors on the device beside arrays."""
    many, fewer = setup.n(10**6, 4000), setup.n(10**5, 2000)
    cases = [  # name, metric, rows, power of the number of rows with which time grows
        ("linear CKA", metrics.cka, many, 1),
        ("SVCCA", metrics.svcca, many, 1),
        ("mutual k-NN, k=10", metrics.mutual_knn, fewer, 2),
        ("recall@1", metrics.recall_at_k, fewer, 2),
        ("median rank", metrics.median_rank, fewer, 2),
    ]
    rows = []
    for name, metric, n, power in cases:
        X, Y = views(n, 64, noise=0.3 if name == "recall@1" else 1.0)
        a, b = (torch.from_numpy(Z).to(setup.device) for Z in (X, Y))
        on_device = partial(metric, a, b)
        taken, memory = seconds(on_device, setup.device, 2), peak(on_device, setup.device)
        part = partial(metric, X[: n // 8], Y[: n // 8])
        expected = seconds(part, CPU, 1) * 8**power
        row = {"metric": name, "rows": n, "device, s": round(taken, 3)}
        row["device, peak GB"] = round(memory, 2)
        if expected > SECONDS_AT_MOST:
            row |= {"arrays, s": f"about {expected:.0f}", "times as fast": expected / taken}
        else:
            beside = seconds(partial(metric, X, Y), CPU, 1, warm_up=0)
            row |= {"arrays, s": round(beside, 3), "times as fast": beside / taken}
        row["times as fast"] = round(row["times as fast"], 1)
        rows.append(row)
    return rows


def epoch_seconds(fitted: IBAligner) -> float:
    """Return the median over the epochs after the first one."""
    return float(np.median([epoch["dur"] for epoch in fitted.history_[1:]]))


def epochs(setup: Setup) -> list[Row]:
    """Seconds of an epoch: MLP at three batch sizes, ResNet20 in three forms."""
    rows: list[Row] = []

    def measure(what: str, beside: float, data: Modalities, **params: Any) -> float:
        """Add a row, beside the seconds of another form (NaN: of the CPU, measured here)."""
        given = {"max_epochs": setup.n(6, 2), **params}
        made = aligner(setup.device, **given)
        memory = peak(lambda: made.fit(data), setup.device)
        taken = epoch_seconds(made)
        cpu = np.isnan(beside)
        if cpu:
            given |= {"max_epochs": setup.n(3, 2), "precision": "float32"}
            of_cpu = partial(_epoch_on_cpu, data, **given)
            beside = of_cpu() if "ResNet" in what else best_of_threads(of_cpu)
        rows.append(
            {
                "epoch of": what,
                "device, s": round(taken, 4),
                "first epoch, s": round(made.history_[0]["dur"], 2),
                "device, peak GB": round(memory, 2),
                "beside": "CPU, float32" if cpu else "device, float32",
                "beside, s": round(beside, 4),
                "times as fast": round(beside / taken, 2),
            }
        )
        return taken

    X, Y = views(setup.n(20_000, 512), 512)
    pairs = Modalities({"a": X, "b": Y})
    for batch in (128, 1024, 8192):
        params = {"encoders": "mlp", "batch_size": batch}
        name = f"MLP, {len(X)} x 512 twice, batch {batch}"
        plain = measure(f"{name}, float32", float("nan"), pairs, precision="float32", **params)
        measure(f"{name}, auto", plain, pairs, **params)
    n = setup.n(2048, 256)
    images = sprites(n, 64)
    name = f"ResNet20, {n} images of 64 x 64"
    params = {"encoders": encoders("resnet20"), "max_epochs": setup.n(4, 2)}
    plain = measure(f"{name}, float32", float("nan"), images, precision="float32", **params)
    measure(f"{name}, auto", plain, images, **params)
    if setup.device.type == "cuda" and importlib.util.find_spec("triton") is not None:
        measure(f"{name}, auto, compiled", plain, images, compile=True, **params)
    else:
        print("left out: compile=True, which needs a GPU and triton\n")
    return rows


def _epoch_on_cpu(data: Modalities, **params: Any) -> float:
    return epoch_seconds(aligner(CPU, **params).fit(data))


def loss(setup: Setup) -> list[Row]:
    """Time and peak memory of InfoNCE, forward and backward, at large batches."""
    rows = []
    for n in (setup.n(8192, 128), setup.n(32768, 256)):
        row: Row = {"batch": n, "columns": 512}
        for side, device in (("device", setup.device), ("CPU", CPU)):
            if side == "CPU" and n > 8192:
                continue
            leaves = [torch.randn(n, 512, device=device, requires_grad=True) for _ in range(2)]
            temperature = torch.tensor(0.07, device=device, requires_grad=True)

            def step(leaves: Any = leaves, temperature: Any = temperature) -> None:
                z, w = (normalize(leaf, dim=1) for leaf in leaves)
                torch.autograd.grad(infonce(z, w, temperature), [*leaves, temperature])

            row[f"{side}, ms"] = round(1000 * seconds(step, device), 2)
            if side == "device":
                row["peak GB"] = peak(step, device)
                row["in (n, n) of float32"] = round(row["peak GB"] * GB / (4 * n**2), 2)
                row["peak GB"] = round(row["peak GB"], 3)
        if "CPU, ms" in row:
            row["times as fast"] = round(row["CPU, ms"] / row["device, ms"], 1)
        rows.append(row)
    return rows


def together(setup: Setup) -> list[Row]:
    """Eight seeds of the small MLP: one after another, stacked, in processes."""
    encoder, side, n_pairs = SETTINGS["mlp-small"]
    n_runs, n_jobs = setup.n(8, 2), setup.n(4, 2)
    shared = ("scale", "pos_x")
    data = make_sprites(setup.n(n_pairs, 256), image_size=side, shared=shared, random_state=0).data
    rows = []
    for device in dict.fromkeys((setup.device, CPU)):
        made = [
            each.set_params(device=str(device), max_epochs=setup.n(5, 1))
            for each in aligners(encoder, n_runs)
        ]

        found: dict[str, list[IBAligner]] = {}

        def fit(how: str, made: Any = made, found: Any = found) -> None:
            new = [clone(each) for each in made]
            if how == "alone":
                found[how] = [each.fit(data) for each in new]
            else:
                found[how] = fit_together(new, data, how=how, n_jobs=n_jobs)

        with threads(1 if device == CPU else N_THREADS):
            one_by_one = seconds(partial(fit, "alone"), device, 2)
            for how, what in (("stacked", "stacked"), ("processes", f"{n_jobs} processes")):
                taken = seconds(partial(fit, how), device, 2)
                pairs = zip(found["alone"], found[how], strict=True)
                differ = max(farthest(a.embed(data), b.embed(data)) for a, b in pairs)
                rows.append(
                    {
                        "device": device.type,
                        "runs": n_runs,
                        "form": what,
                        "one after another, s": round(one_by_one, 2),
                        "at once, s": round(taken, 2),
                        "times as fast": round(one_by_one / taken, 2),
                        "embeddings differ by": float(f"{differ:.2g}"),
                    }
                )
    return rows


PARTS: dict[str, Callable[[Setup], list[Row]]] = {
    "same_weights": same_weights,
    "same_numbers": same_numbers,
    "leaving": leaving,
    "metrics": metrics_agree,
    "metrics_speed": metrics_speed,
    "epochs": epochs,
    "loss": loss,
    "together": together,
}


def run(part: str, setup: Setup) -> dict[str, Any]:
    """Return what a part measured, or why it could not."""
    doc = str(PARTS[part].__doc__)
    print(f"## {part}: {doc}\n", flush=True)
    started = time.perf_counter()
    try:
        result: dict[str, Any] = {"what": doc, "rows": PARTS[part](setup)}
        table = pd.DataFrame(result["rows"]).astype(object)
        print(table.where(table.notna(), "").to_markdown(index=False))
    except Exception as error:
        traceback.print_exc()
        result = {"what": doc, "error": _in_short(error)}
        print(f"failed: {result['error']}")
    result["seconds"] = round(time.perf_counter() - started, 1)
    print(f"\n({result['seconds']} s)\n", flush=True)
    return result


def _in_short(error: Exception) -> str:
    """Return kind and message of an error, and the last line of this project that it came from."""
    root = Path(__file__).parents[1]
    frames = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)]
    ours = [
        f"{path.relative_to(root)}:{line}"
        for path, line in zip(frames, lines, strict=True)
        if path.is_relative_to(root)
    ]
    first = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__} at {ours[-1] if ours else '?'}: {first:.200}"


def about(setup: Setup) -> dict[str, Any]:
    """Return what the numbers depend on."""
    cuda = setup.device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(setup.device) if cuda else "CPU, small data",
        "memory, GB": round(torch.cuda.get_device_properties(setup.device).total_memory / GB, 1)
        if cuda
        else None,
        "mibsk": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "CUDA": torch.version.cuda,
        "cuDNN": torch.backends.cudnn.version(),
        "threads of the CPU": N_THREADS,
    }


def failures(results: dict[str, Any]) -> list[str]:
    """Return what does not hold, and the parts that failed."""
    found = []
    for part, result in results["parts"].items():
        if "error" in result:
            found.append(f"{part}: {result['error']}")
        for row in result.get("rows", ()):
            if row.get("holds") is False:
                texts = [f"{key}={value}" for key, value in row.items() if key != "holds"]
                found.append(f"{part}: {', '.join(texts)}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results/gpu.json"))
    parser.add_argument("--without-gpu", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore", DuplicateRowsWarning)  # factors repeat by design
    if options.without_gpu is not None:
        without_gpu(options.without_gpu)
        return
    if options.device == "auto" and not torch.cuda.is_available():
        print("torch sees no GPU: nothing was measured (--device cpu tests this script).")
        return
    device = torch.device("cuda" if options.device == "auto" else options.device)
    setup = Setup(device, small=device.type == "cpu")
    results: dict[str, Any] = {"about": about(setup), "parts": {}}
    print(", ".join(f"{key} {value}" for key, value in results["about"].items()), "\n")
    if options.results.is_file():
        earlier = json.loads(options.results.read_text())
        if earlier["about"] == results["about"]:
            results["parts"] = earlier["parts"]
    for part in options.parts:
        results["parts"][part] = run(part, setup)
        options.results.parent.mkdir(parents=True, exist_ok=True)
        options.results.write_text(json.dumps(results, indent=1, default=float) + "\n")
    found = failures(results)
    print("\n".join([f"{len(found)} do not hold or failed:", *found]))


if __name__ == "__main__":
    main()
