"""Models fitted on a GPU: their quality, and their use elsewhere."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mibsk import IBAligner, Modalities, OnnxEncoder, metrics
from mibsk.onnx import export_encoders

from ._setup import CPU, Row, Setup, aligner, farthest, sprites

EMBEDDINGS_DIFFER = 1e-4  # largest accepted difference, as for an ONNX file


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
